"""Bots, prices and order news for the engine's tests, with defaults that are dull on purpose."""

from dataclasses import dataclass, field
from decimal import Decimal

from backfuture_common.domain.ids import BotId, CommandId, ConnectionId, ExchangeId, GroupId, Symbol, UserId
from backfuture_common.errors import ErrorInfo
from backfuture_common.messages.bots import (
    BotCommand,
    BotSpec,
    BotState,
    CloseGroup,
    CreateBot,
    DcaStrategy,
    DeleteBot,
    Group,
    Signal,
    StartBot,
    StopBot,
)
from backfuture_common.messages.journal import (
    BotEvent,
    CommandReceived,
    Context,
    Decided,
    Fact,
    JournalRecord,
    OrderUpdated,
    PriceObserved,
)
from backfuture_common.messages.market import Instrument
from backfuture_common.messages.orders import Fills, OrderStatus, OrderUpdate, PlaceOrder
from backfuture_engine.core.step import Step, step
from msgspec.structs import replace

BOT = BotId("bot_a")
OWNER = UserId("usr_a")
CONNECTION = ConnectionId("con_a")
EXCHANGE = ExchangeId("paper-kucoin")
ETH = Symbol("ETH/USDT")
BTC = Symbol("BTC/USDT")
START_MS = 1_700_000_000_000


def D(text: str | int) -> Decimal:  # noqa: N802  (as short as a literal)
    return Decimal(text)


def strategy(**changes: object) -> DcaStrategy:
    """Equal orders of 300, zones at 5, 10 and 15 %, target 1 %: the page's ETH case. No slippage."""
    numbers: dict[str, object] = {
        "base_order_quote": D(300),
        "add_on_quote": D(300),
        "max_add_ons": 3,
        "step_percent": D(5),
        "take_profit_percent": D(1),
        "slippage_percent": D(0),
    }
    return DcaStrategy(**(numbers | changes))  # type: ignore[arg-type]  # keyword by keyword


def spec(dca: DcaStrategy | None = None, **changes: object) -> BotSpec:
    numbers: dict[str, object] = {
        "bot_id": BOT,
        "owner": OWNER,
        "name": "a bot",
        "connection_id": CONNECTION,
        "exchange": EXCHANGE,
        "symbols": (ETH,),
        "strategy": dca or strategy(),
        "margin_limit_quote": D(1200),
    }
    return BotSpec(**(numbers | changes))  # type: ignore[arg-type]  # keyword by keyword


def instrument(symbol: Symbol = ETH, **changes: object) -> Instrument:
    """Fine steps, so that worked examples come out to the cent."""
    numbers: dict[str, object] = {
        "exchange": EXCHANGE,
        "symbol": symbol,
        "base": symbol.split("/")[0],
        "quote": "USDT",
        "market": "spot",
        "price_step": D("0.01"),
        "amount_step": D("0.00000001"),
        "amount_min": D("0.0001"),
        "cost_min": D(5),
        "taker_fee": D("0.001"),
        "maker_fee": D("0.001"),
        "active": True,
        "updated_ms": START_MS,
    }
    return Instrument(**(numbers | changes))  # type: ignore[arg-type]  # keyword by keyword


def context(now_ms: int = START_MS, **changes: object) -> Context:
    values: dict[str, object] = {
        "now_ms": now_ms,
        "connection_online": True,
        "instrument": instrument(),
        "quote_free": D(100_000),
    }
    return Context(**(values | changes))  # type: ignore[arg-type]  # keyword by keyword


def price(ask: str | int, bid: str | int | None = None, symbol: Symbol = ETH, age_ms: int = 100) -> PriceObserved:
    """A price with no spread unless a bid is given."""
    return PriceObserved(
        exchange=EXCHANGE, symbol=symbol, bid=D(bid if bid is not None else ask), ask=D(ask), age_ms=age_ms
    )


def create(bot: BotSpec) -> CommandReceived:
    return CommandReceived(command=CreateBot(command_id=CommandId("c-create"), spec=bot, at_ms=START_MS))


def start() -> CommandReceived:
    return _command(StartBot(command_id=CommandId("c-start"), owner=OWNER, bot_id=BOT, at_ms=START_MS))


def stop() -> CommandReceived:
    return _command(StopBot(command_id=CommandId("c-stop"), owner=OWNER, bot_id=BOT, at_ms=START_MS))


def delete() -> CommandReceived:
    return _command(DeleteBot(command_id=CommandId("c-delete"), owner=OWNER, bot_id=BOT, at_ms=START_MS))


def close(group: GroupId) -> CommandReceived:
    return _command(
        CloseGroup(command_id=CommandId("c-close"), owner=OWNER, bot_id=BOT, group_id=group, at_ms=START_MS)
    )


