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
from backfuture_engine.core.groups import by_symbol, kept_for, rests_until
from backfuture_engine.core.precision import exact
from backfuture_engine.core.zones import Zone, makes_up_for, zones_below

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
    buy_at = _add_on_watch(state, group) if state.running and not group.close_requested else None
    sell_at = ANY_BID if group.close_requested else group.target
    return Watch(symbol, buy_at, sell_at, group.retry_after_ms)


def _entry_watch(state: BotState, symbol: Symbol) -> Watch | None:
    if not state.running or symbol not in state.spec.symbols or len(state.groups) >= state.spec.max_active_groups:
        return None
    if state.spec.strategy.start_on == "signal" and kept_for(state, symbol) is None:
        return None
    return Watch(symbol, ANY_ASK, None, rests_until(state, symbol))


def _add_on_watch(state: BotState, group: Group) -> Decimal | None:
    if kept_for(state, group.symbol) is not None:
        return ANY_ASK
    return add_on_level(group) if group.strategy.add_on_on == "price" else None


@exact
def add_on_level(group: Group) -> Decimal | None:
    """Return the highest ask at which the group could add on, as far as prices decide it; None when it never can."""
    if group.anchor is None or group.average is None or group.add_ons_done >= group.strategy.max_add_ons:
        return None
    unused = [z for z in zones_below(group.strategy, group.anchor) if z.number not in group.zones_used]
    levels = [_level_in(group, zone) for zone in unused]
    if group.strategy.addon_block_mode == "both":
        levels += [_level_outside(group, zone) for zone in unused[:1]]
    return max((level for level in levels if level is not None), default=None)


def _level_in(group: Group, zone: Zone) -> Decimal | None:
    """Return the highest ask inside a zone at which the add-on would be good enough."""
    strategy = group.strategy
    needed = ZERO if strategy.addon_block_mode == "both" else strategy.min_improvement_percent
    level = min(zone.top, _good_enough(group, makes_up_for(group, zone), needed))
    return level if level > max(zone.bottom, ZERO) else None


def _level_outside(group: Group, zone: Zone) -> Decimal | None:
    """Return the highest ask, in a zone or not, at which an add-on of this zone's size improves enough."""
    level = _good_enough(group, (zone,), group.strategy.min_improvement_percent)
    return level if level > 0 else None


def _good_enough(group: Group, zones: tuple[Zone, ...], min_improvement: Decimal) -> Decimal:
    strategy, quote = group.strategy, sum((zone.quote for zone in zones), ZERO)
    worst_to_ask = HUNDRED / (HUNDRED + strategy.slippage_percent)
    improving = price_that_improves(group.bought_cost, group.bought_amount, quote, min_improvement)
    level = improving * worst_to_ask
    if group.last_fill_price is not None:
        level = min(level, group.last_fill_price * (HUNDRED - strategy.min_gap_percent) / HUNDRED)
    return level
