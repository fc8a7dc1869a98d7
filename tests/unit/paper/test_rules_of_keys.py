"""Keys, signatures and limits as values."""

import pytest
from backfuture_paper.core.keys import DAY_MS, ApiKey
from backfuture_paper.core.limits import WindowLimit
from backfuture_paper.core.signing import equal, kucoin_passphrase, kucoin_signature, mexc_signature


def a_key(**changes: object) -> ApiKey:
    given: dict[str, object] = {
        "api_key": "k", "secret": "hidden", "passphrase": "veiled", "account": "a", "venue": "kucoin",
        "rights": frozenset({"read"}), "created_ms": 0, **changes,
    }  # fmt: skip
    return ApiKey(**given)  # type: ignore[arg-type]  # the fields' types


def test_the_signature_example_of_mexcs_documentation() -> None:
    """Secret and query are the published example; so is the expected result."""
    secret = "45d0b3c26f2644f19bfb98b07741b2f5"
    query = "symbol=BTCUSDT&side=BUY&type=LIMIT&quantity=1&price=11&recvWindow=5000&timestamp=1644489390087"

    assert mexc_signature(secret, query) == "fd3e4e8543c5188531eb7279d68ae7d26a573d0fc5ab0d18eb692451654d837a"


def test_kucoins_signature_is_base64_and_its_passphrase_is_signed_since_version_2() -> None:
    assert kucoin_signature("key", b"The quick brown fox jumps over the lazy dog") == (
        "97yD9DBThCSxMpjmqm+xQ+9NWaFJRhdZl0edvC0aPNg="
    )
    assert kucoin_passphrase("key", "plain", "1") == "plain"
    assert kucoin_passphrase("key", "plain", "2") == kucoin_signature("key", b"plain")


def test_comparing_signatures() -> None:
    assert equal("abc", "abc")
    assert not equal("abc", "abd")
    assert not equal("", "abc")
    assert not equal("ü", "abc")


@pytest.mark.parametrize(
    ("ip_list", "address", "admitted"),
    [
        ((), "8.8.8.8", True),
        (("127.0.0.1",), "127.0.0.1", True),
        (("127.0.0.1",), "127.0.0.2", False),
        (("203.0.113.0/24", "127.0.0.1"), "203.0.113.77", True),
        (("203.0.113.0/24",), "203.0.114.1", False),
        (("::1",), "::1", True),
    ],
)
def test_from_where_a_key_may_be_used(ip_list: tuple[str, ...], address: str, admitted: bool) -> None:
    assert a_key(ip_list=ip_list).admits(address) is admitted


def test_when_a_key_ends() -> None:
    key = a_key(expires_ms=90 * DAY_MS)

    assert not key.expired(90 * DAY_MS - 1)
    assert key.expired(90 * DAY_MS)
    assert key.remaining_days(DAY_MS) == 89
    assert a_key().remaining_days(DAY_MS) is None
    assert not a_key().expired(2**60)


def test_a_key_never_shows_its_secrets() -> None:
    assert "hidden" not in repr(a_key())
    assert "veiled" not in f"{a_key()}"


def test_a_limit_counts_weight_per_subject_and_window() -> None:
    limit = WindowLimit(capacity=10, window_ms=1_000)

    assert limit.charge("a", 6, 5_100).remaining == 4
    refused = limit.charge("a", 6, 5_200)
    assert (refused.allowed, refused.remaining, refused.reset_ms) == (False, 4, 800)
    assert limit.charge("a", 4, 5_300).allowed
    assert limit.charge("b", 10, 5_400).allowed
    assert limit.charge("a", 10, 6_000).allowed
