"""May the group buy more at this price?"""

from decimal import Decimal
from typing import NamedTuple

from backfuture_common.domain.money import ZERO
from backfuture_common.messages.bots import BotState, Group, ReasonCode
from backfuture_common.messages.journal import Context, PriceObserved
from backfuture_common.messages.market import Instrument

from backfuture_engine.core.formulas import average_after, deviation_percent, improvement_percent, worsens
from backfuture_engine.core.margin import bound, group_cap
from backfuture_engine.core.precision import exact
from backfuture_engine.core.rules.entry import short_of_balance
from backfuture_engine.core.ruling import Ruling, Subject, Terms, buy_terms, failing, refuse, rule
from backfuture_engine.core.zones import Zone, add_on_cost, zone_at


class _Plan(NamedTuple):
    """The add-on that this price would bring. The average is tested at the worst price the order may pay."""

    zone: Zone | None
    quote: Decimal
    terms: Terms | None
    average_before: Decimal
    average_after: Decimal
    worse: bool

    @property
    def improvement(self) -> Decimal:
        return improvement_percent(self.average_before, self.average_after)


@exact
def judge_add_on(state: BotState, group: Group, price: PriceObserved, ctx: Context) -> Ruling:
    """Rule ADD_ON with the order's terms and zone, or BLOCK or WAIT with every reason. The group has bought before."""
    plan = _plan(group, price, ctx.instrument)
    subject = Subject(state, group.symbol, group.group_id, ctx.now_ms)
    others, cap = bound(state, without=group), group_cap(state.spec)
    reasons = failing(
        (
            *_connection_checks(state, group, price, ctx),
            *_price_checks(group, plan, price, ctx),
            ("ADDON_LIMIT", group.add_ons_done >= group.strategy.max_add_ons),
            ("MARGIN_BOT", others + group.bought_cost + plan.quote > state.spec.margin_limit_quote),
            ("MARGIN_GROUP", group.bought_cost + plan.quote > cap),
            *_size_checks(plan, ctx),
        )
    )
    numbers: dict[str, Decimal | int | None] = {
        "bid": price.bid,
        "ask": price.ask,
        "age_ms": price.age_ms,
        "zone": plan.zone.number if plan.zone else 0,
        "average": plan.average_before,
        "average_after": plan.average_after,
        "improvement_percent": plan.improvement,
        "last_fill": group.last_fill_price,
        "used": group.bought_cost,
        "quote": plan.quote,
        "group_cap": cap,
        "margin_limit": state.spec.margin_limit_quote,
        "quote_free": ctx.quote_free,
        "amount": plan.terms.amount if plan.terms else None,
        "limit": plan.terms.limit_price if plan.terms else None,
    }
    if reasons:
        return refuse(subject, reasons, numbers)
    return rule(subject, "ADD_ON", (), numbers, terms=plan.terms, zone=plan.zone.number if plan.zone else 0)


def _plan(group: Group, price: PriceObserved, instrument: Instrument | None) -> _Plan:
    if group.average is None or group.anchor is None:
        raise ValueError("a group that has bought nothing adds nothing on")
    strategy = group.strategy
    zone = zone_at(strategy, group.anchor, price.ask)
    next_number = min(group.add_ons_done + 1, max(strategy.max_add_ons, 1))
    quote = zone.quote if zone else add_on_cost(strategy, next_number)
    terms = buy_terms(price.ask, quote, strategy.slippage_percent, instrument) if instrument else None
    worst = max(terms.limit_price, price.ask) if terms else price.ask
    after = average_after(group.bought_cost, group.bought_amount, quote, worst)
    return _Plan(zone, quote, terms, group.average, after, worsens(group.average, worst))


def _connection_checks(
    state: BotState, group: Group, price: PriceObserved, ctx: Context
) -> tuple[tuple[ReasonCode, bool], ...]:
    return (
        ("BOT_OFF", not state.running),
        ("CONN_OFFLINE", not ctx.connection_online),
        ("CONN_MISMATCH", not ctx.connection_matches or price.exchange != state.spec.exchange),
        ("SYMBOL_UNKNOWN", ctx.instrument is None or not ctx.instrument.active),
        ("PRICE_STALE", price.age_ms > group.strategy.max_price_age_ms),
        ("GROUP_BUSY", group.pending is not None or group.close_requested or ctx.now_ms < group.retry_after_ms),
    )


def _price_checks(group: Group, plan: _Plan, price: PriceObserved, ctx: Context) -> tuple[tuple[ReasonCode, bool], ...]:
    strategy = group.strategy
    gain_too_small = not plan.worse and plan.improvement < strategy.min_improvement_percent
    gap = deviation_percent(group.last_fill_price, price.ask) if group.last_fill_price else strategy.min_gap_percent
    rested_since_ms = ctx.now_ms - (group.last_fill_ms or 0)
    return (
        ("COOLDOWN", rested_since_ms < strategy.add_on_cooldown_ms),
        ("OUT_OF_ZONE", plan.zone is None),
        ("ZONE_USED", plan.zone is not None and plan.zone.number in group.zones_used),
        ("AVG_WORSE", plan.worse),
        ("GAIN_TOO_SMALL", gain_too_small),
        ("TOO_CLOSE", gap < strategy.min_gap_percent),
    )


def _size_checks(plan: _Plan, ctx: Context) -> tuple[tuple[ReasonCode, bool], ...]:
    if ctx.instrument is None or plan.terms is None:
        return ()
    return (
        ("BALANCE", short_of_balance(plan.quote, ctx.instrument, ctx)),
        ("MIN_SIZE", plan.terms.too_small(ctx.instrument) or plan.quote <= ZERO),
    )
