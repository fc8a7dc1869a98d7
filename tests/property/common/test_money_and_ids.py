"""Money is rounded to the instrument's steps and nothing else; ids are the same after any restart."""

import re
from decimal import Decimal

import pytest
from backfuture_common.domain.ids import (
    ID_PATTERN,
    BotId,
    GroupId,
    client_order_id,
    decision_id,
    group_id,
    new_id,
)
from backfuture_common.domain.money import divide, parse_decimal, plain, round_down, round_up
from hypothesis import assume, given
from hypothesis import strategies as st

amounts = st.decimals(min_value=0, max_value=Decimal("1e12"), allow_nan=False, allow_infinity=False, places=12)
steps = st.one_of(
    st.integers(-12, 3).map(lambda exponent: Decimal(1).scaleb(exponent)),
    st.sampled_from([Decimal("0.5"), Decimal("0.25"), Decimal("0.0002"), Decimal(5)]),
)
ids = st.text("abcdefghijklmnopqrstuvwxyz0123456789_-", min_size=1, max_size=40)


@given(amounts, steps)
def test_rounding_down_gives_the_largest_multiple_that_is_not_above(value: Decimal, step: Decimal) -> None:
    rounded = round_down(value, step)
    assert rounded <= value < rounded + step
    assert rounded % step == 0


@given(amounts, steps)
def test_rounding_up_gives_the_smallest_multiple_that_is_not_below(value: Decimal, step: Decimal) -> None:
    rounded = round_up(value, step)
    assert rounded - step < value <= rounded
    assert rounded % step == 0


@given(amounts, steps)
def test_a_rounded_value_stays_as_it_is(value: Decimal, step: Decimal) -> None:
    rounded = round_down(value, step)
    assert round_down(rounded, step) == round_up(rounded, step) == rounded


@given(amounts, st.sampled_from([Decimal(0), Decimal(-1)]))
def test_a_step_is_positive(value: Decimal, step: Decimal) -> None:
    with pytest.raises(ValueError, match="positive"):
        round_down(value, step)


@given(amounts)
def test_written_money_is_read_as_the_same_money_without_exponent(value: Decimal) -> None:
    text = plain(value)
    assert parse_decimal(text) == value
    assert re.fullmatch(r"\d+(\.\d*[1-9])?", text)


@given(st.one_of(st.sampled_from(["NaN", "Infinity", "-inf", "sNaN", "", "1,5", "ten", "0x10"]), st.text("abc ,x")))
def test_what_is_not_a_finite_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="number"):
        parse_decimal(text)


@given(amounts, amounts)
def test_division_does_not_depend_on_who_divides(numerator: Decimal, denominator: Decimal) -> None:
    assume(denominator != 0)
    quotient = divide(numerator, denominator)
    assert abs(quotient * denominator - numerator) <= numerator * Decimal("1e-25")


@given(ids, ids, st.sampled_from(["entry", "add_on", "exit"]), st.integers(0, 10**6))
def test_a_client_order_id_fits_every_venue_and_is_the_same_each_time(
    bot: str, group: str, leg: str, attempt: int
) -> None:
    made = client_order_id(BotId(bot), GroupId(group), leg, attempt)
    assert re.fullmatch(r"b[a-z2-7]{26}", made)
    assert len(made) <= 28
    assert made == client_order_id(BotId(bot), GroupId(group), leg, attempt)


causes = st.tuples(ids, ids, st.sampled_from(["entry", "add_on", "exit"]), st.integers(0, 99))


@given(causes, causes)
def test_another_cause_has_another_client_order_id(
    one: tuple[str, str, str, int], two: tuple[str, str, str, int]
) -> None:
    assume(one != two)
    first, second = (client_order_id(BotId(bot), GroupId(group), leg, n) for bot, group, leg, n in (one, two))
    assert first != second


def test_the_client_order_id_of_a_known_cause_never_changes() -> None:
    """Orders on the exchange carry these ids: another formula would send them twice after an update."""
    assert client_order_id(BotId("bot_a"), GroupId("bot_a-g1"), "entry", 1) == "bkchjjo3rl63msz5iq237fbbczu"


def test_numbered_ids_follow_from_their_cause() -> None:
    assert group_id(BotId("bot_a"), 3) == "bot_a-g3"
    assert decision_id(BotId("bot_a"), 12) == "bot_a-d12"


def test_new_ids_are_unique_and_may_be_part_of_a_path() -> None:
    made = {new_id("bot") for _ in range(2_000)}
    assert len(made) == 2_000
    assert all(ID_PATTERN.match(one) for one in made)
