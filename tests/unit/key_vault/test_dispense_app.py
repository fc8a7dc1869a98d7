"""The dispense calls where time, races and bugs decide: a clock that is moved, a vault that answers as told."""

import base64
import hmac
import threading
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from backfuture_common.domain.ids import ConnectionId, ExchangeId, UserId
from backfuture_common.errors import Refused
from backfuture_common.runtime import metrics
from backfuture_common.runtime.clock import ManualClock
from backfuture_common.runtime.service import Runtime
from backfuture_common.runtime.settings import ServiceSettings
from backfuture_key_vault.buffers import SecretBuffer
from backfuture_key_vault.callers import Callers, make_caller
from backfuture_key_vault.dispense import Dispense, build_dispense
from backfuture_key_vault.leases import LeaseBook
from backfuture_key_vault.vault.credentials import Credential, CredentialReader

from tests.support.key_vault import sign_body

HOUR_S = 3600


class StubReader(CredentialReader):
    """A vault that holds one credential, until it is told to be away, empty, or broken."""

    def __init__(self) -> None:
        self.version: int | None = 1
        self.failure: Exception | None = None
        self.on_fetch: Callable[[], None] = lambda: None
        self.given: list[Credential] = []

    def fetch(self, user: UserId, connection: ConnectionId) -> Credential:
        self._asked(user, connection)
        self.on_fetch()
        secret, passphrase = SecretBuffer(bytearray(b"canary-secret")), SecretBuffer(bytearray(b"pass"))
        credential = Credential(ExchangeId("paper-kucoin"), "the-api-key", secret, passphrase, self.version or 0)
        self.given.append(credential)
        return credential

    def current_version(self, user: UserId, connection: ConnectionId) -> int | None:
        self._asked(user, connection)
        return self.version

    def _asked(self, user: UserId, connection: ConnectionId) -> None:
        assert (user, connection) == ("u1", "c1")
        if self.failure is not None:
            raise self.failure


class Stage:
    """A dispense app with everything around it in the test's hands."""

    def __init__(self, folder: Path) -> None:
        make_caller("connector", ExchangeId("paper-kucoin"), folder / "token", folder / "callers")
        self.token = (folder / "token").read_text()
        self.clock, self.reader = ManualClock(), StubReader()
        self.book = LeaseBook(self.clock.monotonic_s)
        dispense = Dispense(Callers(folder / "callers"), self.reader, self.book, self.clock)
        self._app = build_dispense(Runtime("test", ServiceSettings()), dispense)

    async def post(self, path: str, bearer: str, body: object = None) -> httpx.Response:
        transport = httpx.ASGITransport(self._app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://dispense") as client:
            return await client.post(path, json=body, headers={"Authorization": f"Bearer {bearer}"})

    async def lease(self) -> httpx.Response:
        return await self.post("/v1/leases", self.token, {"user_id": "u1", "connection_id": "c1"})

    async def sign(self, lease: str, rest: str) -> httpx.Response:
        return await self.post("/v1/sign", lease, sign_body(f"{self.clock.now_ms()}{rest}".encode()))

    async def renew(self, lease: str) -> httpx.Response:
        return await self.post("/v1/leases/renew", lease)


ORDER = 'POST/api/v1/hf/orders{"side":"buy"}'
READ = "GET/api/v1/user/api-key"
CANCEL = "DELETE/api/v1/hf/orders/x1?symbol=BTC-USDT"


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


async def test_after_a_day_without_the_vault_only_reading_and_cancelling_are_signed(stage: Stage) -> None:
    lease = (await stage.lease()).json()["lease"]
    stage.reader.failure = Refused("vault_sealed", "sealed")
    for _ in range(24):
        stage.clock.advance(HOUR_S - 1)
        renewed = await stage.renew(lease)
        assert (renewed.status_code, renewed.json()["orders_allowed"]) == (200, True)
        assert (await stage.sign(lease, ORDER)).status_code == 200
    stage.clock.advance(HOUR_S - 1)

    assert (await stage.renew(lease)).json()["orders_allowed"] is False
    refused = await stage.sign(lease, ORDER)
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "orders_suspended")
    for rest in (READ, CANCEL):
        assert (await stage.sign(lease, rest)).status_code == 200

    stage.reader.failure = None
    assert (await stage.renew(lease)).json()["orders_allowed"] is True
    assert (await stage.sign(lease, ORDER)).status_code == 200


async def test_a_lease_that_is_not_renewed_ends_after_an_hour(stage: Stage) -> None:
    lease = (await stage.lease()).json()["lease"]
    stage.clock.advance(HOUR_S)
    for answer in (await stage.sign(lease, READ), await stage.renew(lease)):
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "lease_unknown")


async def test_a_connection_dropped_while_its_new_version_is_fetched_stays_dropped(stage: Stage) -> None:
    lease = (await stage.lease()).json()["lease"]
    stage.reader.version = 2
    loop_thread = threading.get_ident()

    def drop() -> None:
        assert threading.get_ident() != loop_thread, "the vault is asked off the loop"
        stage.book.drop_connection(ConnectionId("c1"))

    stage.reader.on_fetch = drop

    assert (await stage.renew(lease)).status_code == 401
    assert (await stage.sign(lease, READ)).status_code == 401
    for credential in stage.reader.given:
        with pytest.raises(ValueError, match="wiped"):
            credential.secret.mac(b"")


async def test_a_credential_that_vanishes_during_a_renewal_ends_the_lease(stage: Stage) -> None:
    lease = (await stage.lease()).json()["lease"]
    stage.reader.version = 2

    def vanish() -> None:
        raise Refused("no_credential", "gone")

    stage.reader.on_fetch = vanish
    assert (await stage.renew(lease)).status_code == 401
    assert (await stage.sign(lease, READ)).status_code == 401


async def test_a_bug_answers_a_fixed_sentence_and_logs_a_place(
    stage: Stage, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    stage.reader.failure = RuntimeError("canary-secret in a message")
    answer = await stage.lease()

    assert (answer.status_code, answer.json()["error"]["code"]) == (500, "internal")
    told = answer.text + caplog.text + "".join(capsys.readouterr())
    assert "canary" not in told
    assert "http.failed" in told
    assert "test_dispense_app.py" in told


async def test_only_requests_are_counted_as_signatures(stage: Stage) -> None:
    counter = metrics.SIGNATURES.labels(exchange="paper-kucoin")
    lease = (await stage.lease()).json()["lease"]
    before = counter._value.get()
    passphrase = await stage.post("/v1/sign", lease, sign_body(b"backfuture:passphrase"))
    assert base64.b64decode(passphrase.json()["mac_b64"]) == hmac.digest(b"canary-secret", b"pass", "sha256")
    await stage.sign(lease, READ)
    await stage.sign(lease, "POST/api/v3/withdrawals{}")

    assert counter._value.get() == before + 1
