"""Whom a price wakes: exactly those whose level it crosses, once."""

from decimal import Decimal

from backfuture_common.domain.ids import BotId
from backfuture_engine.shell.index import Direction, MarketIndex
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.engine.build import D

A, B, C = BotId("a"), BotId("b"), BotId("c")


def armed(*levels: tuple[BotId, Direction, int]) -> MarketIndex:
    index = MarketIndex()
    for bot, direction, level in levels:
        index.arm(bot, direction, D(level))
    return index


def test_a_price_between_all_levels_crosses_nothing() -> None:
    index = armed((A, "buy", 90), (A, "sell", 110), (B, "buy", 80))
    assert not index.crossed(D(91), D(92))
    assert index.take(D(91), D(92), 10) == []


def test_an_ask_at_the_level_wakes_the_buyer_and_a_bid_at_the_level_the_seller() -> None:
    index = armed((A, "buy", 90), (B, "sell", 110))
    assert index.crossed(D(89), D(90))
    assert index.take(D(89), D(90), 10) == [(A, "buy")]
    assert index.take(D(110), D(111), 10) == [(B, "sell")]
    assert not index.crossed(D(1), D(1000))
    assert not index.crossed(D(1), D(1))


def test_the_nearest_level_comes_first_and_the_limit_leaves_the_rest_armed() -> None:
    index = armed((A, "buy", 70), (B, "buy", 90), (C, "buy", 80))
    assert index.take(D(60), D(60), 2) == [(B, "buy"), (C, "buy")]
    assert index.crossed(D(60), D(60))
    assert index.take(D(60), D(60), 2) == [(A, "buy")]


def test_a_moved_level_counts_only_where_it_is_now() -> None:
    index = armed((A, "buy", 90), (A, "buy", 50))
    assert index.take(D(80), D(80), 10) == []
    assert not index.crossed(D(80), D(80))  # known to be further away after the look
    assert index.take(D(50), D(50), 10) == [(A, "buy")]


def test_a_disarmed_bot_sleeps_on() -> None:
    index = armed((A, "buy", 90), (A, "sell", 110))
    index.disarm(A)
    assert index.take(D(200), D(200), 10) == []
    assert index.take(D(1), D(1), 10) == []
    assert len(index) == 0


def test_any_price_is_a_level_too() -> None:
    index = MarketIndex()
    index.arm(A, "buy", Decimal("Infinity"))
    index.arm(B, "sell", Decimal(0))
    assert index.take(D(5), D(6), 10) == [(B, "sell"), (A, "buy")]


def test_levels_that_move_often_do_not_pile_up() -> None:
    index = MarketIndex()
    for level in range(10_000):
        index.arm(A, "buy", D(level))
    assert len(index._buys._heap) < 200
    assert index.take(D(9_999), D(9_999), 10) == [(A, "buy")]


Act = tuple[BotId, Direction, int, bool] | tuple[int, int]
LEVELS = st.tuples(st.sampled_from((A, B, C)), st.sampled_from(("buy", "sell")), st.integers(0, 20), st.booleans())
PRICES = st.tuples(st.integers(0, 20), st.integers(0, 3))


@given(st.lists(st.one_of(LEVELS, PRICES), max_size=60))
def test_it_wakes_whom_a_look_at_everybody_would_wake(
    acts: list[tuple[BotId, Direction, int, bool] | tuple[int, int]],
) -> None:
    index = MarketIndex()
    levels: dict[tuple[BotId, Direction], int] = {}
    for act in acts:
        if len(act) == 4:
            bot, direction, level, drop = act
            if drop:
                index.disarm(bot)
                levels = {key: value for key, value in levels.items() if key[0] != bot}
            else:
                index.arm(bot, direction, D(level))
                levels[bot, direction] = level
            continue
        bid, spread = act
        expected = {
            key
            for key, level in levels.items()
            if (key[1] == "buy" and bid + spread <= level) or (key[1] == "sell" and bid >= level)
        }
        if expected:
            assert index.crossed(D(bid), D(bid + spread))
        assert set(index.take(D(bid), D(bid + spread), 100)) == expected
        levels = {key: level for key, level in levels.items() if key not in expected}
