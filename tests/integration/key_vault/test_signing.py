"""Signatures over the socket: right, refused, limited, fast."""

import base64
import hmac
import time

import httpx
import pytest
from backfuture_common.contracts.key_vault import PASSPHRASE_MARK

from tests.support import forbidden_requests
from tests.support.ccxt_signing import API_KEY, HONEST, offline, record
from tests.support.key_vault import KeyVault, kucoin_message, mexc_message, sign_body

SECRET, PASSPHRASE = "8a7b6c5d-secret-of-the-user", "open-sesame-77"
P99_BUDGET_S = 0.05
"""Far above the half millisecond of a quiet machine: this one is shared."""


@pytest.fixture
def leased(key_vault: KeyVault, connection: str) -> str:
    key_vault.store(connection, api_key=API_KEY, secret=SECRET, passphrase=PASSPHRASE)
    lease: str = key_vault.lease(connection).json()["lease"]
    return lease


@pytest.fixture
def leased_mexc(key_vault: KeyVault, connection: str) -> str:
    mine = connection + "_mexc"
    key_vault.store(mine, exchange="paper-mexc", api_key=API_KEY, secret=SECRET)
    lease: str = key_vault.lease(mine, exchange="paper-mexc").json()["lease"]
    return lease


def mac_of(answer: httpx.Response) -> bytes:
    assert answer.status_code == 200, answer.text
    return base64.b64decode(answer.json()["mac_b64"])


def test_a_signature_is_the_hmac_with_the_stored_secret(key_vault: KeyVault, leased: str) -> None:
    message = kucoin_message()
    assert mac_of(key_vault.sign(leased, message)) == hmac.digest(SECRET.encode(), message, "sha256")


def test_the_mark_stands_for_the_passphrase(key_vault: KeyVault, leased: str, leased_mexc: str) -> None:
    expected = hmac.digest(SECRET.encode(), PASSPHRASE.encode(), "sha256")
    assert mac_of(key_vault.sign(leased, PASSPHRASE_MARK)) == expected

    refused = key_vault.sign(leased_mexc, PASSPHRASE_MARK)
    assert refused.json()["error"]["code"] == "sign.refused"


@pytest.mark.parametrize("venue", ["kucoin", "mexc"])
def test_requests_are_byte_for_byte_those_of_unmodified_ccxt(key_vault: KeyVault, connection: str, venue: str) -> None:
    exchange_id = f"paper-{venue}"
    key_vault.store(connection, exchange=exchange_id, api_key=API_KEY, secret=SECRET, passphrase=PASSPHRASE)
    lease = key_vault.lease(connection, exchange=exchange_id).json()["lease"]
    now_ms = time.time_ns() // 1_000_000
    plain = offline(venue, now_ms, secret=SECRET, password=PASSPHRASE)

    signer = key_vault.client("dispense")

    def sign(message: bytes) -> bytes:
        answer = signer.post("/v1/sign", json=sign_body(message), headers={"Authorization": f"Bearer {lease}"})
        if answer.status_code == 429:
            time.sleep(0.1)
            return sign(message)
        return mac_of(answer)

    hooked = offline(venue, now_ms, sign, secret=lease, password=PASSPHRASE_MARK.decode())
    for exchange in (plain, hooked):
        exchange.uuid = lambda: "0d7273ee-efde-4665-ac2f-4a277062bdae"
    compared = 0
    for name, call in HONEST[venue].items():
        sent, expected = record(hooked, call), record(plain, call)
        assert sent.requests == expected.requests, name
        compared += len(sent.messages)
    signer.close()
    assert compared > 25
    assert SECRET not in repr(vars(hooked))


@pytest.mark.parametrize("attempt", forbidden_requests.KUCOIN[:6])
def test_a_withdrawal_is_refused_with_an_alarm_that_names_the_connection(
    key_vault: KeyVault, leased: str, connection: str, attempt: tuple[str, str, str]
) -> None:
    method, path, body = attempt
    answer = key_vault.sign(leased, kucoin_message(path, method, body))

    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "sign.refused")
    alarm = [line for line in key_vault.log("dispense").read_text().splitlines() if f'"{connection}"' in line][-1]
    assert '"sign.refused"' in alarm
    assert '"alarm": true' in alarm
    assert "toAddress" not in alarm


def test_refusals_are_counted(key_vault: KeyVault, leased_mexc: str) -> None:
    def count() -> float:
        with key_vault.client("dispense") as client:
            lines = client.get("/metrics").text.splitlines()
        name = 'backfuture_sign_refusals_total{code="parameter",exchange="paper-mexc"}'
        return float(next((line.split()[-1] for line in lines if line.startswith(name)), "0"))

    before = count()
    key_vault.sign(leased_mexc, mexc_message("coin=USDT&address=TX&amount=1"))
    assert count() == before + 1


def test_a_mexc_key_is_looked_up_only_as_itself(key_vault: KeyVault, leased_mexc: str) -> None:
    assert key_vault.sign(leased_mexc, mexc_message(f"accessKey={API_KEY}")).status_code == 200
    assert key_vault.sign(leased_mexc, mexc_message("accessKey=0123456789abcdef")).status_code == 403


def test_a_connection_signs_fifty_at_once_and_then_waits(key_vault: KeyVault, leased: str, leased_mexc: str) -> None:
    answers: list[httpx.Response] = []
    with key_vault.client("dispense") as client:
        for _ in range(140):
            bearer = {"Authorization": f"Bearer {leased}"}
            answers.append(client.post("/v1/sign", json=sign_body(kucoin_message()), headers=bearer))
    granted = [answer.status_code for answer in answers].count(200)
    limited = [answer for answer in answers if answer.status_code == 429]

    assert answers[0].status_code == 200
    assert 50 <= granted < 140
    assert {answer.json()["error"]["code"] for answer in limited} == {"sign.rate_limited"}
    assert limited[0].headers["Retry-After"] == "1"
    assert key_vault.sign(leased_mexc, mexc_message()).status_code == 200, "another connection has its own rate"
    assert key_vault.sign(leased, PASSPHRASE_MARK).status_code == 200, "a constant does not count"


@pytest.mark.parametrize(
    "body",
    [
        {"algorithm": "sha512", "message_b64": "eA=="},
        {"algorithm": "sha256", "message_b64": "not base64!"},
        {"algorithm": "sha256", "message_b64": ""},
        {"algorithm": "sha256", "message_b64": "eA==", "more": 1},
        {"message_b64": 5},
        {},
    ],
)
def test_a_request_that_is_none_is_refused(key_vault: KeyVault, leased: str, body: dict[str, object]) -> None:
    with key_vault.client("dispense") as client:
        answer = client.post("/v1/sign", json=body, headers={"Authorization": f"Bearer {leased}"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_request")


def test_signing_is_fast(key_vault: KeyVault, leased: str) -> None:
    body, bearer = sign_body(PASSPHRASE_MARK), {"Authorization": f"Bearer {leased}"}
    took_s: list[float] = []
    with key_vault.client("dispense") as client:
        for _ in range(500):
            started_s = time.perf_counter()
            assert client.post("/v1/sign", json=body, headers=bearer).status_code == 200
            took_s.append(time.perf_counter() - started_s)

    assert sorted(took_s)[int(len(took_s) * 0.99)] < P99_BUDGET_S
