"""Values for the connector's tests; every test names only what matters to it."""

from decimal import Decimal
from typing import Literal

from backfuture_common.domain.ids import (
    BotId,
    ClientOrderId,
    ConnectionId,
    DecisionId,
    ExchangeId,
    GroupId,
    Symbol,
    UserId,
)
from backfuture_common.messages.connections import ConnectionState, ConnectionStatus
from backfuture_common.messages.market import Instrument
from backfuture_common.messages.orders import LedgerEntry, OrderStatus, PlaceOrder, Side
from backfuture_connector.core.facts import FeeFact, OrderFact, OrderState, TradeFact
from backfuture_connector.core.order_states import first_entry

NOW_MS = 1_700_000_000_000
EXCHANGE = ExchangeId("paper-kucoin")
CONNECTION = ConnectionId("conn_1")
OWNER = UserId("user_1")
BTC = Symbol("BTC/USDT")


def command(
    client_order_id: str = "border1",
    *,
    side: Side = "buy",
    amount: str = "1",
    price: str = "100",
    symbol: Symbol = BTC,
    exchange: ExchangeId = EXCHANGE,
    connection: ConnectionId = CONNECTION,
    owner: UserId = OWNER,
    issued_ms: int = NOW_MS,
    life_ms: int = 30_000,
) -> PlaceOrder:
    return PlaceOrder(
        client_order_id=ClientOrderId(client_order_id),
        connection_id=connection,
        owner=owner,
        bot_id=BotId("bot_1"),
        group_id=GroupId("bot_1-g1"),
        decision_id=DecisionId("bot_1-d1"),
        exchange=exchange,
        symbol=symbol,
        side=side,
        leg="entry",
        kind="limit_ioc",
        amount=Decimal(amount),
        limit_price=Decimal(price),
        issued_ms=issued_ms,
        expires_ms=issued_ms + life_ms,
    )


def entry(status: OrderStatus = "submitting", *, submitted_ms: int | None = NOW_MS, **given: str) -> LedgerEntry:
    made = first_entry(command(**given), status, NOW_MS, submitted=True)  # type: ignore[arg-type]  # texts only
    return LedgerEntry(command=made.command, update=made.update, cancel_requested=False, submitted_ms=submitted_ms)


def order(
    state: OrderState = "filled",
    *,
    client_order_id: str | None = "border1",
    exchange_order_id: str = "x1",
    side: Side = "buy",
    filled: str = "1",
    cost: str = "100",
    fee: FeeFact | None = None,
    symbol: Symbol = BTC,
    placed_ms: int | None = NOW_MS,
) -> OrderFact:
    return OrderFact(
        exchange_order_id=exchange_order_id,
        client_order_id=client_order_id,
        symbol=symbol,
        side=side,
        amount=Decimal(1),
        price=Decimal(100),
        state=state,
        filled=Decimal(filled),
        cost=Decimal(cost),
        fee=fee,
        placed_ms=placed_ms,
    )


def trade(
    trade_id: str = "t1",
    *,
    exchange_order_id: str = "x1",
    client_order_id: str | None = None,
    side: Side = "buy",
    price: str = "100",
    amount: str = "1",
    fee: tuple[str, str] | None = ("0.1", "USDT"),
    at_ms: int = NOW_MS,
) -> TradeFact:
    return TradeFact(
        trade_id=trade_id,
        exchange_order_id=exchange_order_id,
        client_order_id=client_order_id,
        side=side,
        price=Decimal(price),
        amount=Decimal(amount),
        cost=Decimal(price) * Decimal(amount),
        fee=None if fee is None else FeeFact(currency=fee[1], amount=Decimal(fee[0])),
        at_ms=at_ms,
    )


def instrument(*, active: bool = True, symbol: Symbol = BTC, exchange: ExchangeId = EXCHANGE) -> Instrument:
    base, quote = symbol.split("/")
    return Instrument(
        exchange=exchange,
        symbol=symbol,
        base=base,
        quote=quote,
        market="spot",
        price_step=Decimal("0.01"),
        amount_step=Decimal("0.0001"),
        amount_min=Decimal("0.001"),
        cost_min=Decimal(1),
        taker_fee=Decimal("0.001"),
        maker_fee=Decimal("0.001"),
        active=active,
        updated_ms=NOW_MS,
    )


def connection(
    status: ConnectionStatus = "online", *, owner: UserId = OWNER, exchange: ExchangeId = EXCHANGE
) -> ConnectionState:
    code: Literal["OK"] | None = "OK" if status == "online" else None
    return ConnectionState(
        connection_id=CONNECTION,
        owner=owner,
        exchange=exchange,
        status=status,
        trade_allowed=status == "online",
        code=code,
        message="",
        hint="",
        steps=(),
        rights=(),
        ip_restricted=None,
        key_expires_ms=None,
        test_id="test_1",
        credential_version=1,
        updated_ms=NOW_MS,
    )
