"""Whatever happens to a bot, in whatever order: what must hold holds.

Hypothesis plays market, exchange, user and broken network against one bot of two symbols.
"""

from dataclasses import dataclass, field
from decimal import Decimal

from backfuture_common.domain.ids import ClientOrderId, Symbol
from backfuture_common.messages.bots import BotState
from backfuture_common.messages.codec import Decoder, encode
from backfuture_common.messages.journal import (
    BotEvent,
    Context,
    Decided,
    JournalRecord,
    OrderIntended,
    OrderUpdated,
    TimerFired,
)
from backfuture_common.messages.orders import FINAL_STATUSES, NO_FILLS, Fills, OrderStatus, PlaceOrder
from backfuture_engine.core.margin import in_flight
from backfuture_engine.core.replay import fold, replay
from backfuture_engine.core.step import apply, step
from backfuture_engine.core.wake import wake
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from msgspec.structs import replace

from tests.unit.engine.build import (
    BTC,
    ETH,
    D,
    Life,
    close,
    context,
    create,
    instrument,
    price,
    spec,
    start,
    stop,
    strategy,
    update,
)

LIMIT = D(1000)
PRICES = st.integers(min_value=60, max_value=140)
SYMBOLS = st.sampled_from((ETH, BTC))


@dataclass
class Placed:
    """An order at the exchange: the truth, of which the bot hears late, twice, or in pieces."""

    command: PlaceOrder
    fills: Fills = NO_FILLS
    status: OrderStatus = "submitting"
    told: list[OrderUpdated] = field(default_factory=list)


