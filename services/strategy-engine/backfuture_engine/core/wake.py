"""Which prices a bot waits for: the only ones at which it could act.

A rule that can act is a price level or a time here. :func:`decide` asks the same functions, so a shell that wakes the
bot only at these prices and one that shows it every tick come to the same facts. What the state itself rules out (bot
stopped, group limit reached, symbol resting, order in flight) arms nothing.
"""

from decimal import Decimal
from typing import NamedTuple

from backfuture_common.domain.ids import Symbol
from backfuture_common.domain.money import HUNDRED, ZERO
from backfuture_common.messages.bots import BotState, Group

from backfuture_engine.core.formulas import price_that_improves
from backfuture_engine.core.groups import by_symbol, rests_until
from backfuture_engine.core.precision import exact
from backfuture_engine.core.zones import Zone, zones_below

ANY_ASK = Decimal("Infinity")
ANY_BID = Decimal(0)


class Watch(NamedTuple):
    """Wake the bot when the ask is at or below ``buy_at``, or the bid at or above ``sell_at``, not before a time."""

    symbol: Symbol
    buy_at: Decimal | None
    sell_at: Decimal | None
    not_before_ms: int


class Wake(NamedTuple):
    """All a bot waits for: at most one watch per symbol."""

    watches: tuple[Watch, ...]

    def timer_ms(self, now_ms: int) -> int | None:
        """Return the next time at which a watch begins."""
        return min((w.not_before_ms for w in self.watches if w.not_before_ms > now_ms), default=None)


NOTHING = Wake(())


def wake(state: BotState) -> Wake:
    """Return what the bot waits for. Nothing when it is faulted or deleted."""
    if state.deleted or state.fault is not None:
        return NOTHING
    symbols = dict.fromkeys((*state.spec.symbols, *(group.symbol for group in state.groups)))
    return Wake(tuple(watch for symbol in symbols if (watch := watch_of(state, symbol)) is not None))


@exact
def watch_of(state: BotState, symbol: Symbol) -> Watch | None:
    """Return what the bot waits for in one symbol."""
    group = by_symbol(state, symbol)
    if group is None:
        return _entry_watch(state, symbol)
    if group.pending is not None or group.average is None:
        return None
    buy_at = add_on_level(group) if state.running and not group.close_requested else None
    sell_at = ANY_BID if group.close_requested else group.target
    return Watch(symbol, buy_at, sell_at, group.retry_after_ms)


def _entry_watch(state: BotState, symbol: Symbol) -> Watch | None:
    if not state.running or symbol not in state.spec.symbols or len(state.groups) >= state.spec.max_active_groups:
        return None
    return Watch(symbol, ANY_ASK, None, rests_until(state, symbol))


@exact
def add_on_level(group: Group) -> Decimal | None:
    """Return the highest ask at which the group could add on, as far as prices decide it; None when it never can."""
    if group.anchor is None or group.average is None or group.add_ons_done >= group.strategy.max_add_ons:
        return None
    levels = (
        _level_in(group, zone)
        for zone in zones_below(group.strategy, group.anchor)
        if zone.number not in group.zones_used
    )
    return max((level for level in levels if level is not None), default=None)


def _level_in(group: Group, zone: Zone) -> Decimal | None:
    strategy = group.strategy
    worst_to_ask = HUNDRED / (HUNDRED + strategy.slippage_percent)
    improving = price_that_improves(
        group.bought_cost, group.bought_amount, zone.quote, strategy.min_improvement_percent
    )
    level = min(zone.top, improving * worst_to_ask)
    if group.last_fill_price is not None:
        level = min(level, group.last_fill_price * (HUNDRED - strategy.min_gap_percent) / HUNDRED)
    return level if level > max(zone.bottom, ZERO) else None
