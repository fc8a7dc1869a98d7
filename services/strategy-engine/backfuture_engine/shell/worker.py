"""All bots of one owner partition: events in, uncommitted records out.

Synchronous and without I/O: whatever happens between two awaits of its owner happens at once.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import NamedTuple

from backfuture_common.bus import Incoming
from backfuture_common.domain.ids import BotId, ConnectionId, Symbol
from backfuture_common.messages.bots import BotCommand, BotState, CreateBot, Signal, UpdateBot
from backfuture_common.messages.journal import (
    BotEvent,
    Cause,
    CommandReceived,
    Context,
    Decided,
    JournalRecord,
    OrderUpdated,
)
from backfuture_common.messages.market import market_key
from backfuture_common.messages.orders import OrderUpdate
from backfuture_common.runtime import metrics
from msgspec.structs import replace

from backfuture_engine.core.step import Step, step
from backfuture_engine.core.wake import Wake, wake
from backfuture_engine.shell.exposure import Exposures
from backfuture_engine.shell.index import Direction
from backfuture_engine.shell.unit import Batch, Entry, Unit
from backfuture_engine.shell.watches import Watches
from backfuture_engine.shell.wishes import Market, Wishes
from backfuture_engine.shell.world import Seen, World, context

BOTS_PER_TURN = 200
"""How many woken bots are dealt with before others get their turn: some ten milliseconds."""


class Restored(NamedTuple):
    """A partition as its last owner committed it: bots, next offset of each input topic, markets it had asked for."""

    bots: Iterable[BotState] = ()
    positions: Mapping[str, int] = {}
    wanted: frozenset[Market] = frozenset()


class _Heard(NamedTuple):
    """An input as a bot's core saw it, and where it came from."""

    event: BotEvent
    ctx: Context
    cause: Cause
    received_s: float | None = None


