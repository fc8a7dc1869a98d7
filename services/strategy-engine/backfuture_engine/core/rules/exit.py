"""May the group be sold at this price?"""

from decimal import Decimal

from backfuture_common.domain.money import HUNDRED, ZERO, round_up
from backfuture_common.messages.bots import BotState, Group, ReasonCode
from backfuture_common.messages.journal import Context, PriceObserved

from backfuture_engine.core.groups import left_to_sell
from backfuture_engine.core.precision import exact
from backfuture_engine.core.rules.checks import busy_check, connection_checks
from backfuture_engine.core.ruling import Ruling, Subject, Terms, failing, refuse, rule, sell_terms


@exact
def judge_exit(state: BotState, group: Group, price: PriceObserved, ctx: Context) -> Ruling | None:
    """Rule EXIT with the order's terms (no terms: what is left is too little to sell), or WAIT or BLOCK.

    None when there is no cause to sell: nobody asked, and the bid has not reached the target. Neither a stopped bot nor
    an old price keeps a group from being sold: the limit bounds what can go wrong.
    """
    cause, limit = _cause(group, price, ctx)
    if cause is None:
        return None
    subject = Subject(state, group.symbol, group.group_id, ctx.now_ms)
    instrument = ctx.instrument
    terms = sell_terms(left_to_sell(group), limit, instrument) if instrument else Terms(ZERO, limit)
    numbers: dict[str, Decimal | int | None] = {
        "bid": price.bid,
        "ask": price.ask,
        "age_ms": price.age_ms,
        "average": group.average,
        "break_even": group.break_even,
        "target": group.target,
        "left": left_to_sell(group),
        "amount": terms.amount,
        "limit": terms.limit_price,
    }
    reasons = failing(
        (
            *connection_checks(ctx, foreign=price.exchange != state.spec.exchange),
            ("SYMBOL_UNKNOWN", instrument is None),
            busy_check(group, "sell", ctx.now_ms),
        )
    )
    if reasons:
        return refuse(subject, reasons, numbers)
    if instrument is None or terms.too_small(instrument):
        return rule(subject, "EXIT", (cause, "DUST"), numbers)
    return rule(subject, "EXIT", (cause,), numbers, terms=terms)


def _cause(group: Group, price: PriceObserved, ctx: Context) -> tuple[ReasonCode | None, Decimal]:
    """Return why to sell now, and the lowest price to sell at."""
    if group.close_requested and group.average is not None:
        return "MANUAL", price.bid * (HUNDRED - group.strategy.slippage_percent) / HUNDRED
    if group.target is None:
        return None, ZERO
    limit = round_up(group.target, ctx.instrument.price_step) if ctx.instrument else group.target
    return ("TAKE_PROFIT" if price.bid >= limit else None), limit
