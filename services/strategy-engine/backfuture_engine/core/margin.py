"""How much of the user's money a bot may bind: strict reservation of whole ladders.

All sums are notional in quote, fees apart (spot: leverage 1). A live group binds its whole ladder from the moment it
opens, so no group is ever opened that could not receive its planned add-ons.
"""

from decimal import Decimal
from functools import lru_cache

from backfuture_common.domain.ladder import full_ladder_quote
from backfuture_common.domain.money import ZERO, divide, plain
from backfuture_common.messages.bots import BotSpec, BotState, Group, Strategy

from backfuture_engine.core.precision import exact
from backfuture_engine.core.zones import starts


@lru_cache(maxsize=4_096)
def ladder(strategy: Strategy) -> Decimal:
    """Return what the entry and all add-ons cost together."""
    return full_ladder_quote(
        strategy.base_order_quote, strategy.add_on_quote, strategy.volume_scale, strategy.max_add_ons
    )


@exact
def group_cap(spec: BotSpec) -> Decimal:
    """Return what one group may bind: the limit the user gave it, else an equal share of the bot's."""
    if spec.group_limit_quote is not None:
        return spec.group_limit_quote
    return divide(spec.margin_limit_quote, Decimal(spec.max_active_groups))


def in_flight(group: Group) -> Decimal:
    """Return the most that the group's buy in flight may still cost."""
    pending = group.pending
    if pending is None or pending.command.side != "buy":
        return ZERO
    return max((pending.command.amount - pending.fills.amount) * pending.command.limit_price, ZERO)


@exact
def bound_by(group: Group) -> Decimal:
    """Return what a live group binds: its whole ladder, or what it has spent should that be more."""
    return max(ladder(group.strategy), group.bought_cost + in_flight(group))


@exact
def bound(state: BotState, *, without: Group | None = None) -> Decimal:
    """Return what the bot's live groups bind together, one of them perhaps left out."""
    left_out = without.group_id if without is not None else None
    return sum((bound_by(group) for group in state.groups if group.group_id != left_out), ZERO)


@exact
def refusal(spec: BotSpec) -> str | None:
    """Say why this configuration can never be filled or makes no sense, with the numbers; None when it is sound."""
    return _unsound(spec) or _too_large(spec)


def _unsound(spec: BotSpec) -> str | None:
    for name, value, low, high in _bounds(spec):
        if not value.is_finite() or not low <= value <= high:
            return f"{name} is {value}; it has to lie between {plain(low)} and {plain(high)}"
    if not spec.symbols or len(set(spec.symbols)) != len(spec.symbols):
        return "a bot needs at least one symbol, each of them once"
    return None


def _bounds(spec: BotSpec) -> tuple[tuple[str, Decimal, Decimal, Decimal], ...]:
    strategy = spec.strategy
    smallest, largest = Decimal("1e-12"), Decimal("1e12")
    add_on_least = smallest if strategy.max_add_ons else ZERO
    return (
        ("max_add_ons", Decimal(strategy.max_add_ons), ZERO, Decimal(100)),
        ("max_active_groups", Decimal(spec.max_active_groups), Decimal(1), Decimal(1000)),
        ("base_order_quote", strategy.base_order_quote, smallest, largest),
        ("add_on_quote", strategy.add_on_quote, add_on_least, largest),
        ("step_percent", strategy.step_percent, Decimal("0.01") if strategy.max_add_ons else ZERO, Decimal(99)),
        ("step_scale", strategy.step_scale, Decimal("0.1"), Decimal(10)),
        ("volume_scale", strategy.volume_scale, Decimal("0.1"), Decimal(10)),
        ("take_profit_percent", strategy.take_profit_percent, Decimal("0.01"), Decimal(1000)),
        ("min_improvement_percent", strategy.min_improvement_percent, ZERO, Decimal(99)),
        ("min_gap_percent", strategy.min_gap_percent, ZERO, Decimal(99)),
        ("slippage_percent", strategy.slippage_percent, ZERO, Decimal(20)),
        ("add_on_cooldown_ms", Decimal(strategy.add_on_cooldown_ms), ZERO, largest),
        ("group_cooldown_ms", Decimal(strategy.group_cooldown_ms), ZERO, largest),
        ("max_price_age_ms", Decimal(strategy.max_price_age_ms), Decimal(1), largest),
        ("margin_limit_quote", spec.margin_limit_quote, smallest, largest),
        ("group_limit_quote", _group_limit_or_one(spec), smallest, largest),
    )


def _group_limit_or_one(spec: BotSpec) -> Decimal:
    """Return the group limit that the user gave, 1 when none: for checks of form before any division."""
    return spec.group_limit_quote if spec.group_limit_quote is not None else Decimal(1)


def _too_large(spec: BotSpec) -> str | None:
    strategy = spec.strategy
    needed, cap = ladder(strategy), group_cap(spec)
    if cap > spec.margin_limit_quote:
        return f"one group may bind {plain(cap)}, more than the bot's limit of {plain(spec.margin_limit_quote)}"
    if needed > cap:
        return (
            f"the full ladder of {strategy.max_add_ons} add-ons costs {plain(needed)}, "
            f"one group may bind {plain(cap)}: the last add-ons could never be filled"
        )
    if strategy.max_add_ons and starts(strategy)[strategy.max_add_ons - 1] >= 100:
        deepest = starts(strategy)[strategy.max_add_ons - 1]
        return f"zone {strategy.max_add_ons} would begin {plain(deepest)} % below the entry: no price can reach it"
    return None
