"""The secret is not in this process: what ccxt signs is signed elsewhere, and nothing else can be signed."""

import hashlib
from dataclasses import dataclass, field

import pytest
from backfuture_common.contracts.key_vault import PASSPHRASE_MARK
from backfuture_common.runtime.clock import Clock
from backfuture_connector.adapters.ccxt_classes import Ccxt, make
from backfuture_connector.adapters.ccxt_hooks import Wiring
from backfuture_connector.core.facts import Venue
from backfuture_connector.core.failures import VenueError
from backfuture_connector.ports import Lease
from backfuture_connector.shell.limiter import Limiter

from tests.unit.connector.build import CONNECTION


@dataclass
class Recorder:
    signed: list[bytes] = field(default_factory=list)

    def sign(self, lease: Lease, message: bytes) -> bytes:
        assert lease.handle == "the-handle"
        self.signed.append(message)
        return hashlib.sha256(message).digest()


def lease() -> Lease:
    return Lease(
        connection_id=CONNECTION,
        handle="the-handle",
        api_key="the-key",
        version=1,
        needs_passphrase=True,
        expires_in_s=3600,
    )


def exchange(venue: Venue, signer: Recorder) -> Ccxt:
    wiring = Wiring(Limiter("kucoin", Clock()), account="conn_1", signer=signer, lease=lease())
    return make(venue, "http://127.0.0.1:1/x", wiring, timeout_s=1, lease=lease())


def test_kucoins_request_and_passphrase_are_signed_by_the_signer_and_the_passphrase_once() -> None:
    signer = Recorder()
    ccxt = exchange("kucoin", signer)
    for _ in range(3):
        signed = ccxt.sign("user/api-key", ["private"], "GET", {})  # type: ignore[attr-defined]  # ccxt's own method
    assert [message == PASSPHRASE_MARK for message in signer.signed].count(True) == 1
    assert all(message.endswith(b"GET/api/v1/user/api-key") for message in signer.signed if message != PASSPHRASE_MARK)
    assert "KC-API-PARTNER" not in signed["headers"], "no partner mark, and no second signature"
    assert PASSPHRASE_MARK.decode() not in str(signed)
    assert "the-handle" not in str(signed)


def test_mexcs_request_is_signed_by_the_signer() -> None:
    signer = Recorder()
    ccxt = exchange("mexc", signer)
    signed = ccxt.sign("account", ["spot", "private"], "GET", {})  # type: ignore[attr-defined]  # ccxt's own method
    assert signed["url"].endswith(hashlib.sha256(signer.signed[0]).hexdigest())
    assert "the-handle" not in str(signed)


@pytest.mark.parametrize("venue", ["kucoin", "mexc"])
def test_nothing_is_signed_with_any_other_secret(venue: Venue) -> None:
    signer = Recorder()
    ccxt = exchange(venue, signer)
    with pytest.raises(VenueError, match="signer_refused"):
        ccxt.hmac(b"anything", b"another secret")  # type: ignore[attr-defined]  # our own hook
    with pytest.raises(VenueError, match="signer_refused"):
        ccxt.hmac(b"anything", b"the-handle", hashlib.sha512)  # type: ignore[attr-defined]  # our own hook
    assert signer.signed == []


def test_an_anonymous_object_signs_nothing() -> None:
    ccxt = make("kucoin", "http://127.0.0.1:1/x", Wiring(Limiter("kucoin", Clock())), timeout_s=1)
    with pytest.raises(VenueError, match="signer_refused"):
        ccxt.hmac(b"anything", b"")  # type: ignore[attr-defined]  # our own hook


def test_a_lease_never_shows_its_handle_or_its_key() -> None:
    assert "the-handle" not in repr(lease())
    assert "the-key" not in repr(lease())
    assert "the-handle" not in repr(Wiring(Limiter("kucoin", Clock()), lease=lease()))


@pytest.mark.parametrize("venue", ["kucoin", "mexc"])
def test_ccxt_keeps_every_digit_and_rounds_nothing(venue: Venue) -> None:
    ccxt = exchange(venue, Recorder())
    parsed = ccxt.on_json_response('{"price": 0.10000000000000000001, "n": 12345678901234567890}')  # type: ignore[attr-defined]
    assert parsed == {"price": "0.10000000000000000001", "n": 12345678901234567890}
    assert ccxt.amount_to_precision("BTC/USDT", "0.123456789012345678901") == "0.123456789012345678901"  # type: ignore[attr-defined]
    assert ccxt.price_to_precision("BTC/USDT", "1.005") == "1.005"  # type: ignore[attr-defined]
