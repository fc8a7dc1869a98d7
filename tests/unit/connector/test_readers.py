"""Raw answers become facts with the digits the venue wrote; what is not as documented is refused, not guessed."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from backfuture_common.domain.ids import ExchangeId, Symbol
from backfuture_connector.core import raw as read
from backfuture_connector.core import read_kucoin, read_mexc
from backfuture_connector.core.facts import FeeFact
from backfuture_connector.core.raw import MalformedError

from tests.unit.connector.build import BTC, NOW_MS

KUCOIN_ORDER: dict[str, Any] = {
    "id": "670000000000000000000001", "clientOid": "b1", "symbol": "BTC-USDT", "type": "limit", "side": "buy",
    "price": "66158.7", "size": "0.003", "dealSize": "0.001", "dealFunds": "66.1317", "fee": "0.0661317",
    "feeCurrency": "USDT", "active": False, "cancelExist": True, "createdAt": 1795471445522,
}  # fmt: skip
MEXC_ORDER: dict[str, Any] = {
    "symbol": "BTCUSDT", "orderId": "C02__6", "orderListId": "-1", "clientOrderId": "b1", "price": "66158.7",
    "origQty": "0.003", "executedQty": "0.001", "cummulativeQuoteQty": "66.1317", "status": "PARTIALLY_CANCELED",
    "type": "LIMIT", "side": "BUY", "time": "1795471445522",
}  # fmt: skip


def kucoin_order(**changes: object) -> dict[str, Any]:
    return {**KUCOIN_ORDER, **changes}


def mexc_order(**changes: object) -> dict[str, Any]:
    return {**MEXC_ORDER, **changes}


def test_both_venues_tell_the_same_order_alike() -> None:
    kucoin = read_kucoin.order(KUCOIN_ORDER, BTC, "BTC-USDT")
    mexc = read_mexc.order(MEXC_ORDER, BTC, "BTCUSDT")
    for fact in (kucoin, mexc):
        assert (fact.client_order_id, fact.symbol, fact.side, fact.state) == ("b1", BTC, "buy", "canceled")
        assert (fact.amount, fact.filled, fact.cost) == (Decimal("0.003"), Decimal("0.001"), Decimal("66.1317"))
        assert fact.placed_ms == 1795471445522
    assert kucoin.fee == FeeFact(currency="USDT", amount=Decimal("0.0661317"))
    assert mexc.fee is None


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({"active": True}, "open"),
        ({"dealSize": "0.003"}, "filled"),
        ({"dealSize": "0"}, "canceled"),
    ],
)
def test_kucoins_flags_give_the_state(changes: dict[str, object], state: str) -> None:
    assert read_kucoin.order(kucoin_order(**changes), BTC, "BTC-USDT").state == state


@pytest.mark.parametrize(
    ("word", "state"),
    [("NEW", "open"), ("PARTIALLY_FILLED", "open"), ("FILLED", "filled"), ("CANCELED", "canceled")],
)
def test_mexcs_words_give_the_state(word: str, state: str) -> None:
    assert read_mexc.order(mexc_order(status=word), BTC, "BTCUSDT").state == state


@pytest.mark.parametrize(
    "broken",
    [
        lambda: read_kucoin.order(kucoin_order(symbol="ETH-USDT"), BTC, "BTC-USDT"),
        lambda: read_kucoin.order(kucoin_order(active=None), BTC, "BTC-USDT"),
        lambda: read_kucoin.order(kucoin_order(id=None), BTC, "BTC-USDT"),
        lambda: read_kucoin.order(kucoin_order(dealSize=0.001), BTC, "BTC-USDT"),
        lambda: read_kucoin.order(kucoin_order(dealSize="NaN"), BTC, "BTC-USDT"),
        lambda: read_kucoin.order(kucoin_order(side="hold"), BTC, "BTC-USDT"),
        lambda: read_mexc.order(mexc_order(status="LOST"), BTC, "BTCUSDT"),
        lambda: read_mexc.order(mexc_order(executedQty=True), BTC, "BTCUSDT"),
        lambda: read_mexc.order(mexc_order(symbol="ETHUSDT"), BTC, "BTCUSDT"),
        lambda: read_kucoin.balances({"data": None}),
        lambda: read_mexc.balances({"balances": [{"asset": "BTC"}]}),
        lambda: read_mexc.trade({}),
        lambda: read.fields([], "order"),
    ],
)
def test_what_is_not_as_documented_is_refused(broken: Callable[[], object]) -> None:
    with pytest.raises(MalformedError):
        broken()


def test_balances_are_those_of_the_trading_account_and_not_zero() -> None:
    accounts = [
        {"currency": "USDT", "type": "trade_hf", "balance": "10", "available": "8", "holds": "2"},
        {"currency": "USDT", "type": "main", "balance": "99", "available": "99", "holds": "0"},
        {"currency": "BTC", "type": "trade_hf", "balance": "0", "available": "0", "holds": "0"},
    ]
    (balance,) = read_kucoin.balances({"data": accounts})
    assert (balance.currency, balance.free, balance.held) == ("USDT", Decimal(8), Decimal(2))


def test_mexcs_amount_step_is_the_coarser_of_its_two_digits() -> None:
    market = {
        "symbol": "BTCUSDT", "status": "1", "isSpotTradingAllowed": True, "baseAssetPrecision": 8,
        "quoteAssetPrecision": 2, "baseSizePrecision": "0.0001", "quoteAmountPrecision": "1",
    }  # fmt: skip
    made = read_mexc.instrument(market, ExchangeId("mexc"), BTC, ("0.0005", None), NOW_MS)
    assert (made.amount_step, made.amount_min, made.price_step) == (
        Decimal("0.0001"),
        Decimal("0.0001"),
        Decimal("0.01"),
    )
    assert (made.taker_fee, made.maker_fee, made.cost_min) == (Decimal("0.0005"), Decimal("0.001"), Decimal(1))
    exact = read_mexc.instrument({**market, "baseSizePrecision": "0"}, ExchangeId("mexc"), BTC, (None, None), NOW_MS)
    assert exact.amount_step == Decimal("0.00000001")


def test_kucoins_minimum_is_the_larger_of_its_two() -> None:
    market = {
        "symbol": "BTC-USDT", "baseIncrement": "0.00000001", "priceIncrement": "0.1", "baseMinSize": "0.00001",
        "quoteMinSize": "0.01", "minFunds": "0.1", "enableTrading": True,
    }  # fmt: skip
    made = read_kucoin.instrument(market, ExchangeId("kucoin"), BTC, (None, None), NOW_MS)
    assert (made.cost_min, made.price_step, made.active) == (Decimal("0.1"), Decimal("0.1"), True)
    with pytest.raises(MalformedError):
        read_kucoin.instrument({**market, "priceIncrement": "0"}, ExchangeId("kucoin"), BTC, (None, None), NOW_MS)


def test_prices_of_a_push_are_read_and_an_empty_side_is_no_price() -> None:
    push = {"topic": "/market/ticker:BTC-USDT", "data": {"bestBid": "1.10", "bestAsk": "1.2", "time": NOW_MS}}
    found = read_kucoin.top(push)
    assert found is not None
    assert (found[0], found[1].bid, found[1].ask, found[1].exchange_ms) == (
        "BTC-USDT",
        Decimal("1.10"),
        Decimal("1.2"),
        NOW_MS,
    )
    assert read_kucoin.top({**push, "data": {"bestBid": "", "bestAsk": "1.2", "time": NOW_MS}}) is None
    crossed = {
        "symbol": "BTCUSDT",
        "sendTime": str(NOW_MS),
        "publicAggreBookTicker": {"bidPrice": "2", "askPrice": "1"},
    }
    assert read_mexc.top(crossed) is None


def test_a_market_symbol_is_ccxts_and_not_the_venues() -> None:
    renamed = Symbol("BEYOND/USDT")
    market = {
        "symbol": "BYN-USDT", "baseIncrement": "1", "priceIncrement": "0.1", "baseMinSize": "1", "enableTrading": True,
    }  # fmt: skip
    made = read_kucoin.instrument(market, ExchangeId("kucoin"), renamed, (None, None), NOW_MS)
    assert (made.symbol, made.base) == (renamed, "BEYOND")
