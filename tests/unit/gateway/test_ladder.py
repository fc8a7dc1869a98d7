"""The ladder's arithmetic against figures worked out by hand."""

from decimal import Decimal

import pytest
from backfuture_common.domain.ladder import (
    OUTSIDE,
    LadderPlan,
    add_on_quote,
    break_even,
    full_ladder_quote,
    percent_below,
    planned_steps,
    price_above,
    price_below,
    zone_of,
    zone_starts,
)
from backfuture_common.domain.money import ONE, ZERO
from backfuture_gateway.bots.presets import PRESETS, PresetName

D = Decimal


def _plan(**changed: Decimal | int) -> LadderPlan:
    values: dict[str, Decimal | int] = {
        "base_quote": D(300), "first_add_on_quote": D(300), "add_ons": 3, "step_percent": D(5), "step_scale": D(1),
        "volume_scale": D(1), "take_profit_percent": D(1), "taker_fee": D("0.001"), "price_step": D("0.01"),
        "amount_step": D("0.00000001"),
    }  # fmt: skip
    return LadderPlan(**(values | changed))  # type: ignore[arg-type]  # the table mixes numbers and a count


def _rounded(value: Decimal, places: str = "0.01") -> Decimal:
    return value.quantize(D(places))


@pytest.mark.parametrize(
    ("preset", "starts", "multiple"),
    [
        ("conservative", ["5", "10"], "3.00"),
        ("balanced", ["3", "6.60", "10.92", "16.10"], "6.77"),
        ("aggressive", ["2", "4.60", "7.98", "12.37", "18.09", "25.51"], "21.78"),
    ],
)
def test_the_presets_have_the_zones_and_the_size_they_promise(
    preset: PresetName, starts: list[str], multiple: str
) -> None:
    one = PRESETS[preset]

    zones = zone_starts(one.step_percent, one.step_scale, one.max_add_ons)[:-1]

    assert [_rounded(zone) for zone in zones] == [_rounded(D(start)) for start in starts]
    assert _rounded(full_ladder_quote(ONE, ONE, one.volume_scale, one.max_add_ons)) == D(multiple)


@pytest.mark.parametrize(
    ("price", "zone"),
    [(3000, 0), (2960, 0), (2850, 1), ("2700.01", 1), (2700, 2), (2550, 3), (2400, OUTSIDE), (3100, 0)],
)
def test_a_price_is_in_the_zone_that_begins_at_or_above_it(price: int | str, zone: int) -> None:
    assert zone_of(percent_below(D(3000), D(price)), zone_starts(D(5), ONE, 3)) == zone


def test_two_fills_have_the_average_break_even_and_target_of_the_worked_example() -> None:
    bought = 300 / D(3000) + 300 / D(2850)
    average = 600 / bought

    even = break_even(D(600), D("0.6"), bought, D("0.001"))

    assert _rounded(average) == D("2923.08")
    assert _rounded(even) == D("2928.93")
    assert _rounded(price_above(even, ONE)) == D("2958.22")
    assert _rounded(price_above(even, D("0.3"))) == D("2937.72")


def test_the_margin_example_of_growing_add_ons() -> None:
    assert full_ladder_quote(D(60), D(60), D("1.5"), 2) == D(210)
    assert full_ladder_quote(D(60), D(60), D("1.5"), 3) == D(345)
    assert add_on_quote(D(60), D("1.5"), 3) == D(135)


def test_the_planned_ladder_of_the_worked_example() -> None:
    steps = planned_steps(_plan(), D(3000))

    assert [step.price for step in steps] == [D(3000), D(2850), D(2700), D(2550)]
    assert [_rounded(step.average) for step in steps[:3]] == [D("3000.00"), D("2923.08"), D("2844.73")]
    assert _rounded(steps[2].total_quote) == D(900)
    assert _rounded(steps[2].break_even) == D("2850.43")
    assert steps[2].target == D("2878.94")  # 2878.93…, up to the next price


@pytest.mark.parametrize(
    ("preset", "deepest"), [("conservative", "7.63"), ("balanced", "10.69"), ("aggressive", "15.63")]
)
def test_the_deepest_drawdown_before_the_last_add_on(preset: PresetName, deepest: str) -> None:
    one = PRESETS[preset]
    plan = _plan(
        step_percent=one.step_percent, step_scale=one.step_scale, volume_scale=one.volume_scale, add_ons=one.max_add_ons
    )

    last = planned_steps(plan, D(3000))[-1]

    assert _rounded(last.drawdown_percent) == D(deepest)


def test_a_ladder_that_reaches_below_nothing_ends_before() -> None:
    steps = planned_steps(_plan(step_percent=D(40)), D(3000))

    assert [step.number for step in steps] == [0, 1, 2]


def test_prices_above_and_below_are_percentages_of_the_first() -> None:
    assert price_below(D(3000), D(5)) == D(2850)
    assert price_above(D(3000), D("0.5")) == D(3015)
    assert percent_below(D(3000), D(3300)) == D(-10)
    assert zone_starts(D(5), ONE, 0) == (D(5),)
    assert full_ladder_quote(D(10), D(99), ONE, 0) == D(10)
    assert break_even(D(100), ZERO, D(2), ZERO) == D(50)
