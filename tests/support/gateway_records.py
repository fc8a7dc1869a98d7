"""What other services would say, for tests of the gateway: one builder for each message, with sensible values."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

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
from backfuture_common.messages import journal
from backfuture_common.messages.bots import BotSnapshot, BotSpec, BotState, DcaStrategy, Decision, Group
from backfuture_common.messages.connections import AccountBalances, Balance, ConnectionState, TestStep
from backfuture_common.messages.journal import Context, JournalRecord
from backfuture_common.messages.market import Instrument, Tick
from backfuture_common.messages.orders import Fills, OrderStatus, OrderUpdate, PlaceOrder

EXCHANGE = ExchangeId("paper-mexc")
BTC = Symbol("BTC/USDT")
AT_MS = 1_700_000_000_000

STRATEGY = DcaStrategy(
    base_order_quote=Decimal(60),
    add_on_quote=Decimal(60),
    max_add_ons=2,
    step_percent=Decimal(5),
    take_profit_percent=Decimal(1),
)


def instrument(symbol: str = "BTC/USDT", **changed: Any) -> Instrument:
    base, _, quote = symbol.partition("/")
    values: dict[str, Any] = {
        "exchange": EXCHANGE, "symbol": Symbol(symbol), "base": base, "quote": quote, "market": "spot",
        "price_step": Decimal("0.01"), "amount_step": Decimal("0.000001"), "amount_min": Decimal("0.00001"),
        "cost_min": Decimal(1), "taker_fee": Decimal("0.001"), "maker_fee": Decimal("0.001"), "active": True,
        "updated_ms": AT_MS,
    }  # fmt: skip
    return Instrument(**(values | changed))


def tick(bid: str, ask: str, symbol: str = "BTC/USDT", observed_ms: int = AT_MS) -> Tick:
    return Tick(
        exchange=EXCHANGE, symbol=Symbol(symbol), bid=Decimal(bid), ask=Decimal(ask), exchange_ms=observed_ms,
        observed_ms=observed_ms,
    )  # fmt: skip


def connection_state(connection: str, owner: str, **changed: Any) -> ConnectionState:
    """Return the state of a connection that passed its test."""
    values: dict[str, Any] = {
        "connection_id": ConnectionId(connection), "owner": UserId(owner), "exchange": EXCHANGE, "status": "online",
        "trade_allowed": True, "code": "OK", "message": "Ready to trade.", "hint": "",
        "steps": (TestStep(name="key", status="passed", took_ms=12),), "rights": ("SPOT_READ", "SPOT_TRADE"),
        "ip_restricted": True, "key_expires_ms": None, "test_id": "tst_1", "credential_version": 1,
        "updated_ms": AT_MS,
    }  # fmt: skip
    return ConnectionState(**(values | changed))


def refused_state(connection: str, owner: str, **changed: Any) -> ConnectionState:
    """Return the state of a connection whose key can withdraw."""
    return connection_state(
        connection, owner,
        **{"status": "refused", "trade_allowed": False, "code": "WITHDRAW_ENABLED", "message": "This key can withdraw.",
           **changed},
    )  # fmt: skip


def balances(connection: str, owner: str, **amounts: str) -> AccountBalances:
    return AccountBalances(
        connection_id=ConnectionId(connection),
        owner=UserId(owner),
        exchange=EXCHANGE,
        balances=tuple(
            Balance(currency=name, free=Decimal(amount), held=Decimal(0)) for name, amount in amounts.items()
        ),
        at_ms=AT_MS,
    )


def spec(bot: str, owner: str, connection: str, **changed: Any) -> BotSpec:
    values: dict[str, Any] = {
        "bot_id": BotId(bot), "owner": UserId(owner), "name": "dips", "connection_id": ConnectionId(connection),
        "exchange": EXCHANGE, "symbols": (BTC,), "strategy": STRATEGY, "margin_limit_quote": Decimal(600),
    }  # fmt: skip
    return BotSpec(**(values | changed))


def snapshot(
    of: BotSpec, *, seq: int, running: bool = True, groups: Sequence[Group] = (), **changed: Any
) -> BotSnapshot:
    state = BotState(spec=of, running=running, seq=seq, groups=tuple(groups), **changed)
    return BotSnapshot(state=state, epoch=1, at_ms=AT_MS + seq)


def fills(amount: str, price: str, fee_quote: str = "0") -> Fills:
    return Fills(
        amount=Decimal(amount), cost=Decimal(amount) * Decimal(price), fee_base=Decimal(0), fee_quote=Decimal(fee_quote)
    )


class BotStory:
    """One bot's records as the engine and the connector would write them, with gapless sequence numbers."""

    def __init__(self, of: BotSpec) -> None:
        self.spec = of
        self.seq = 0

    def record(self, *facts: journal.Fact) -> JournalRecord:
        self.seq += 1
        return JournalRecord(
            bot_id=self.spec.bot_id,
            owner=self.spec.owner,
            seq=self.seq,
            event=journal.TimerFired(),
            context=Context(now_ms=AT_MS + self.seq, connection_online=True),
            facts=facts,
            cause=None,
            epoch=1,
        )

    def decided(self, number: int, verdict: Any = "OPEN", group: str | None = None, *reasons: Any) -> journal.Decided:
        return journal.Decided(
            decision=Decision(
                decision_id=DecisionId(f"{self.spec.bot_id}-d{number}"),
                verdict=verdict,
                symbol=BTC,
                group_id=GroupId(group) if group else None,
                reasons=tuple(reasons),
                numbers=(("price", "3000"),),
                at_ms=AT_MS + number,
            )
        )

    def opened(self, group: str) -> journal.GroupOpened:
        return journal.GroupOpened(
            group_id=GroupId(group), symbol=BTC, strategy=self.spec.strategy, at_ms=AT_MS + self.seq
        )

    def order(
        self, order: str, group: str, *, leg: Any = "entry", amount: str = "0.02", price: str = "3000"
    ) -> PlaceOrder:
        return PlaceOrder(
            client_order_id=ClientOrderId(order),
            connection_id=self.spec.connection_id,
            owner=self.spec.owner,
            bot_id=self.spec.bot_id,
            group_id=GroupId(group),
            decision_id=DecisionId(f"{self.spec.bot_id}-d1"),
            exchange=self.spec.exchange,
            symbol=BTC,
            side="sell" if leg == "exit" else "buy",
            leg=leg,
            kind="limit_ioc",
            amount=Decimal(amount),
            limit_price=Decimal(price),
            issued_ms=AT_MS,
            expires_ms=AT_MS + 5_000,
        )

    def update(self, command: PlaceOrder, status: OrderStatus, filled: Fills, *, at: int) -> OrderUpdate:
        return OrderUpdate(
            client_order_id=command.client_order_id,
            connection_id=command.connection_id,
            owner=command.owner,
            bot_id=command.bot_id,
            group_id=command.group_id,
            exchange=command.exchange,
            symbol=command.symbol,
            side=command.side,
            status=status,
            exchange_order_id=f"x-{command.client_order_id}",
            fills=filled,
            error=None,
            at_ms=AT_MS + at,
        )

    def progressed(
        self, command: PlaceOrder, status: OrderStatus, filled: Fills, *, at: int
    ) -> journal.OrderProgressed:
        return journal.OrderProgressed(
            client_order_id=command.client_order_id,
            group_id=command.group_id,
            status=status,
            fills=filled,
            error=None,
            at_ms=AT_MS + at,
        )

    def closed(self, group: str, realised: str) -> journal.GroupClosed:
        return journal.GroupClosed(
            group_id=GroupId(group),
            reason="take_profit",
            realised_quote=Decimal(realised),
            dust_base=Decimal(0),
            at_ms=AT_MS + 100 + self.seq,
        )


def live_group(group: str, **changed: Any) -> Group:
    """Return a group after its entry: 0.02 bought at 3000."""
    values: dict[str, Any] = {
        "group_id": GroupId(group), "symbol": BTC, "status": "active", "strategy": STRATEGY, "opened_ms": AT_MS,
        "anchor": Decimal(3000), "bought_amount": Decimal("0.02"), "bought_cost": Decimal(60),
        "average": Decimal(3000), "break_even": Decimal(3006), "target": Decimal("3036.06"),
    }  # fmt: skip
    return Group(**(values | changed))