def idea(**changes: object) -> Signal:
    """A signal for ETH, sent now."""
    values: dict[str, object] = {
        "command_id": CommandId("c-signal"),
        "owner": OWNER,
        "bot_id": BOT,
        "signal_id": "s-1",
        "symbol": ETH,
        "sent_ms": START_MS,
        "at_ms": START_MS,
    }
    return Signal(**(values | changes))  # type: ignore[arg-type]  # keyword by keyword


def _command(command: BotCommand) -> CommandReceived:
    return CommandReceived(command=command)


def fills(amount: Decimal, at: Decimal, fee: str = "0.001", *, in_base: bool = False) -> Fills:
    """Fills of one order at one price, with the fee in quote unless said otherwise."""
    cost = amount * at
    return Fills(
        amount=amount,
        cost=cost,
        fee_base=amount * D(fee) if in_base else D(0),
        fee_quote=D(0) if in_base else cost * D(fee),
    )


NOTHING = fills(D(0), D(0))


def update(
    order: PlaceOrder, status: OrderStatus, filled: Fills = NOTHING, error: ErrorInfo | None = None
) -> OrderUpdate:
    return OrderUpdate(
        client_order_id=order.client_order_id,
        connection_id=order.connection_id,
        owner=order.owner,
        bot_id=order.bot_id,
        group_id=order.group_id,
        exchange=order.exchange,
        symbol=order.symbol,
        side=order.side,
        status=status,
        exchange_order_id="x-1",
        fills=filled,
        error=error,
        at_ms=START_MS,
    )


@dataclass
class Life:
    """A bot that is taken from event to event, with its journal."""

    now_ms: int = START_MS
    state: BotState | None = None
    journal: list[JournalRecord] = field(default_factory=list)
    online: bool = True
    quote_free: Decimal | None = field(default_factory=lambda: D(100_000))
    market: Instrument | None = field(default_factory=instrument)

    def context(self) -> Context:
        return context(self.now_ms, connection_online=self.online, quote_free=self.quote_free, instrument=self.market)

    def feel(self, event: BotEvent, **known: object) -> Step:
        """Take the bot through the event and keep the record; ``known`` is added to what the core is told."""
        ctx = replace(self.context(), **known)
        result = step(self.state, event, ctx)
        if result.facts:
            assert result.state is not None
            self.journal.append(
                JournalRecord(
                    bot_id=result.state.spec.bot_id,
                    owner=result.state.spec.owner,
                    seq=result.state.seq,
                    event=event,
                    context=ctx,
                    facts=result.facts,
                    cause=None,
                    epoch=1,
                )
            )
        self.state = result.state
        return result

    def see(self, ask: str | int, bid: str | int | None = None, **more: object) -> Step:
        return self.feel(price(ask, bid, **more))  # type: ignore[arg-type]  # symbol and age_ms

    def hear(self, order: PlaceOrder, status: OrderStatus, filled: Fills = NOTHING) -> Step:
        return self.feel(OrderUpdated(update=update(order, status, filled)))

    def signal(self, at: str | int | None, **changes: object) -> Step:
        """Let the bot hear a signal while the market stands at ``at`` (None: no price is known)."""
        seen = price(at, symbol=changes.get("symbol", ETH)) if at is not None else None  # type: ignore[arg-type]
        heard = idea(**({"sent_ms": self.now_ms, "at_ms": self.now_ms} | changes))
        return self.feel(CommandReceived(command=heard), price=seen)

    def pass_time(self, ms: int) -> None:
        self.now_ms += ms

    def order_at(self, ask: str | int, bid: str | int | None = None, symbol: Symbol = ETH) -> PlaceOrder:
        """Show a price that must lead to an order."""
        result = self.see(ask, bid, symbol=symbol)
        assert len(result.commands) == 1, result.facts
        command = result.commands[0]
        assert isinstance(command, PlaceOrder)
        return command

    def fill(self, order: PlaceOrder, at: Decimal | None = None, *, in_base: bool = False) -> Step:
        """Let the exchange fill the whole order, at its limit unless another price is given."""
        return self.hear(order, "filled", fills(order.amount, at or order.limit_price, in_base=in_base))

    @property
    def bot(self) -> BotState:
        assert self.state is not None
        return self.state

    @property
    def group(self) -> Group:
        assert len(self.bot.groups) == 1
        return self.bot.groups[0]


def running_bot(bot: BotSpec | None = None) -> Life:
    life = Life()
    life.feel(create(bot or spec()))
    life.feel(start())
    return life


def bot_with_group(bot: BotSpec | None = None, at: str | int = 3000, *, in_base: bool = False) -> Life:
    """A bot that has bought once."""
    life = running_bot(bot)
    life.fill(life.order_at(at), in_base=in_base)
    life.pass_time(1)
    return life


def verdict(facts: tuple[Fact, ...]) -> tuple[str, tuple[str, ...]] | None:
    """Return the verdict among the facts and its reasons."""
    decisions = [fact.decision for fact in facts if isinstance(fact, Decided)]
    assert len(decisions) <= 1
    return (decisions[0].verdict, decisions[0].reasons) if decisions else None
