"""The hand-written protobuf frames, read back with the schema that comes with ccxt."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec
from backfuture_paper.core.book import Level
from backfuture_paper.core.candles import Bar
from backfuture_paper.core.exchange import OrderEvent
from backfuture_paper.core.ledger import Balance, BalanceChange
from backfuture_paper.core.orders import Fill, Order, OrderRequest
from backfuture_paper.core.trades import PublicTrade
from backfuture_paper.mexc import messages
from backfuture_paper.web.book_changes import BookChange
from ccxt.protobuf.mexc import PushDataV3ApiWrapper_pb2
from google.protobuf.json_format import MessageToDict

NOW_MS = 1_800_000_000_123
ORDER = Order(
    number=1,
    id="C02__1",
    account="a",
    request=OrderRequest(
        symbol="BTC/USDT", side="sell", kind="limit", client_id="c1", time_in_force="IOC",
        price=Decimal(100), amount=Decimal(3),
    ),
    status="open",
    filled=Decimal(1),
    filled_cost=Decimal(101),
    fee_coin="USDT",
    held_coin="BTC",
    created_ms=NOW_MS - 5,
    updated_ms=NOW_MS,
)  # fmt: skip
FILL = Fill(
    id=9, order_id="C02__1", client_id="c1", account="a", symbol="BTC/USDT", side="sell", kind="limit",
    price=Decimal(101), amount=Decimal(1), cost=Decimal(101), fee=Decimal("0.0505"), fee_coin="USDT",
    fee_rate=Decimal("0.0005"), liquidity="maker", at_ms=NOW_MS,
)  # fmt: skip


def read(body: messages.Body, market: str | None = "BTCUSDT") -> dict[str, Any]:
    """Return the body of a whole frame, and check that the schema knows every byte of it."""
    frame = messages.wrapped("channel", market, body, NOW_MS)
    wrapper = PushDataV3ApiWrapper_pb2.PushDataV3ApiWrapper()  # type: ignore[attr-defined]  # made at run time
    assert wrapper.ParseFromString(frame) == len(frame)
    assert wrapper.SerializeToString(deterministic=True) == frame  # nothing was unknown, nothing out of order
    read_back: dict[str, Any] = MessageToDict(wrapper)  # type: ignore[no-untyped-call]  # protobuf has no types
    assert read_back.pop("channel") == "channel"
    assert read_back.pop("symbol", None) == market
    assert read_back.pop("createTime") == read_back.pop("sendTime") == str(NOW_MS)
    ((_, content),) = read_back.items()
    found: dict[str, Any] = content
    return found


def test_best_prices() -> None:
    body = messages.book_ticker(Level(Decimal("99.5"), Decimal(1)), Level(Decimal(100), Decimal("0.002")))

    assert read(body) == {"bidPrice": "99.5", "bidQuantity": "1", "askPrice": "100", "askQuantity": "0.002"}


def test_public_trades() -> None:
    trade = PublicTrade(
        id=1, symbol="BTC/USDT", side="sell", price=Decimal("99.5"), amount=Decimal("0.1"), at_ms=NOW_MS
    )

    body = read(messages.deals([trade, trade], "spot@public.aggre.deals.v3.api.pb@100ms@BTCUSDT"))

    assert body["eventType"] == "spot@public.aggre.deals.v3.api.pb@100ms"
    assert body["deals"] == [{"price": "99.5", "quantity": "0.1", "tradeType": 2, "time": str(NOW_MS)}] * 2


def test_depth_changes() -> None:
    change = BookChange(
        previous=7, sequence=9, bids=[Level(Decimal(99), Decimal(0))], asks=[Level(Decimal(100), Decimal(2))]
    )

    body = read(messages.depth(change, "spot@public.aggre.depth.v3.api.pb@100ms@BTCUSDT"))

    assert body["asks"] == [{"price": "100", "quantity": "2"}]
    assert body["bids"] == [{"price": "99", "quantity": "0"}]
    assert (body["fromVersion"], body["toVersion"]) == ("8", "9")


def test_candles() -> None:
    bar = Bar(
        start_ms=1_800_000_000_000, open=Decimal(1), high=Decimal(4), low=Decimal("0.5"), close=Decimal(2),
        volume=Decimal(10), turnover=Decimal(20),
    )  # fmt: skip

    assert read(messages.kline(bar, "Min1", 60_000)) == {
        "interval": "Min1", "windowStart": "1800000000", "windowEnd": "1800000060", "openingPrice": "1",
        "closingPrice": "2", "highestPrice": "4", "lowestPrice": "0.5", "volume": "10", "amount": "20",
    }  # fmt: skip


def test_own_orders() -> None:
    body = read(messages.order(OrderEvent(kind="match", order=ORDER, fill=FILL)))

    assert body == {
        "id": "C02__1", "clientId": "c1", "price": "100", "quantity": "3", "amount": "300", "avgPrice": "101",
        "orderType": 3, "tradeType": 2, "isMaker": True, "remainAmount": "199", "remainQuantity": "2",
        "lastDealQuantity": "1", "cumulativeQuantity": "1", "cumulativeAmount": "101", "status": 3,
        "createTime": str(NOW_MS - 5),
    }  # fmt: skip


def test_the_states_of_own_orders() -> None:
    def state(change: Callable[[Order], Order], kind: str) -> int:
        event = OrderEvent(kind=kind, order=change(ORDER))  # type: ignore[arg-type]  # one of the four
        number: int = read(messages.order(event))["status"]
        return number

    def unfilled(order: Order) -> Order:
        return msgspec.structs.replace(order, filled=Decimal(0), filled_cost=Decimal(0))

    assert [state(unfilled, "open"), state(lambda o: o, "filled"), state(lambda o: o, "match")] == [1, 2, 3]
    assert [state(unfilled, "canceled"), state(lambda o: o, "canceled")] == [4, 5]


def test_own_trades() -> None:
    body = read(messages.deal(FILL))

    assert body == {
        "price": "101", "quantity": "1", "amount": "101", "tradeType": 2, "isMaker": True,
        "tradeId": "700000000000000009X1", "clientOrderId": "c1", "orderId": "C02__1", "feeAmount": "0.0505",
        "feeCurrency": "USDT", "time": str(NOW_MS),
    }  # fmt: skip


def test_own_balances() -> None:
    change = BalanceChange(
        account="a",
        coin="USDT",
        balance=Balance(Decimal("7.5"), Decimal("2.5")),
        total_delta=Decimal(0),
        held_delta=Decimal("2.5"),
        cause="order.hold",
    )

    assert read(messages.balance(change, NOW_MS), None) == {
        "vcoinName": "USDT", "coinId": "paper-usdt", "balanceAmount": "7.5", "balanceAmountChange": "-2.5",
        "frozenAmount": "2.5", "frozenAmountChange": "2.5", "type": "ENTRUST_PLACE", "time": str(NOW_MS),
    }  # fmt: skip
