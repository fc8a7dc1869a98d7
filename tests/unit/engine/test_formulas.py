"""The prices of a group: by hand, and against each other."""

from decimal import Decimal, getcontext, localcontext

from backfuture_engine.core.formulas import (
    average,
    average_after,
    break_even,
    deviation_percent,
    drawdown_percent,
    improvement_percent,
    price_that_improves,
    target,
    worsens,
)
from backfuture_engine.core.zones import zone_at, zones_below
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.engine.build import D, strategy

COSTS = st.decimals(1, 10_000, places=2)
PRICES = st.decimals(Decimal("0.01"), 100_000, places=2)
PERCENTS = st.decimals(Decimal("0.01"), 20, places=2)


def test_drawdown_is_measured_from_the_average_and_deviation_from_the_anchor() -> None:
    assert drawdown_percent(D("2844.73"), D("2560.257")) == 10
    assert deviation_percent(D(3000), D(2850)) == 5
    assert deviation_percent(D(3000), D(3030)) == -1


def test_selling_at_break_even_pays_back_exactly() -> None:
    even = break_even(D(300), D("0.3"), D("0.0999"), D("0.001"))
    assert abs(even * D("0.0999") * D("0.999") - D("300.3")) < D("1e-20")
    assert abs(target(even, D(1)) - even * D("1.01")) < D("1e-20")


@given(cost=COSTS, at=PRICES, more=COSTS, price=PRICES)
def test_an_add_on_worsens_the_average_exactly_when_it_is_not_below_it(
    cost: Decimal, at: Decimal, more: Decimal, price: Decimal
) -> None:
    amount = cost / at
    before = average(cost, amount)
    after = average_after(cost, amount, more, price)
    if abs(price - before) > D("1e-9"):
        assert worsens(before, price) == (after > before) == (improvement_percent(before, after) < 0)


@given(cost=COSTS, at=PRICES, more=COSTS, wanted=PERCENTS)
def test_the_price_that_improves_improves_by_just_as_much_as_wanted(
    cost: Decimal, at: Decimal, more: Decimal, wanted: Decimal
) -> None:
    amount = cost / at
    price = price_that_improves(cost, amount, more, wanted)
    gained = improvement_percent(average(cost, amount), average_after(cost, amount, more, price))
    assert abs(gained - wanted) < D("1e-20")


@given(price=PRICES)
def test_a_price_lies_in_one_zone_or_in_none(price: Decimal) -> None:
    dca = strategy(step_percent=D(3), step_scale=D("1.2"), max_add_ons=4)
    holding = [zone for zone in zones_below(dca, D(3000)) if zone.bottom < price <= zone.top]
    assert len(holding) <= 1
    assert zone_at(dca, D(3000), price) == (holding[0] if holding else None)


def test_zones_begin_where_the_balanced_preset_says() -> None:
    dca = strategy(step_percent=D(3), step_scale=D("1.2"), max_add_ons=4)
    starts = [(D(100) - zone.top).quantize(D("0.01")) for zone in zones_below(dca, D(100))]
    assert starts == [D(3), D("6.60"), D("10.92"), D("16.10")]


def test_the_callers_decimal_context_does_not_matter() -> None:
    with localcontext() as coarse:
        coarse.prec = 4
        low = break_even(D(300), D("0.3"), D("0.0999"), D("0.001"))
        assert getcontext().prec == 4
    assert low == break_even(D(300), D("0.3"), D("0.0999"), D("0.001"))
