"""How much of the user's money a bot may bind, alone and together with the owner's other bots.

All sums are notional in quote, fees apart (spot: leverage 1). With strict reservation a live group binds its whole
ladder from the moment it opens, so no group is ever opened that could not receive its planned add-ons.
"""

from collections.abc import Iterable
from decimal import Decimal
from functools import lru_cache

from backfuture_common.domain.ladder import full_ladder_quote
from backfuture_common.domain.money import HUNDRED, ZERO, divide, plain
from backfuture_common.messages.bots import BotSpec, BotState, Group, ReasonCode, Strategy
from backfuture_common.messages.journal import Context, Exposure

from backfuture_engine.core.precision import exact
from backfuture_engine.core.zones import starts

_NO_OTHERS = Exposure()
Numbers = dict[str, Decimal | int | None]


@lru_cache(maxsize=4_096)
def ladder(strategy: Strategy) -> Decimal:
    """Return what the entry and all add-ons cost together."""
    return full_ladder_quote(
        strategy.base_order_quote, strategy.add_on_quote, strategy.volume_scale, strategy.max_add_ons
    )


@exact
def bot_limit(spec: BotSpec, equity: Decimal | None = None) -> Decimal:
    """Return what all groups of the bot may bind: of a share of the equity and a fixed limit, the smaller."""
    if spec.margin_limit_percent is None or equity is None:
        return spec.margin_limit_quote
    return min(spec.margin_limit_quote, divide(max(equity, ZERO) * spec.margin_limit_percent, HUNDRED))


@exact
def group_cap(spec: BotSpec, equity: Decimal | None = None) -> Decimal:
    """Return what one group may bind: the limit the user gave it, else an equal share of the bot's."""
    if spec.group_limit_quote is not None:
        return spec.group_limit_quote
    return divide(bot_limit(spec, equity), Decimal(spec.max_active_groups))


def in_flight(group: Group) -> Decimal:
    """Return the most that the group's buy in flight may still cost."""
    pending = group.pending
    if pending is None or pending.command.side != "buy":
        return ZERO
    return max((pending.command.amount - pending.fills.amount) * pending.command.limit_price, ZERO)


@exact
def bound_by(spec: BotSpec, group: Group) -> Decimal:
    """Return what a live group binds: what it has spent and on its way, or by strict reservation its whole ladder."""
    spent = group.bought_cost + in_flight(group)
    return max(ladder(group.strategy), spent) if spec.reserve == "strict" else spent


@exact
def bound(state: BotState, *, without: Group | None = None) -> Decimal:
    """Return what the bot's live groups bind together, one of them perhaps left out."""
    left_out = without.group_id if without is not None else None
    return sum((bound_by(state.spec, group) for group in state.groups if group.group_id != left_out), ZERO)


def needed_for_entry(spec: BotSpec) -> Decimal:
    """Return what a new group would bind."""
    return ladder(spec.strategy) if spec.reserve == "strict" else spec.strategy.base_order_quote


@exact
def margin_checks(
    state: BotState, ctx: Context, group: Group | None, after: Decimal
) -> tuple[tuple[tuple[ReasonCode, bool], ...], Numbers]:
    """Check every limit for a group (None: a new one) that would bind ``after``; with the numbers used."""
    others, told = bound(state, without=group), ctx.exposure or _NO_OTHERS
    limit, cap = bot_limit(state.spec, told.equity), group_cap(state.spec, told.equity)
    on_connection = told.connection_quote + others + after
    in_symbol = told.symbol_quote + after
    checks: tuple[tuple[ReasonCode, bool], ...] = (
        ("MARGIN_CONN", told.connection_limit is not None and on_connection > told.connection_limit),
        ("MARGIN_BOT", others + after > limit),
        ("MARGIN_SYMBOL", told.symbol_limit is not None and in_symbol > told.symbol_limit),
        ("MARGIN_GROUP", after > cap),
    )
    numbers: Numbers = {
        "bound": others,
        "margin_limit": limit,
        "group_cap": cap,
        "equity": told.equity,
        "connection_bound": told.connection_quote + others if told.connection_limit is not None else None,
        "connection_limit": told.connection_limit,
        "symbol_bound": told.symbol_quote if told.symbol_limit is not None else None,
        "symbol_limit": told.symbol_limit,
    }
    return checks, numbers


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
        ("group_limit_quote", _or_one(spec.group_limit_quote), smallest, largest),
        ("margin_limit_percent", _or_one(spec.margin_limit_percent), Decimal("0.01"), HUNDRED),
        ("connection_limit_quote", _or_one(spec.connection_limit_quote), smallest, largest),
        ("symbol_limit_quote", _or_one(spec.symbol_limit_quote), smallest, largest),
    )


def _or_one(limit: Decimal | None) -> Decimal:
    """Return a limit that the user gave, 1 when none: for checks of form before any division."""
    return limit if limit is not None else Decimal(1)


def _shared_limits(spec: BotSpec) -> Iterable[tuple[str, Decimal]]:
    if spec.connection_limit_quote is not None:
        yield "the connection's limit", spec.connection_limit_quote
    if spec.symbol_limit_quote is not None:
        yield "the limit of one market", spec.symbol_limit_quote


def _too_large(spec: BotSpec) -> str | None:
    strategy = spec.strategy
    needed, cap = ladder(strategy), group_cap(spec)
    if cap > spec.margin_limit_quote:
        return f"one group may bind {plain(cap)}, more than the bot's limit of {plain(spec.margin_limit_quote)}"
    for name, limit in _shared_limits(spec):
        if needed > limit:
            return f"the full ladder costs {plain(needed)}, {name} is {plain(limit)}: it could never be filled"
    if needed > cap:
        return (
            f"the full ladder of {strategy.max_add_ons} add-ons costs {plain(needed)}, "
            f"one group may bind {plain(cap)}: the last add-ons could never be filled"
        )
    if strategy.max_add_ons and starts(strategy)[strategy.max_add_ons - 1] >= 100:
        deepest = starts(strategy)[strategy.max_add_ons - 1]
        return f"zone {strategy.max_add_ons} would begin {plain(deepest)} % below the entry: no price can reach it"
    return None
