"""The arithmetic of a ladder of buys: zones, sizes, average, break-even, target.

Percentages are in percent, prices and costs in quote, amounts in base. Everything is exact but division, which has the
platform's precision. Nothing here is rounded to an instrument's steps, except in :func:`planned_steps`.
"""

from dataclasses import dataclass
from decimal import Decimal, localcontext

from backfuture_common.domain.money import HUNDRED, MONEY_CONTEXT, ONE, ZERO, divide, round_down, round_up

OUTSIDE = -1
"""The zone number of a price below the last zone."""


def zone_starts(step_percent: Decimal, step_scale: Decimal, add_ons: int) -> tuple[Decimal, ...]:
    """Return how far below the anchor zones 1..n begin, and last where zone n ends: ``add_ons`` + 1 percentages."""
    with localcontext(MONEY_CONTEXT):
        starts: list[Decimal] = []
        depth, step = ZERO, step_percent
        for _ in range(add_ons + 1):
            depth += step
            starts.append(depth)
            step *= step_scale
    return tuple(starts)


def zone_of(deviation: Decimal, starts: tuple[Decimal, ...]) -> int:
    """Return the zone (1..n) that a deviation from the anchor falls in; 0 above the first, OUTSIDE below the last."""
    passed = sum(1 for start in starts if deviation >= start)
    return OUTSIDE if passed == len(starts) else passed


def price_below(anchor: Decimal, percent: Decimal) -> Decimal:
    """Return the price ``percent`` below ``anchor``."""
    with localcontext(MONEY_CONTEXT):
        return anchor * (HUNDRED - percent) / HUNDRED


def price_above(price: Decimal, percent: Decimal) -> Decimal:
    """Return the price ``percent`` above ``price``; of a break-even and a take-profit, this is the target."""
    with localcontext(MONEY_CONTEXT):
        return price * (HUNDRED + percent) / HUNDRED


def percent_below(reference: Decimal, price: Decimal) -> Decimal:
    """Return by how many percent ``price`` lies below ``reference`` (negative: above).

    Of the anchor this is the deviation, of the average the drawdown, of an old average the improvement.
    """
    with localcontext(MONEY_CONTEXT):
        return divide((reference - price) * HUNDRED, reference)


def add_on_quote(first_quote: Decimal, volume_scale: Decimal, number: int) -> Decimal:
    """Return the cost of the ``number``-th add-on (counted from 1)."""
    with localcontext(MONEY_CONTEXT):
        return first_quote * volume_scale ** (number - 1)


def full_ladder_quote(base_quote: Decimal, first_add_on: Decimal, volume_scale: Decimal, add_ons: int) -> Decimal:
    """Return what the entry and all add-ons cost together, fees apart."""
    with localcontext(MONEY_CONTEXT):
        return base_quote + sum((add_on_quote(first_add_on, volume_scale, k) for k in range(1, add_ons + 1)), ZERO)


def break_even(cost: Decimal, fees_quote: Decimal, net_amount: Decimal, exit_fee: Decimal) -> Decimal:
    """Return the price at which selling ``net_amount`` pays back the cost and all fees.

    ``cost`` and ``fees_quote`` are what was paid in quote, ``net_amount`` (> 0) is what is left to sell after fees
    taken in base, ``exit_fee`` (a ratio below 1) is taken from the proceeds.
    """
    with localcontext(MONEY_CONTEXT):
        return divide(cost + fees_quote, net_amount * (ONE - exit_fee))


@dataclass(frozen=True, slots=True, kw_only=True)
class LadderPlan:
    """What a ladder is made of: a strategy's numbers and the market's rules. ``taker_fee`` is a ratio, in base."""

    base_quote: Decimal
    first_add_on_quote: Decimal
    add_ons: int
    step_percent: Decimal
    step_scale: Decimal
    volume_scale: Decimal
    take_profit_percent: Decimal
    taker_fee: Decimal
    price_step: Decimal
    amount_step: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class LadderStep:
    """One step of a planned ladder; 0 is the entry. Sums and prices after it hold when it and all before it filled.

    ``drawdown_percent`` is how far the price is below the average in the moment before the step fills.
    """

    number: int
    deviation_percent: Decimal
    price: Decimal
    quote: Decimal
    amount: Decimal
    total_quote: Decimal
    total_amount: Decimal
    average: Decimal
    break_even: Decimal
    target: Decimal
    drawdown_percent: Decimal


def planned_steps(plan: LadderPlan, price: Decimal) -> tuple[LadderStep, ...]:
    """Return the entry at ``price`` and every add-on at the start of its zone, rounded as the market demands.

    Ends before a step whose price or amount rounds to nothing.
    """
    steps: list[LadderStep] = []
    depths = (ZERO, *zone_starts(plan.step_percent, plan.step_scale, plan.add_ons)[: plan.add_ons])
    for depth in depths:
        step = _next_step(plan, steps[-1] if steps else None, depth, price)
        if step is None:
            break
        steps.append(step)
    return tuple(steps)


def _next_step(plan: LadderPlan, last: LadderStep | None, depth: Decimal, entry_price: Decimal) -> LadderStep | None:
    number = last.number + 1 if last else 0
    wanted = add_on_quote(plan.first_add_on_quote, plan.volume_scale, number) if last else plan.base_quote
    price = round_down(max(price_below(entry_price, depth), ZERO), plan.price_step)
    amount = round_down(divide(wanted, price), plan.amount_step) if price else ZERO
    if not amount:
        return None
    with localcontext(MONEY_CONTEXT):
        quote = amount * price
        cost = quote + (last.total_quote if last else ZERO)
        held = amount + (last.total_amount if last else ZERO)
        even = break_even(cost, ZERO, held * (ONE - plan.taker_fee), plan.taker_fee)
        return LadderStep(
            number=number,
            deviation_percent=depth,
            price=price,
            quote=quote,
            amount=amount,
            total_quote=cost,
            total_amount=held,
            average=divide(cost, held),
            break_even=even,
            target=round_up(price_above(even, plan.take_profit_percent), plan.price_step),
            drawdown_percent=percent_below(last.average, price) if last else ZERO,
        )
