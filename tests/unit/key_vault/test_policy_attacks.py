"""A malicious connector tries to get dangerous bytes signed. Every attempt is refused."""

import pytest
from backfuture_common.domain.ids import ExchangeId
from backfuture_key_vault.policy import Allowed, Context, Denied, is_supported, judge, venue
from backfuture_key_vault.policy.verdict import CLOCK_TOLERANCE_MS

from tests.support import forbidden_requests
from tests.support.ccxt_signing import API_KEY

NOW_MS = 1_764_000_000_000
CONTEXT = Context(API_KEY, NOW_MS)
KUCOIN, MEXC = ExchangeId("kucoin"), ExchangeId("mexc")
ORDER = "symbol=BTCUSDT&side=BUY&type=LIMIT&quantity=1&price=100"


def kucoin(rest: str, time_ms: int = NOW_MS) -> Allowed | Denied:
    return judge(KUCOIN, f"{time_ms}{rest}".encode(), CONTEXT)


def mexc(parameters: str, time_ms: int = NOW_MS, window: str = "&recvWindow=5000") -> Allowed | Denied:
    joined = f"{parameters}&" if parameters else ""
    return judge(MEXC, f"{joined}timestamp={time_ms}{window}".encode(), CONTEXT)


@pytest.mark.parametrize(("method", "path", "body"), forbidden_requests.KUCOIN)
def test_documented_dangerous_requests_of_kucoin_are_refused(method: str, path: str, body: str) -> None:
    assert isinstance(kucoin(f"{method}{path}{body}"), Denied)


@pytest.mark.parametrize("parameters", forbidden_requests.MEXC)
def test_documented_dangerous_requests_of_mexc_are_refused(parameters: str) -> None:
    assert isinstance(mexc(parameters), Denied)


@pytest.mark.parametrize("parameters", forbidden_requests.MEXC)
@pytest.mark.parametrize("harmless", [ORDER, "symbol=BTCUSDT&orderId=1", "listenKey=abc", f"accessKey={API_KEY}"])
def test_a_dangerous_request_does_not_hide_behind_a_harmless_one(parameters: str, harmless: str) -> None:
    assert isinstance(mexc(f"{harmless}&{parameters}"), Denied)
    assert isinstance(mexc(f"{parameters}&{harmless}"), Denied)


@pytest.mark.parametrize(
    "attempt",
    [
        "GET/api/v1/user/api-key/../../v3/withdrawals",
        "POST/api/v1/hf/orders/../../../v3/withdrawals{}",
        "POST/api/v1/hf/orders/%2e%2e/withdrawals{}",
        "POST//api/v3/withdrawals{}",
        "POST/api/v3/withdrawals?x=/api/v1/hf/orders{}",
        "POST/api/v3/withdrawals#/api/v1/hf/orders{}",
        "POST/api/v1/hf/orders?a=b{}",
        "POST/api/v1/hf/orders\n/api/v3/withdrawals{}",
        "POST/api/v1/hf/orders\x00{}",
        "POST/api/v1/hf/orders {}",
        "post/api/v1/hf/orders{}",
        "PUT/api/v1/hf/orders{}",
        "GETPOST/api/v3/withdrawals{}",
        "GET/api/v1/hf/orders/a/b?symbol=BTC-USDT",
        "GET/api/v1/hf/orders/x.y?symbol=BTC-USDT",
        "DELETE/api/v1/hf/orders/x1?symbol=BTC-USDT&symbol=ETH-USDT",
        "DELETE/api/v1/hf/orders/x1?symbol=BTC-USDT&subName=a",
        "DELETE/api/v1/hf/orders/x1?symbol=BTC%2DUSDT",
        "DELETE/api/v1/hf/orders/x1?symbol=BTC-USDT&",
        "DELETE/api/v1/hf/orders/x1?",
        "GET/api/v1/accounts?type=trade_hf;currency=USDT",
        'GET/api/v1/accounts{"currency":"USDT"}',
        'POST/api/v1/bullet-private{"currency":"USDT"}',
        "http://api.kucoin.com/api/v1/hf/orders",
        "",
    ],
)
def test_crooked_kucoin_bytes_are_refused(attempt: str) -> None:
    assert isinstance(kucoin(attempt), Denied)


@pytest.mark.parametrize(
    "body",
    [
        '{"side":"buy","toAddress":"TX"}',
        '{"side":"buy","side":"sell"}',
        '{"side":{"toAddress":"TX"}}',
        '{"side":["buy"]}',
        '{"side":null}',
        '{"side":"buy"}{"x":1}',
        '{"side":"buy"',
        '{"side":"b\\u0000uy"}',
        '{"price":"1&amount=2"}',
        '{"size":"' + "1" * 200 + '"}',
        '{"leverage":"100"}',
        '{"marginModel":"cross"}',
        '{"a":' * 2000,
        '{"clientOid":"' + "x" * 5000 + '"}',
        '{"side":"büy"}',
    ],
)
def test_crooked_kucoin_order_bodies_are_refused(body: str) -> None:
    assert isinstance(kucoin(f"POST/api/v1/hf/orders{body}"), Denied)
    assert isinstance(kucoin('POST/api/v1/hf/orders{"side":"buy","postOnly":true,"cancelAfter":5}'), Allowed)


