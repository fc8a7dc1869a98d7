"""The client of the key-vault's dispense socket, against a server that answers whatever a test wants."""

import base64
import json
import socketserver
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from backfuture_common.domain.ids import ConnectionId, ExchangeId, UserId
from backfuture_connector.adapters.key_vault import BlockingSigner, KeyVault
from backfuture_connector.core.failures import FailureKind, VenueError
from backfuture_connector.ports import Lease

TOKEN, HANDLE = "token-of-the-connector", "handle-of-the-lease"
CONNECTION = ConnectionId("conn_1")
LEASE_BODY = {"lease": HANDLE, "api_key": "the-key", "version": 3, "needs_passphrase": True, "expires_in_s": 3600}


@dataclass
class Script:
    """What the server answers next, and what it was asked."""

    status: int = 200
    body: object = field(default_factory=dict)
    delay_s: float = 0.0
    close_after: bool = False
    asked: list[tuple[str, str, str, bytes]] = field(default_factory=list)


class Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    script: Script


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def _answer(self) -> None:
        script = self.server.script
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        script.asked.append((self.command, self.path, self.headers.get("Authorization", ""), body))
        time.sleep(script.delay_s)
        raw = script.body if isinstance(script.body, bytes) else json.dumps(script.body).encode()
        self.send_response(script.status)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)
        if script.close_after:
            self.close_connection = True

    do_GET = do_POST = do_DELETE = _answer  # noqa: N815  (the standard library's names)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (its signature)
        return

    def address_string(self) -> str:
        return "unix"


@dataclass
class Bench:
    script: Script
    keys: KeyVault
    signer: BlockingSigner
    socket: Path


@pytest.fixture
def bench() -> Iterator[Bench]:
    with tempfile.TemporaryDirectory(prefix="bf-") as folder:
        path, token = Path(folder) / "s", Path(folder) / "token"
        token.write_text(TOKEN + "\n")
        with Server(str(path), Handler) as server:
            server.script = Script()
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
            thread.start()
            try:
                signer = BlockingSigner(path, ExchangeId("paper-kucoin"))
                yield Bench(server.script, KeyVault(path, token), signer, path)
            finally:
                server.shutdown()
                thread.join()


def a_lease(version: int = 3) -> Lease:
    return Lease(
        connection_id=CONNECTION,
        handle=HANDLE,
        api_key="the-key",
        version=version,
        needs_passphrase=True,
        expires_in_s=3600,
    )


async def test_a_lease_is_asked_for_with_our_own_token_and_used_with_its_own(bench: Bench) -> None:
    bench.script.body = LEASE_BODY
    lease = await bench.keys.lease(UserId("user_1"), CONNECTION)
    assert (lease.handle, lease.api_key, lease.version, lease.needs_passphrase) == (HANDLE, "the-key", 3, True)
    assert (await bench.keys.renew(lease)).version == 3
    await bench.keys.drop(lease)
    calls = [(method, path, bearer) for method, path, bearer, _ in bench.script.asked]
    assert calls == [
        ("POST", "/v1/leases", f"Bearer {TOKEN}"),
        ("POST", "/v1/leases/renew", f"Bearer {HANDLE}"),
        ("DELETE", "/v1/leases", f"Bearer {HANDLE}"),
    ]
    assert json.loads(bench.script.asked[0][3]) == {"user_id": "user_1", "connection_id": "conn_1"}


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (401, "lease_unknown", "lease_gone"),
        (404, "no_credential", "lease_gone"),
        (401, "unauthorized", "signer_refused"),
        (403, "wrong_exchange", "signer_refused"),
        (403, "sign.refused", "signer_refused"),
        (403, "orders_suspended", "signer_unavailable"),
        (429, "sign.rate_limited", "rate_limited"),
        (503, "vault_sealed", "signer_unavailable"),
        (503, "vault_unreachable", "signer_unavailable"),
        (500, "internal", "signer_unavailable"),
    ],
)
async def test_every_refusal_has_its_meaning_and_nothing_was_sent_anywhere(
    bench: Bench, status: int, code: str, kind: FailureKind
) -> None:
    bench.script.status = status
    bench.script.body = {"error": {"code": code, "message": "no", "hint": "", "retryable": False}}
    with pytest.raises(VenueError) as leasing:
        await bench.keys.lease(UserId("user_1"), CONNECTION)
    with pytest.raises(VenueError) as signing:
        bench.signer.sign(a_lease(), b"message")
    for caught in (leasing, signing):
        assert (caught.value.failure.kind, caught.value.failure.answer.sent) == (kind, False)
        assert caught.value.failure.raw in {code, f"{code}"}
        assert TOKEN not in str(caught.value)
        assert HANDLE not in repr(caught.value.failure)


