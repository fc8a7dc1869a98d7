"""A machine's clock that somebody sets: noticed, and no reason to believe that time has passed."""

from backfuture_common.runtime.clock import ManualClock
from backfuture_connector.shell.steady import MAX_MOVE_MS, ClockWatch


class SetClock(ManualClock):
    """A clock that can be set, unlike time."""

    def set_by(self, ms: int) -> None:
        self._now_ms += ms


def test_time_that_passes_is_no_move() -> None:
    clock = SetClock()
    watch = ClockWatch(clock)
    clock.advance(3_600)
    assert not watch.moved


def test_a_clock_that_is_set_is_noticed_until_it_is_compared_anew() -> None:
    clock = SetClock()
    watch = ClockWatch(clock)
    for by_ms in (-5_000, 5_000 - MAX_MOVE_MS - 1):
        watch.note()
        clock.set_by(by_ms)
        assert watch.moved
    watch.note()
    assert not watch.moved


def test_small_corrections_are_the_clocks_own_business() -> None:
    clock = SetClock()
    watch = ClockWatch(clock)
    clock.set_by(MAX_MOVE_MS)
    assert not watch.moved
