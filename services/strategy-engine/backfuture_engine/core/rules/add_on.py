"""May the group buy more at this price?"""

from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple

from backfuture_common.domain.money import ZERO
from backfuture_common.messages.bots import BotState, Group, Signal
from backfuture_common.messages.journal import Context, PriceObserved
from backfuture_common.messages.market import Instrument

from backfuture_engine.core.formulas import average_after, deviation_percent, improvement_percent, worsens
from backfuture_engine.core.margin import Numbers, margin_checks
from backfuture_engine.core.precision import exact
from backfuture_engine.core.rules.checks import Check, busy_check, signal_checks, user_checks
from backfuture_engine.core.rules.entry import short_of_balance
from backfuture_engine.core.ruling import Ruling, Subject, Terms, buy_terms, failing, refuse, rule
from backfuture_engine.core.zones import Zone, makes_up_for, next_unused, zone_at


class _Plan(NamedTuple):
    """The add-on that this price would bring. The average is tested at the worst price the order may pay.

    ``here`` is the zone that the price lies in; ``zones`` are those that the add-on would use up, deepest last.
    """

    here: Zone | None
    zones: tuple[Zone, ...]
    quote: Decimal
    terms: Terms | None
    average_before: Decimal
    average_after: Decimal
    worse: bool

    @property
    def improvement(self) -> Decimal:
        return improvement_percent(self.average_before, self.average_after)


@exact
def judge_add_on(
    state: BotState, group: Group, price: PriceObserved, ctx: Context, signal: Signal | None = None
) -> Ruling:
    """Rule ADD_ON with the order's terms and zones, or BLOCK or WAIT with every reason. The group has bought before."""
    plan = _plan(group, price, ctx.instrument)
    subject = Subject(state, group.symbol, group.group_id, ctx.now_ms, signal)
    margins, limits = margin_checks(state, ctx, group, group.bought_cost + plan.quote)
    reasons = failing(
        (
            *signal_checks(state, signal, ctx.now_ms),
            *user_checks(state, group.symbol, price.exchange, signal, ctx),
            ("PRICE_STALE", price.age_ms > group.strategy.max_price_age_ms),
            busy_check(group, "buy", ctx.now_ms),
            *_price_checks(group, plan, price, ctx),
            *margins,
            *_size_checks(plan, ctx),
        )
    )
    numbers: Numbers = {
        "bid": price.bid,
        "ask": price.ask,
        "age_ms": price.age_ms,
        "zone": plan.here.number if plan.here else 0,
        "average": plan.average_before,
        "average_after": plan.average_after,
        "improvement_percent": plan.improvement,
        "last_fill": group.last_fill_price,
        "used": group.bought_cost,
        "quote": plan.quote,
        **limits,
        "quote_free": ctx.quote_free,
        "amount": plan.terms.amount if plan.terms else None,
        "limit": plan.terms.limit_price if plan.terms else None,
    }
    if reasons:
        return refuse(subject, reasons, numbers)
    numbers_of_zones = tuple(zone.number for zone in plan.zones)
    return rule(subject, "ADD_ON", (), numbers, terms=plan.terms, zones=numbers_of_zones)


def _plan(group: Group, price: PriceObserved, instrument: Instrument | None) -> _Plan:
    if group.average is None or group.anchor is None:
        raise ValueError("a group that has bought nothing adds nothing on")
    strategy = group.strategy
    here = zone_at(strategy, group.anchor, price.ask)
    zones = makes_up_for(group, here) if here else next_unused(group)
    quote = sum((zone.quote for zone in zones), ZERO)
    terms = buy_terms(price.ask, quote, strategy.slippage_percent, instrument) if instrument else None
    worst = max(terms.limit_price, price.ask) if terms else price.ask
    after = average_after(group.bought_cost, group.bought_amount, quote, worst)
    return _Plan(here, zones, quote, terms, group.average, after, worsens(group.average, worst))


def _price_checks(group: Group, plan: _Plan, price: PriceObserved, ctx: Context) -> Iterable[Check]:
    strategy = group.strategy
    outside = plan.here is None
    gains_little = not plan.worse and plan.improvement < strategy.min_improvement_percent
    both = strategy.addon_block_mode == "both"
    gap = deviation_percent(group.last_fill_price, price.ask) if group.last_fill_price else strategy.min_gap_percent
    rested_since_ms = ctx.now_ms - (group.last_fill_ms or 0)
    yield "COOLDOWN", rested_since_ms < strategy.add_on_cooldown_ms
    yield "OUT_OF_ZONE", outside and (not both or plan.worse or gains_little)
    yield "ZONE_USED", plan.here is not None and plan.here.number in group.zones_used
    yield "AVG_WORSE", plan.worse
    yield "GAIN_TOO_SMALL", gains_little and (not both or outside)
    yield "TOO_CLOSE", gap < strategy.min_gap_percent
    yield "ADDON_LIMIT", group.add_ons_done >= strategy.max_add_ons


def _size_checks(plan: _Plan, ctx: Context) -> tuple[Check, ...]:
    if ctx.instrument is None or plan.terms is None:
        return ()
    return (
        ("BALANCE", short_of_balance(plan.quote, ctx.instrument, ctx)),
        ("MIN_SIZE", plan.terms.too_small(ctx.instrument) or plan.quote <= ZERO),
    )