@pytest.mark.parametrize("body", [b"not json", b"{}", b"[]", b'{"lease": 5}'])
async def test_an_answer_of_another_shape_is_no_lease_and_no_signature(bench: Bench, body: bytes) -> None:
    bench.script.body = body
    with pytest.raises(VenueError, match="signer_unavailable"):
        await bench.keys.lease(UserId("user_1"), CONNECTION)
    with pytest.raises(VenueError, match="signer_unavailable"):
        bench.signer.sign(a_lease(), b"message")


async def test_dropping_a_lease_that_is_gone_is_as_good(bench: Bench) -> None:
    bench.script.status = 401
    bench.script.body = {"error": {"code": "lease_unknown", "message": "gone"}}
    await bench.keys.drop(a_lease())


def test_a_signature_is_what_the_signer_says(bench: Bench) -> None:
    bench.script.body = {"mac_b64": base64.b64encode(b"mac").decode(), "version": 3}
    assert bench.signer.sign(a_lease(), b"message") == b"mac"
    method, path, bearer, body = bench.script.asked[0]
    assert (method, path, bearer) == ("POST", "/v1/sign", f"Bearer {HANDLE}")
    assert base64.b64decode(json.loads(body)["message_b64"]) == b"message"


def test_a_signature_with_another_versions_secret_is_not_used(bench: Bench) -> None:
    bench.script.body = {"mac_b64": base64.b64encode(b"mac").decode(), "version": 4}
    with pytest.raises(VenueError, match="lease_gone"):
        bench.signer.sign(a_lease(version=3), b"message")


def test_a_slow_signer_holds_the_process_up_only_for_a_moment(bench: Bench) -> None:
    bench.script.delay_s = 2.0
    started_s = time.monotonic()
    with pytest.raises(VenueError, match="signer_unavailable"):
        bench.signer.sign(a_lease(), b"message")
    assert time.monotonic() - started_s < 1.0


def test_a_kept_connection_that_was_closed_meanwhile_is_opened_again(bench: Bench) -> None:
    bench.script.body = {"mac_b64": base64.b64encode(b"mac").decode(), "version": 3}
    bench.script.close_after = True
    for _ in range(3):
        assert bench.signer.sign(a_lease(), b"message") == b"mac"
        time.sleep(0.02)
    assert len(bench.script.asked) == 3


async def test_without_a_server_nothing_is_leased_or_signed(bench: Bench) -> None:
    nowhere = bench.socket.with_name("nowhere")
    keys = KeyVault(nowhere, bench.socket.with_name("token"))
    with pytest.raises(VenueError, match="signer_unavailable"):
        await keys.lease(UserId("user_1"), CONNECTION)
    with pytest.raises(VenueError, match="signer_unavailable"):
        BlockingSigner(nowhere, ExchangeId("paper-kucoin")).sign(a_lease(), b"message")
    assert await keys.why_not_ready() == "cannot be reached"


async def test_readiness_is_the_key_vaults_own(bench: Bench) -> None:
    assert await bench.keys.why_not_ready() == ""
    bench.script.status = 503
    assert await bench.keys.why_not_ready() == "not ready (503)"
