"""How every failure of the vault is named, and that no exception carries a secret along."""

import hmac
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingUnixStreamServer

import msgspec
import pytest
from backfuture_common.domain.ids import ConnectionId, UserId
from backfuture_common.errors import PlatformError, Refused, Unknown
from backfuture_key_vault.files import create_private
from backfuture_key_vault.vault.credentials import CredentialReader, CredentialWriter
from backfuture_key_vault.vault.session import VaultSession
from backfuture_key_vault.vault.transport import Address

from tests.support.openbao import short_folder

USER, CONNECTION = UserId("u1"), ConnectionId("c1")
VALUES = {"exchange": "paper-kucoin", "api_key": "the-api-key", "secret": "canary-secret"}
SEALED = (503, b'{"errors":["Vault is sealed"]}')
DENIED = (403, b'{"errors":["permission denied"]}')


class FakeVault(ThreadingUnixStreamServer):
    """Answers logins with a new token each, everything else from ``script`` (its last line for ever)."""

    daemon_threads = True

    def __init__(self, path: Path) -> None:
        self.script: list[tuple[int, bytes]] = []
        self.login_status = 200
        self.seen: list[tuple[str, str, str]] = []
        self.logins = 0
        super().__init__(str(path), _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: FakeVault

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path.endswith("/login"):
            self.server.logins += 1
            answer = {"auth": {"client_token": f"t{self.server.logins}", "lease_duration": 3600}}
            self._answer(self.server.login_status, msgspec.json.encode(answer))
            return
        self.server.seen.append((self.command, self.path, self.headers.get("Authorization", "")))
        script = self.server.script
        self._answer(*(script.pop(0) if len(script) > 1 else script[0]))

    do_GET = do_POST  # noqa: N815  (the base class looks for this name)

    def _answer(self, status: int, body: bytes) -> None:
        if status == 0:
            return  # hang up without a word
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def address_string(self) -> str:
        return "test"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the base class's name)
        pass


@pytest.fixture
def folder() -> Iterator[Path]:
    with short_folder() as path:
        create_private(path / "sid", b"canary-secret-id")
        yield path


@pytest.fixture
def vault(folder: Path) -> Iterator[FakeVault]:
    server = FakeVault(folder / "v.sock")
    thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.01), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join(5)


@pytest.fixture
def session(folder: Path) -> VaultSession:
    return VaultSession(Address(folder / "v.sock", "localhost", 0, None), "intake", folder / "sid", timeout_s=1)


def put(session: VaultSession) -> int:
    return CredentialWriter(session).put(USER, CONNECTION, VALUES, 0)


def failure_of(call: object, session: VaultSession) -> PlatformError:
    with pytest.raises(PlatformError) as caught:
        call(session)  # type: ignore[operator]  # a function of the table below
    return caught.value


@pytest.mark.parametrize(
    ("answer", "reading", "writing"),
    [
        (SEALED, "vault_sealed", "vault_sealed"),
        ((501, b""), "vault_sealed", "vault_sealed"),
        (DENIED, "vault_denied", "vault_denied"),
        ((429, b""), "vault_busy", "vault_busy"),
        ((307, b""), "vault_redirect", "vault_redirect"),
        ((302, b""), "vault_redirect", "vault_redirect"),
        ((500, b'{"errors":["internal error"]}'), "vault_error", "outcome_unknown"),
        ((502, b""), "vault_error", "outcome_unknown"),
        ((405, b""), "vault_denied", "vault_denied"),
        ((0, b""), "vault_unreachable", "outcome_unknown"),
        ((400, b'{"errors":["check-and-set parameter did not match"]}'), "vault_denied", "version_conflict"),
        ((400, b'{"errors":["something else"]}'), "vault_denied", "vault_error"),
    ],
)
def test_failures_have_one_name_each(
    vault: FakeVault, session: VaultSession, answer: tuple[int, bytes], reading: str, writing: str
) -> None:
    vault.script = [answer]

    read = failure_of(lambda s: CredentialReader(s).fetch(USER, CONNECTION), session)
    write = failure_of(put, session)

    assert (read.info.code, write.info.code) == (reading, writing)
    assert isinstance(read, Refused)
    assert isinstance(write, Unknown if writing == "outcome_unknown" else Refused)


def test_no_server_is_unreachable_and_certainly_nothing_happened(session: VaultSession) -> None:
    failure = failure_of(put, session)
    assert isinstance(failure, Refused)
    assert (failure.info.code, failure.info.retryable) == ("vault_unreachable", True)


def test_a_write_that_was_not_answered_is_not_sent_again(vault: FakeVault, session: VaultSession) -> None:
    vault.script = [(0, b"")]
    failure_of(put, session)
    assert len(vault.seen) == 1


