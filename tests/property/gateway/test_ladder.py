"""What holds for every ladder."""

from decimal import Decimal, getcontext
from itertools import pairwise

from backfuture_common.domain.ladder import (
    OUTSIDE,
    LadderPlan,
    break_even,
    full_ladder_quote,
    percent_below,
    planned_steps,
    price_below,
    zone_of,
    zone_starts,
)
from hypothesis import given
from hypothesis import strategies as st


def _decimals(low: str, high: str, places: int = 4) -> st.SearchStrategy[Decimal]:
    return st.decimals(Decimal(low), Decimal(high), places=places, allow_nan=False)


steps = _decimals("0.1", "20", 2)
scales = _decimals("0.5", "2", 2)
counts = st.integers(0, 12)
prices = _decimals("0.01", "100000", 4)
plans = st.builds(
    LadderPlan,
    base_quote=_decimals("1", "1000", 2),
    first_add_on_quote=_decimals("1", "1000", 2),
    add_ons=counts,
    step_percent=steps,
    step_scale=scales,
    volume_scale=scales,
    take_profit_percent=_decimals("0.1", "20", 2),
    taker_fee=_decimals("0", "0.01"),
    price_step=st.sampled_from([Decimal("0.0001"), Decimal("0.01"), Decimal("0.05")]),
    amount_step=st.sampled_from([Decimal("0.00000001"), Decimal("0.001"), Decimal(1)]),
)


@given(steps, scales, counts)
def test_zones_begin_one_below_the_other(step: Decimal, scale: Decimal, count: int) -> None:
    starts = zone_starts(step, scale, count)

    assert len(starts) == count + 1
    assert starts[0] == step
    assert all(upper < lower for upper, lower in pairwise(starts))


@given(steps, scales, counts, _decimals("-50", "120"))
def test_every_price_is_in_exactly_one_zone(step: Decimal, scale: Decimal, count: int, deviation: Decimal) -> None:
    starts = zone_starts(step, scale, count)

    zone = zone_of(deviation, starts)

    if zone == OUTSIDE:
        assert deviation >= starts[-1]
    elif zone == 0:
        assert deviation < starts[0]
    else:
        assert starts[zone - 1] <= deviation < starts[zone]


@given(prices, _decimals("0", "99"))
def test_down_and_back_is_the_same_percentage(anchor: Decimal, percent: Decimal) -> None:
    assert abs(percent_below(anchor, price_below(anchor, percent)) - percent) < Decimal("1e-30")


@given(_decimals("1", "1000"), _decimals("1", "1000"), scales, counts)
def test_a_longer_ladder_costs_more(base: Decimal, add_on: Decimal, scale: Decimal, count: int) -> None:
    assert full_ladder_quote(base, add_on, scale, count + 1) > full_ladder_quote(base, add_on, scale, count) >= base


@given(_decimals("1", "100000"), _decimals("0", "10"), _decimals("0.001", "1000"), _decimals("0", "0.01"))
def test_selling_at_break_even_pays_back_everything(
    cost: Decimal, fees: Decimal, amount: Decimal, fee: Decimal
) -> None:
    price = break_even(cost, fees, amount, fee)

    proceeds = amount * price * (1 - fee)

    assert abs(proceeds - cost - fees) < Decimal("1e-18")


@given(plans, prices)
def test_a_planned_ladder_is_consistent(plan: LadderPlan, price: Decimal) -> None:
    ladder = planned_steps(plan, price)

    for before, after in pairwise(ladder):
        assert after.number == before.number + 1
        assert after.price <= before.price
        assert after.total_quote == before.total_quote + after.quote
        assert after.total_amount == before.total_amount + after.amount
        assert after.average <= before.average
        assert after.drawdown_percent >= 0 or after.price > before.average
    for step in ladder:
        assert step.price % plan.price_step == 0
        assert step.amount % plan.amount_step == 0
        assert step.average <= step.break_even <= step.target or step.break_even > step.average
    assert sum((step.quote for step in ladder), Decimal(0)) <= full_ladder_quote(
        plan.base_quote, plan.first_add_on_quote, plan.volume_scale, plan.add_ons
    )


@given(plans, prices)
def test_the_arithmetic_leaves_the_callers_context_alone(plan: LadderPlan, price: Decimal) -> None:
    before = getcontext().prec

    planned_steps(plan, price)

    assert getcontext().prec == before