class OneBot(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.life = Life()
        self.placed: dict[ClientOrderId, Placed] = {}
        self.updates = 0
        self.folded: BotState | None = None
        self.folded_records = 0
        self.fee_in_coins = False
        self.last: tuple[BotEvent, Context] | None = None

    @initialize(
        add_ons=st.integers(0, 4),
        slippage=st.sampled_from(("0", "0.5")),
        cooldown=st.sampled_from((0, 5_000)),
        coins=st.booleans(),
    )
    def configure(self, add_ons: int, slippage: str, cooldown: int, coins: bool) -> None:
        self.fee_in_coins = coins
        dca = strategy(
            base_order_quote=D(50),
            add_on_quote=D(40),
            max_add_ons=add_ons,
            volume_scale=D("1.2"),
            slippage_percent=D(slippage),
            group_cooldown_ms=cooldown,
        )
        self.feel(create(spec(dca, symbols=(ETH, BTC), margin_limit_quote=LIMIT, max_active_groups=2)))
        self.feel(start())

    def feel(self, event: BotEvent) -> None:
        self.last = (event, self.life.context())
        for command in self.life.feel(event).commands:
            assert isinstance(command, PlaceOrder)
            assert command.client_order_id not in self.placed, "a client order id was used twice"
            self.placed[command.client_order_id] = Placed(command)

    # ------------------------------------------------------------------ market, user, time

    @rule(walk=st.lists(PRICES, min_size=1, max_size=4), spread=st.integers(0, 3), symbol=SYMBOLS)
    def prices_move(self, walk: list[int], spread: int, symbol: Symbol) -> None:
        """The exchange fills at once what the bot sends, as it mostly does."""
        self.life.market = instrument(symbol, price_step=D("0.1"), amount_step=D("0.001"))
        for at in walk:
            self.feel(price(at + spread, at, symbol=symbol))
            for order in self.open_orders():
                if order.status == "submitting" and not order.told:
                    self.tell(order, "filled", order.command.amount)

    @rule(at=PRICES, symbol=SYMBOLS, age_ms=st.sampled_from((0, 0, 0, 60_000)))
    def one_price(self, at: int, symbol: Symbol, age_ms: int) -> None:
        self.life.market = instrument(symbol, price_step=D("0.1"), amount_step=D("0.001"))
        self.feel(price(at, symbol=symbol, age_ms=age_ms))

    @rule(ms=st.sampled_from((1, 1_000, 70_000)))
    def pass_time(self, ms: int) -> None:
        self.life.pass_time(ms)
        self.feel(TimerFired())

    @rule(online=st.sampled_from((True, True, False)), rich=st.sampled_from((True, True, False)))
    def outside(self, online: bool, rich: bool) -> None:
        self.life.online = online
        self.life.quote_free = D(5_000) if rich else D(10)

    @rule(event=st.sampled_from((start(), start(), start(), stop())))
    def command(self, event: BotEvent) -> None:
        self.feel(event)

    @precondition(lambda self: self.life.bot.groups)
    @rule(data=st.data())
    def close_a_group(self, data: st.DataObject) -> None:
        self.feel(close(data.draw(st.sampled_from(self.life.bot.groups)).group_id))

    # ------------------------------------------------------------------ the exchange

    def open_orders(self) -> list[Placed]:
        return [order for order in self.placed.values() if order.status not in FINAL_STATUSES]

    @precondition(lambda self: self.open_orders())
    @rule(
        data=st.data(),
        status=st.sampled_from(("open", "unknown", "needs_operator", "canceled", "filled", "rejected", "expired")),
        share=st.integers(0, 10),
    )
    def exchange_acts(self, data: st.DataObject, status: OrderStatus, share: int) -> None:
        order = data.draw(st.sampled_from(self.open_orders()))
        if status == "expired" and order.status != "submitting":
            return
        if status in {"rejected", "expired"} and order.fills.amount:
            return
        amount = order.command.amount
        if status == "filled":
            filled = amount
        elif status in {"canceled", "open"}:
            filled = max(order.fills.amount, (amount * share / 10).quantize(D("0.001")))
        else:
            filled = order.fills.amount
        self.tell(order, status, min(filled, amount))

    def tell(self, order: Placed, status: OrderStatus, filled: Decimal) -> None:
        order.fills = _cumulative(order.command, filled, in_base=self.fee_in_coins)
        order.status = status
        self.updates += 1
        told = replace(update(order.command, status, order.fills), at_ms=self.updates)
        news = OrderUpdated(update=told)
        order.told.append(news)
        self.feel(news)

    @precondition(lambda self: any(order.told for order in self.placed.values()))
    @rule(data=st.data())
    def an_old_update_comes_again(self, data: st.DataObject) -> None:
        order = data.draw(st.sampled_from([order for order in self.placed.values() if order.told]))
        before = self.life.bot
        old = data.draw(st.sampled_from(order.told))
        self.feel(old)
        assert self.life.bot == before

    # ------------------------------------------------------------------ what must hold

    @invariant()
    def the_bot_never_faults_on_what_can_happen(self) -> None:
        if self.life.state is not None:
            assert self.life.state.fault is None

    @invariant()
    def the_state_is_the_fold_of_the_journal(self) -> None:
        for record in self.life.journal[self.folded_records :]:
            self.folded = apply(self.folded, record.facts)
        self.folded_records = len(self.life.journal)
        assert self.folded == self.life.state

    @invariant()
    def one_group_per_symbol_and_one_order_per_group(self) -> None:
        if self.life.state is None:
            return
        groups = self.life.bot.groups
        assert len({group.symbol for group in groups}) == len(groups)
        assert all(group.average is not None or group.pending is not None for group in groups)
        pending = {g.pending.command.client_order_id for g in groups if g.pending is not None}
        flying = {order.command.client_order_id for order in self.open_orders()}
        assert flying == pending
        assert {c.client_order_id for c in self.life.bot.unacknowledged} <= pending

    @invariant()
    def what_is_bought_and_on_its_way_stays_within_the_limit(self) -> None:
        if self.life.state is not None:
            assert sum(group.bought_cost + in_flight(group) for group in self.life.bot.groups) <= LIMIT

    @invariant()
    def the_sums_are_those_of_the_exchange(self) -> None:
        for group in self.life.bot.groups if self.life.state is not None else ():
            orders = [order for order in self.placed.values() if order.command.group_id == group.group_id]
            buys = [order.fills for order in orders if order.command.side == "buy"]
            sells = [order.fills for order in orders if order.command.side == "sell"]
            assert group.bought_cost == sum((fills.cost for fills in buys), D(0))
            assert group.sold_amount == sum((fills.amount for fills in sells), D(0))

    @invariant()
    def the_same_event_again_changes_nothing(self) -> None:
        if self.last is None:
            return
        assert step(self.life.state, *self.last).facts == ()

    @invariant()
    def an_intended_order_names_a_recorded_decision(self) -> None:
        facts = self.life.journal[-1].facts if self.life.journal else ()
        decided = {fact.decision.decision_id for fact in facts if isinstance(fact, Decided)}
        assert {fact.command.decision_id for fact in facts if isinstance(fact, OrderIntended)} <= decided

    @invariant()
    def the_bot_sleeps_where_no_price_can_wake_it(self) -> None:
        """A price outside of what the bot waits for brings no facts, so a shell may keep it to itself."""
        if self.life.state is None:
            return
        watches = {watch.symbol: watch for watch in wake(self.life.state).watches}
        for symbol in (ETH, BTC):
            watch = watches.get(symbol)
            for at in (60, 90, 95, 100, 106, 140):
                awake = watch is not None and self.life.now_ms >= watch.not_before_ms
                awake = awake and watch is not None and _crosses(watch.buy_at, watch.sell_at, D(at))
                if not awake:
                    market = instrument(symbol, price_step=D("0.1"), amount_step=D("0.001"))
                    ctx = context(self.life.now_ms, instrument=market)
                    assert step(self.life.state, price(at, symbol=symbol), ctx).facts == ()

    def teardown(self) -> None:
        decoder = Decoder(JournalRecord)
        sent = [decoder.decode(encode(record)) for record in self.life.journal]
        assert fold(sent) == self.life.state
        assert replay(sent) == (self.life.state, ())


def _crosses(buy_at: Decimal | None, sell_at: Decimal | None, at: Decimal) -> bool:
    return (buy_at is not None and at <= buy_at) or (sell_at is not None and at >= sell_at)


def _cumulative(order: PlaceOrder, amount: Decimal, *, in_base: bool) -> Fills:
    cost = amount * order.limit_price
    fee = D("0.001")
    takes_coins = in_base and order.side == "buy"
    return Fills(
        amount=amount,
        cost=cost,
        fee_base=amount * fee if takes_coins else D(0),
        fee_quote=D(0) if takes_coins else cost * fee,
    )


TestOneBot = OneBot.TestCase
TestOneBot.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
