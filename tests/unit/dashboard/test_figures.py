"""Numbers as people read them."""

from decimal import Decimal

import pytest
from backfuture_dashboard.figures import MISSING, ago, number, percent_from, price, signed


@pytest.mark.parametrize(
    ("given", "places", "written"),
    [
        ("1234567.891000", None, "1,234,567.891"),
        ("0.00001", None, "0.00001"),
        ("1E-7", None, "0.0000001"),
        ("100", None, "100"),
        ("2.005", 2, "2.00"),
        (None, 2, MISSING),
        ("what", None, MISSING),
    ],
)
def test_an_amount_is_written_exactly_or_rounded_for_the_eye(given: object, places: int | None, written: str) -> None:
    assert number(given, places) == written


def test_a_small_price_keeps_its_digits_and_a_large_one_only_cents() -> None:
    assert price("0.00001234") == "0.00001234"
    assert price("61234.5678") == "61,234.57"


def test_a_result_shows_its_sign_and_nothing_shows_none() -> None:
    assert signed("1.5") == "+1.50"
    assert signed("-1.5") == "−1.50"
    assert signed("0") == "0.00"


def test_a_change_against_nothing_is_no_number() -> None:
    assert percent_from("110", "100") == Decimal(10)
    assert percent_from("110", "0") is None
    assert percent_from(None, "100") is None


@pytest.mark.parametrize(
    ("seconds", "written"), [(5, "5 s"), (61, "1 min"), (7_300, "2 h"), (200_000, "2 d"), (-3, "0 s")]
)
def test_an_age_is_written_in_its_largest_unit(seconds: int, written: str) -> None:
    assert ago(1_000_000, 1_000_000 + seconds * 1000) == written