def test_one_login_serves_many_calls(vault: FakeVault, session: VaultSession) -> None:
    vault.script = [(404, b"{}")]
    for _ in range(3):
        failure_of(lambda s: CredentialReader(s).fetch(USER, CONNECTION), session)

    assert vault.logins == 1
    assert {token for _, _, token in vault.seen} == {"Bearer t1"}


def test_a_token_that_is_no_longer_good_is_replaced_once_unseen(vault: FakeVault, session: VaultSession) -> None:
    vault.script = [DENIED, (200, b'{"data":{"version":7}}')]

    assert put(session) == 7
    assert [token for _, _, token in vault.seen] == ["Bearer t1", "Bearer t2"]


def test_a_policy_that_forbids_is_asked_twice_and_no_more(vault: FakeVault, session: VaultSession) -> None:
    vault.script = [DENIED]
    assert failure_of(put, session).info.code == "vault_denied"
    assert len(vault.seen) == 2


def test_a_refused_login_sends_no_secret(vault: FakeVault, session: VaultSession) -> None:
    vault.script = [(200, b"")]
    for status, code in ((400, "vault_denied"), (503, "vault_error"), (500, "vault_error")):
        vault.login_status = status
        failure = failure_of(put, session)
        assert isinstance(failure, Refused), "nothing was written"
        assert failure.info.code == code
    assert vault.seen == []


def test_a_secret_id_that_vanishes_later_is_a_refusal_and_no_end(folder: Path, session: VaultSession) -> None:
    (folder / "sid").unlink()
    failure = failure_of(put, session)
    assert (failure.info.code, failure.__context__) == ("vault_denied", None)


@pytest.mark.parametrize(
    "script", [[(500, b"")], [(0, b"")], [DENIED], [SEALED], [(400, b"check-and-set")], [(307, b"")]]
)
def test_no_failure_carries_the_frames_of_another(
    vault: FakeVault, session: VaultSession, script: list[tuple[int, bytes]]
) -> None:
    """``raise … from None`` hides a context and keeps it: its frames hold the secret as a local variable."""
    vault.script = script
    for call in (put, lambda s: CredentialReader(s).fetch(USER, CONNECTION)):
        failure = failure_of(call, session)
        assert failure.__context__ is None
        assert failure.__cause__ is None
        assert "canary" not in f"{failure!r} {failure.info!r}"


@pytest.mark.parametrize(
    "wrong",
    ["", ".", "..", "a/b", "a%2fb", "*", "+", "a b", "a\x00", "\u202ex", "-a", "_a", "a" * 64, "a.b", "u1/../u2"],
)
def test_an_id_that_is_none_reaches_no_server(vault: FakeVault, session: VaultSession, wrong: str) -> None:
    vault.script = [(404, b"")]
    reader, writer = CredentialReader(session), CredentialWriter(session)
    for user, connection in ((UserId(wrong), CONNECTION), (USER, ConnectionId(wrong))):
        for call in (
            lambda _s, u=user, c=connection: reader.fetch(u, c),
            lambda _s, u=user, c=connection: reader.current_version(u, c),
            lambda _s, u=user, c=connection: writer.put(u, c, VALUES, 0),
            lambda _s, u=user, c=connection: writer.destroy(u, c),
            lambda _s, u=user, c=connection: writer.status(u, c),
        ):
            assert failure_of(call, session).info.code == "invalid_id"
    assert vault.seen == []


def test_an_answer_that_is_an_empty_shell_is_no_credential(vault: FakeVault, session: VaultSession) -> None:
    """Between the two steps of destroying, the newest version is an empty one."""
    vault.script = [(200, b'{"data":{"data":{},"metadata":{"custom_metadata":null,"version":2}}}')]
    assert failure_of(lambda s: CredentialReader(s).fetch(USER, CONNECTION), session).info.code == "no_credential"


def test_a_credential_is_cut_out_of_its_answer(vault: FakeVault, session: VaultSession) -> None:
    answer = (
        b'{"request_id":"x","data":{"data":{"api_key":"dGhlLWFwaS1rZXk","exchange":"cGFwZXIta3Vjb2lu",'
        b'"passphrase":"cGFzcw","secret":"c2VjcmV0"},"metadata":{"created_time":"2026","custom_metadata":'
        b'{"hint":"\\"}{","version":"99"},"destroyed":false,"version":12}},"auth":null}'
    )
    vault.script = [(200, answer)]
    credential = CredentialReader(session).fetch(USER, CONNECTION)

    assert (credential.exchange, credential.api_key, credential.version) == ("paper-kucoin", "the-api-key", 12)
    assert credential.passphrase is not None
    assert credential.secret.mac(credential.passphrase) == hmac.digest(b"secret", b"pass", "sha256")
    assert "secret" not in repr(credential).replace("Secret", "")