class Worker:
    """The bots of one partition, what they wait for, and what of them is not committed yet.

    Taking over bots sends again what no connector has answered.
    """

    def __init__(self, partition: int, epoch: int, restored: Restored, world: World, now_ms: int) -> None:
        self.partition = partition
        self.bots: dict[BotId, BotState] = {}
        self._epoch = epoch
        self._world = world
        self._unit = Unit(partition, epoch, restored.positions)
        self._stored: Mapping[str, int] | None = None
        self._watches = Watches()
        self._wishes = Wishes(partition, restored.wanted)
        self._exposures = Exposures()
        self._crossed: dict[str, None] = {}
        """Markets whose newest price may wake somebody, in the order in which they came up."""
        for state in restored.bots:
            self.bots[state.spec.bot_id] = state
            self._note(state, wake(state), now_ms)
            self._unit.send_again(state.unacknowledged)

    # ------------------------------------------------------------------ inputs

    def on_record(self, record: Incoming, now_ms: int) -> None:
        """Take in a user's command or news of an order, and move this input's position past it."""
        cause = Cause(topic=record.topic.name, partition=record.partition, offset=record.offset)
        value = record.value
        if isinstance(value, OrderUpdate):
            self._on_event(value.bot_id, OrderUpdated(update=value), value.symbol, cause, now_ms)
        elif isinstance(value, BotCommand):
            symbol = value.symbol if isinstance(value, Signal) else None
            self._on_event(_bot_of(value), CommandReceived(command=value), symbol, cause, now_ms)
        self._unit.positions = {**self._unit.positions, record.topic.name: record.offset + 1}

    def on_price(self, market: str, bid: Decimal, ask: Decimal) -> None:
        """Note that a market has a new price. Costs two comparisons when it wakes nobody."""
        if self._watches.crossed(market, bid, ask):
            self._crossed[market] = None

    def on_time(self, now_ms: int) -> None:
        """Arm what waited for this time."""
        for bot in self._watches.due(now_ms):
            self._watches.arm(bot, now_ms)
            self._look_at(bot)

    def on_change(self, now_ms: int, *, connection: ConnectionId | None = None, market: str | None = None) -> None:
        """Let bots that could do nothing try again: their connection, balance or instrument has changed."""
        for bot in self._watches.sleeping():
            if self.bots[bot].spec.connection_id == connection or market in self._watches.markets_of(bot):
                self._watches.wake_up(bot)
                self._watches.arm(bot, now_ms)
                self._look_at(bot)

    def turn(self, now_ms: int, limit: int = BOTS_PER_TURN) -> bool:
        """Deal with bots that the newest prices wake, at most ``limit``; say whether more are waiting."""
        while self._crossed and limit > 0:
            limit -= self._wake_bots(next(iter(self._crossed)), now_ms, limit)
        return bool(self._crossed)

    # ------------------------------------------------------------------ outputs

    @property
    def uncommitted(self) -> int:
        """How many steps wait to be committed."""
        return len(self._unit)

    @property
    def urgent(self) -> bool:
        """Whether there is anything but positions to commit."""
        return bool(self._unit) or self._wishes.untold

    @property
    def moved(self) -> bool:
        """Whether inputs were read past the last checkpoint."""
        return self._unit.positions != self._stored

    @property
    def stored(self) -> Mapping[str, int]:
        """The positions of the last checkpoint, as far as this owner has written one."""
        return self._stored or {}

    @property
    def markets(self) -> frozenset[Market]:
        """The markets that its bots need prices of."""
        return self._wishes.markets

    def take(self, now_ms: int) -> Batch:
        """Remove and return the next transaction. Its failure is the end of this worker."""
        batch = self._unit.take(self._wishes.tell(), now_ms)
        self._stored = batch.positions
        return batch

    # ------------------------------------------------------------------ steps

    def _wake_bots(self, market: str, now_ms: int, limit: int) -> int:
        seen = self._world.price(market)
        if seen is None:
            raise LookupError(f"{market} crossed a level and has no price")
        woken = self._watches.take(market, seen.tick.bid, seen.tick.ask, limit)
        if len(woken) < limit:
            del self._crossed[market]
        for bot, direction in woken:
            self._on_level(bot, direction, seen, now_ms)
        return len(woken)

    def _on_level(self, bot: BotId, direction: Direction, seen: Seen, now_ms: int) -> None:
        state, symbol = self.bots[bot], seen.tick.symbol
        event, ctx = seen.observed(now_ms), self._context(state, symbol, now_ms)
        result = step(state, event, ctx)
        if all(isinstance(fact, Decided) for fact in result.facts):
            self._watches.put_to_sleep(bot, symbol, direction, now_ms)
        else:
            self._watches.wake_up(bot)
        self._record(bot, _Heard(event, ctx, seen.cause, seen.received_s), result)

    def _on_event(self, bot: BotId, event: BotEvent, symbol: Symbol | None, cause: Cause, now_ms: int) -> None:
        state = self.bots.get(bot)
        ctx = self._context(state, symbol, now_ms)
        if state is not None and isinstance(event, CommandReceived):
            ctx = self._with_price(ctx, state, symbol)
        result = step(state, event, ctx)
        if result.facts:
            self._watches.wake_up(bot)
        self._record(bot, _Heard(event, ctx, cause), result)

    def _context(self, state: BotState | None, symbol: Symbol | None, now_ms: int) -> Context:
        if state is None:
            return Context(now_ms=now_ms, connection_online=False)
        flying = self._exposures.in_flight(state.spec.connection_id)
        around = self._exposures.around(state, symbol, self._world) if symbol is not None else None
        ctx = context(self._world, state.spec, symbol, now_ms, flying)
        return ctx if around is None else replace(ctx, exposure=around)

    def _with_price(self, ctx: Context, state: BotState, symbol: Symbol | None) -> Context:
        """Add the newest price, for commands that are about a market."""
        seen = self._world.price(market_key(state.spec.exchange, symbol)) if symbol is not None else None
        return ctx if seen is None else replace(ctx, price=seen.observed(ctx.now_ms))

    def _record(self, bot: BotId, heard: _Heard, result: Step) -> None:
        state = result.state
        if state is None or result.wake is None:
            return
        record = JournalRecord(
            bot_id=bot,
            owner=state.spec.owner,
            seq=state.seq,
            event=heard.event,
            context=heard.ctx,
            facts=result.facts,
            cause=heard.cause,
            epoch=self._epoch,
        )
        self.bots[bot] = state
        self._unit.add(Entry(state, record, result.commands, self._unit.positions, heard.received_s))
        for fact in result.facts:
            if isinstance(fact, Decided):
                metrics.DECISIONS.labels(verdict=fact.decision.verdict).inc()
        self._note(state, result.wake, heard.ctx.now_ms)

    def _note(self, state: BotState, waits_for: Wake, now_ms: int) -> None:
        """Bring everything that is derived from a bot's state up to date."""
        bot = state.spec.bot_id
        self._watches.follow(bot, state.spec.exchange, waits_for.watches, now_ms)
        self._wishes.note(bot, state)
        self._exposures.note(bot, state)
        self._look_at(bot)

    def _look_at(self, bot: BotId) -> None:
        """See whether the prices known by now already wake the bot."""
        for market in self._watches.markets_of(bot):
            seen = self._world.price(market)
            if seen is not None:
                self.on_price(market, seen.tick.bid, seen.tick.ask)


def _bot_of(command: BotCommand) -> BotId:
    return command.spec.bot_id if isinstance(command, CreateBot | UpdateBot) else command.bot_id
