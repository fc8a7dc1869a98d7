"""Where a price is reached first, and what it is in between."""

import numpy as np
import pytest
from backfuture_engine.backtest import tape as module
from backfuture_engine.backtest.tape import Spot

from tests.unit.backtest.build import MINUTE_MS, tape
from tests.unit.engine.build import START_MS, D


def test_a_jumping_price_is_met_where_it_lands() -> None:
    prices = tape([100, 99, 90, 101])
    found = prices.crossing(Spot(START_MS, 100, 100, 1), 95, None)
    assert found is not None
    assert found.direction == "buy"
    assert found.spot == Spot(START_MS + 2 * MINUTE_MS, 90, 90, 3)


def test_a_steady_price_is_met_at_the_level_itself() -> None:
    candle = tape([100, 90, 110, 105], points=4)
    down = candle.crossing(Spot(START_MS, 100, 100, 1), 95, 108)
    assert down is not None
    assert down.spot == Spot(START_MS + MINUTE_MS // 2, 95, 95, 1)
    up = candle.crossing(down.spot, 80, 108)
    assert up is not None
    assert (up.direction, up.spot.bid, up.spot.row) == ("sell", 108, 2)
    assert up.spot.at_ms == START_MS + MINUTE_MS + MINUTE_MS * 18 // 20


def test_a_level_that_holds_already_is_met_at_once() -> None:
    start = Spot(START_MS, 99, 100, 1)
    prices = tape([100, 101], spread=1)
    assert prices.crossing(start, 100, None) == (start, "buy")
    assert prices.crossing(start, None, 99) == (start, "sell")
    assert prices.crossing(start, 99, 200) is None


def test_between_two_candles_the_price_jumps() -> None:
    two = tape([100, 100, 100, 100, 90, 90, 90, 90], points=4)
    found = two.crossing(Spot(START_MS, 100, 100, 1), 95, None)
    assert found is not None
    assert (found.spot.ask, found.spot.row) == (90, 5)


def test_the_price_at_a_time_is_the_last_one_or_on_the_way() -> None:
    jumps, steady = tape([100, 90]), tape([100, 90, 80, 70], points=4)
    half = START_MS + MINUTE_MS // 2
    assert jumps.spot(half) == Spot(half, 100, 100, 1)
    assert steady.spot(half) == Spot(half, 95, 95, 1)
    assert jumps.spot(START_MS - 5) == Spot(START_MS, 100, 100, 1)
    assert jumps.spot(START_MS + MINUTE_MS + 1) is None


def test_a_price_is_forgotten_in_a_gap() -> None:
    gap = tape([100, 90], quiet_ms=1_000)
    assert gap.spot(START_MS + 1_000) == Spot(START_MS + 1_000, 100, 100, 1)
    assert gap.spot(START_MS + 1_001) == Spot(START_MS + MINUTE_MS, 90, 90, 2)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
def test_it_does_not_matter_in_which_pieces_the_search_goes(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    prices = tape(np.random.default_rng(4).integers(60, 140, 500).tolist(), points=4)
    start = Spot(START_MS, 100, 100, 1)
    whole = [prices.crossing(start, low, 140 - low) for low in range(0, 70, 3)]
    monkeypatch.setattr(module, "_FIRST_CHUNK", size)
    monkeypatch.setattr(module, "_LARGEST_CHUNK", size * 2)
    assert [prices.crossing(start, low, 140 - low) for low in range(0, 70, 3)] == whole


def test_levels_are_rounded_to_where_they_count() -> None:
    prices = tape([100])
    assert prices.buy_level(D("1.009")) == 100
    assert prices.sell_level(D("1.001")) == 101
    assert prices.buy_level(D("Infinity")) > 10**18
    assert prices.price(12_345) == D("123.45")
