"""Lets bots live on tapes: events in time order, each one through the core, orders through the simulated exchange.

The clock jumps from one event to the next: the next price that wakes a bot, a rest that is over, an order that arrives,
an answer that comes back. Between them a bot could do nothing, so it is not asked. Equal input gives equal output.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import localcontext
from heapq import heappop, heappush
from typing import NamedTuple, assert_never

from backfuture_common.contracts.backtest import Assumptions
from backfuture_common.domain.ids import BotId, CommandId, ConnectionId, Symbol
from backfuture_common.domain.money import MONEY_CONTEXT, ZERO
from backfuture_common.errors import Fatal, Refused
from backfuture_common.messages.bots import BotSpec, BotState, CreateBot, Group, StartBot
from backfuture_common.messages.journal import (
    BotEvent,
    CommandReceived,
    CommandRefused,
    Context,
    Decided,
    Fact,
    OrderUpdated,
    PriceObserved,
    TimerFired,
)
from backfuture_common.messages.orders import OrderUpdate, PlaceOrder

from backfuture_engine.backtest.tape import Crossing, Spot, Tape
from backfuture_engine.backtest.venue import Venue
from backfuture_engine.backtest.waiting import Waiting
from backfuture_engine.core.margin import in_flight
from backfuture_engine.core.step import Step, step

_STEPS_AT_ONE_TIME = 100_000
_PROGRESS_EVERY = 256


class Happened(NamedTuple):
    """One step of one bot that brought facts."""

    bot: BotId
    event: BotEvent
    ctx: Context
    result: Step

    @property
    def facts(self) -> tuple[Fact, ...]:
        return self.result.facts


class _Look(NamedTuple):
    """A watch may have to be looked at: a level is reached, or (``crossing`` None) a rest is over."""

    bot: BotId
    symbol: Symbol
    ticket: int
    crossing: Crossing | None


class _Timer(NamedTuple):
    bot: BotId
    at_ms: int


class _Arrival(NamedTuple):
    order: PlaceOrder


class _News(NamedTuple):
    update: OrderUpdate


_Due = _Look | _Timer | _Arrival | _News
_Entry = tuple[int, int, int, int, _Due]


class Simulation:
    """Several bots on the prices of several markets. ``on_step`` hears every step with facts, in order.

    Refused when the core would not start a bot. ``states`` and ``venue`` tell how it ended.
    """

    def __init__(
        self,
        bots: Sequence[BotSpec],
        tapes: Mapping[Symbol, Tape],
        assumptions: Assumptions,
        on_step: Callable[[Happened], None],
    ) -> None:
        quotes = {tape.instrument.quote for tape in tapes.values()}
        if len(quotes) != 1:
            raise Refused("backtest.several_quotes", f"one run has one quote currency, these have {sorted(quotes)}")
        self.venue = Venue(assumptions, quotes.pop())
        self.states: dict[BotId, BotState | None] = {spec.bot_id: None for spec in bots}
        self._specs = {spec.bot_id: spec for spec in bots}
        self._tapes = dict(tapes)
        self._rank = {symbol: number for number, symbol in enumerate(self._tapes)}
        self._latency_ms = assumptions.latency_ms
        self._on_step = on_step
        self._waiting = {bot: Waiting() for bot in self._specs}
        self._mates: dict[ConnectionId, list[BotId]] = {}
        for spec in bots:
            self._mates.setdefault(spec.connection_id, []).append(spec.bot_id)
        self._last: dict[Symbol, Spot] = {}
        self._queue: list[_Entry] = []
        self._number = 0

    def run(self, on_progress: Callable[[int], None] | None = None) -> None:
        """Live from the first price to the last. ``on_progress`` is told the time now and then."""
        with localcontext(MONEY_CONTEXT):
            start_ms = min(int(tape.at_ms[0]) for tape in self._tapes.values())
            for spec in self._specs.values():
                self._start(spec, start_ms)
            self._live(max(int(tape.at_ms[-1]) for tape in self._tapes.values()), on_progress)

    # ------------------------------------------------------------------ the clock

    def _live(self, end_ms: int, on_progress: Callable[[int], None] | None) -> None:
        handled, at_this_time, before_ms = 0, 0, -1
        while self._queue and self._queue[0][0] <= end_ms:
            now_ms, _, _, _, due = heappop(self._queue)
            at_this_time = at_this_time + 1 if now_ms == before_ms else 0
            if at_this_time > _STEPS_AT_ONE_TIME:
                raise Fatal("backtest.stuck", f"the bots go on for ever at {now_ms}")
            before_ms = now_ms
            self._handle(due, now_ms)
            handled += 1
            if on_progress is not None and handled % _PROGRESS_EVERY == 0:
                on_progress(now_ms)

    def _handle(self, due: _Due, now_ms: int) -> None:
        match due:
            case _Look():
                self._look(due, now_ms)
            case _Timer():
                if self._waiting[due.bot].timer_ms == due.at_ms:
                    self._waiting[due.bot].timer_ms = None
                    self._feel(due.bot, TimerFired(), None, now_ms)
                    self._arm(due.bot, now_ms)
            case _Arrival():
                self._trade(due.order, now_ms)
            case _News():
                self._hear(due.update, now_ms)
            case _:
                assert_never(due)

    def _push(self, at_ms: int, due: _Due, symbol: Symbol | None = None, row: int = 0) -> int:
        self._number += 1
        heappush(self._queue, (at_ms, -1 if symbol is None else self._rank[symbol], row, self._number, due))
        return self._number

    # ------------------------------------------------------------------ bots

    def _start(self, spec: BotSpec, at_ms: int) -> None:
        missing = [symbol for symbol in spec.symbols if symbol not in self._tapes]
        if missing:
            raise Refused("backtest.no_data", f"{spec.name} trades {', '.join(missing)}, of which there are no prices")
        create = CreateBot(command_id=CommandId(f"{spec.bot_id}-create"), spec=spec, at_ms=at_ms)
        start = StartBot(
            command_id=CommandId(f"{spec.bot_id}-start"), owner=spec.owner, bot_id=spec.bot_id, at_ms=at_ms
        )
        for command in (create, start):
            facts = self._feel(spec.bot_id, CommandReceived(command=command), None, at_ms).facts
            refused = [fact.reason for fact in facts if isinstance(fact, CommandRefused)]
            if refused:
                raise Refused("backtest.bot_refused", f"{spec.name}: {refused[0]}")
        self._arm(spec.bot_id, at_ms)

    def _look(self, look: _Look, now_ms: int) -> None:
        waiting = self._waiting[look.bot]
        armed = waiting.armed.get(look.symbol)
        if armed is None or armed[1] != look.ticket:
            return  # the bot has come to wait for something else
        del waiting.armed[look.symbol]
        if look.crossing is not None:
            spot = self._last[look.symbol] = look.crossing.spot
            self._show(look.bot, look.symbol, look.crossing, spot, now_ms)
        self._arm(look.bot, now_ms)

    def _show(self, bot: BotId, symbol: Symbol, crossing: Crossing, spot: Spot, now_ms: int) -> None:
        spec, tape, waiting = self._specs[bot], self._tapes[symbol], self._waiting[bot]
        price = PriceObserved(
            exchange=spec.exchange, symbol=symbol, bid=tape.price(spot.bid), ask=tape.price(spot.ask), age_ms=0
        )
        result = self._feel(bot, price, symbol, now_ms)
        state = self.states[bot]
        if state is not None and all(isinstance(fact, Decided) for fact in result.facts):
            waiting.put_to_sleep(symbol, crossing.direction, state, now_ms)
        else:
            waiting.wake_up()

    def _feel(self, bot: BotId, event: BotEvent, symbol: Symbol | None, now_ms: int) -> Step:
        """Take a bot through one event, with everything that follows at this very moment."""
        ctx = self._context(bot, symbol, now_ms)
        result = step(self.states[bot], event, ctx)
        if result.wake is None:
            return result
        self.states[bot] = result.state
        self._waiting[bot].follow(result.wake)
        self._on_step(Happened(bot, event, ctx, result))
        for command in result.commands:
            if isinstance(command, PlaceOrder):
                self._send(command, now_ms)
        return result

    def _context(self, bot: BotId, symbol: Symbol | None, now_ms: int) -> Context:
        connection = self._specs[bot].connection_id
        buying = sum((in_flight(group) for group in self._groups_on(connection)), ZERO)
        return Context(
            now_ms=now_ms,
            connection_online=True,
            instrument=self._tapes[symbol].instrument if symbol is not None else None,
            quote_free=max(self.venue.quote_free(connection) - buying, ZERO) if symbol is not None else None,
        )

    def _groups_on(self, connection: ConnectionId) -> Iterable[Group]:
        for bot in self._mates[connection]:
            state = self.states[bot]
            if state is not None:
                yield from state.groups

    def _arm(self, bot: BotId, now_ms: int) -> None:
        """Find out when each watch that is not waited for yet has to be looked at."""
        waiting = self._waiting[bot]
        for watch in waiting.wake.watches:
            if watch.symbol in waiting.armed:
                continue
            tape = self._tapes[watch.symbol]
            spot = self._spot(watch.symbol, now_ms)
            due = waiting.next(watch, tape, spot, now_ms) if spot is not None else None
            if due is not None:
                row = due.crossing.spot.row if due.crossing is not None else 0
                look = _Look(bot, watch.symbol, self._number + 1, due.crossing)
                waiting.armed[watch.symbol] = (watch, self._push(due.at_ms, look, watch.symbol, row))
        timer_ms = waiting.wake.timer_ms(now_ms)
        if timer_ms is not None and timer_ms != waiting.timer_ms:
            waiting.timer_ms = timer_ms
            self._push(timer_ms, _Timer(bot, timer_ms))

    def _spot(self, symbol: Symbol, now_ms: int) -> Spot | None:
        last = self._last.get(symbol)
        return last if last is not None and last.at_ms == now_ms else self._tapes[symbol].spot(now_ms)

    # ------------------------------------------------------------------ orders

    def _send(self, order: PlaceOrder, now_ms: int) -> None:
        if self._latency_ms:
            self._push(now_ms + self._latency_ms, _Arrival(order))
        else:
            self._trade(order, now_ms)

    def _trade(self, order: PlaceOrder, now_ms: int) -> None:
        """Let the order meet the price of now; where the data has a gap there is none."""
        spot = self._spot(order.symbol, now_ms)
        known = spot if spot is not None and spot.at_ms <= now_ms else None
        update = self.venue.place(order, self._tapes[order.symbol], known, now_ms)
        self._push(now_ms + self._latency_ms, _News(update))

    def _hear(self, update: OrderUpdate, now_ms: int) -> None:
        bot = update.bot_id
        if self._feel(bot, OrderUpdated(update=update), update.symbol, now_ms).facts:
            self._waiting[bot].wake_up()
        self._arm(bot, now_ms)
        if update.fills.amount:
            for mate in self._mates[update.connection_id]:
                if mate != bot:
                    self._waiting[mate].wake_up()
                    self._arm(mate, now_ms)