@pytest.mark.parametrize(
    "attempt",
    [
        "symbol=BTCUSDT&symbol=ETHUSDT",
        "symbol=BTCUSDT&orderId=1&orderId=2",
        "SYMBOL=BTCUSDT",
        "symbol=btcusdt",
        "%73ymbol=BTCUSDT",
        "symbol=BTC%55SDT",
        "symbol=BTCUSDT&orderId=1%26coin%3DUSDT",
        "symbol=BTCUSDT&orderId=1=coin",
        "symbol=BTCUSDT;coin=USDT",
        "symbol=BTCUSDT&coin",
        "symbol=BTCUSDT&=x",
        "symbol[]=BTCUSDT",
        "symbol=",
        "symbol=BTC USDT",
        "symbol=BTC+USDT",
        "symbol=BTCUSDT\r\nX: y",
        "symbol=BTCUSDT\x00",
        "symbol=BTCÜSDT",
        "&symbol=BTCUSDT",
        "symbol=BTCUSDT&side=BUY",
        "side=BUY&type=LIMIT&quantity=1",
        ORDER.replace("BUY", "TRANSFER"),
        ORDER.replace("LIMIT", "WITHDRAW"),
        ORDER.replace("quantity=1", "quantity=1e9"),
        ORDER.replace("quantity=1", "quantity=-1"),
        f"{ORDER}&orderId=1",
        f"{ORDER}&isIsolated=TRUE",
        "accessKey=somebody-elses-key",
        f"accessKey={API_KEY}&note=x",
        "listenKey=abc&symbol=BTCUSDT",
        "orderId=1",
        "newClientOrderId=coin&symbol=BTCUSDT",
        "symbol=" + "A" * 5000,
    ],
)
def test_crooked_mexc_bytes_are_refused(attempt: str) -> None:
    assert isinstance(mexc(attempt), Denied)


@pytest.mark.parametrize("ahead_ms", [-CLOCK_TOLERANCE_MS, 0, CLOCK_TOLERANCE_MS])
def test_a_request_made_now_is_signed(ahead_ms: int) -> None:
    assert isinstance(kucoin("GET/api/v1/user/api-key", NOW_MS + ahead_ms), Allowed)
    assert isinstance(mexc(ORDER, NOW_MS + ahead_ms), Allowed)


@pytest.mark.parametrize("ahead_ms", [-CLOCK_TOLERANCE_MS - 1, CLOCK_TOLERANCE_MS + 1, 10**12])
def test_signatures_cannot_be_collected_for_later(ahead_ms: int) -> None:
    assert kucoin("GET/api/v1/user/api-key", NOW_MS + ahead_ms) == Denied("clock", "timestamp")
    assert mexc(ORDER, NOW_MS + ahead_ms) == Denied("clock", "timestamp")


def test_a_mexc_request_without_its_time_or_with_a_huge_window_is_refused() -> None:
    assert isinstance(judge(MEXC, b"symbol=BTCUSDT", CONTEXT), Denied)
    assert isinstance(judge(MEXC, b"symbol=BTCUSDT&recvWindow=5000", CONTEXT), Denied)
    assert mexc(ORDER, window="&recvWindow=60001") == Denied("clock", "recvWindow")
    assert isinstance(mexc(ORDER, window="&recvWindow=60000"), Allowed)
    assert isinstance(mexc(ORDER, window=f"&timestamp={NOW_MS}"), Denied)


def test_one_venues_requests_are_not_signed_for_the_other() -> None:
    assert isinstance(judge(MEXC, f"{NOW_MS}GET/api/v1/user/api-key".encode(), CONTEXT), Denied)
    assert isinstance(judge(KUCOIN, f"{ORDER}&timestamp={NOW_MS}".encode(), CONTEXT), Denied)


def test_nothing_is_signed_for_an_exchange_without_a_policy() -> None:
    for exchange in ("kraken", "", "paper-", "paper-paper-kucoin", "KUCOIN", "kucoinfutures"):
        assert not is_supported(ExchangeId(exchange))
        assert isinstance(judge(ExchangeId(exchange), f"{NOW_MS}GET/api/v1/user/api-key".encode(), CONTEXT), Denied)


def test_a_paper_twin_follows_its_venues_policy() -> None:
    message = f"{NOW_MS}GET/api/v1/user/api-key".encode()
    assert judge(ExchangeId("paper-kucoin"), message, CONTEXT) == judge(KUCOIN, message, CONTEXT) == Allowed(False)
    assert venue(ExchangeId("paper-kucoin")) is venue(KUCOIN)


def test_what_an_operator_is_shown_names_the_request_and_no_value() -> None:
    assert kucoin('POST/api/v3/withdrawals{"amount":"1"}') == Denied("endpoint", "POST /api/v3/withdrawals")
    assert mexc(f"{ORDER}&address=TXthief") == Denied("parameter", "address")
    assert mexc(ORDER.replace("price=100", "price=1e3")) == Denied("value", "price")
