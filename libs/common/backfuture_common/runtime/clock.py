"""Time, asked for and never assumed: whoever needs it is given a clock."""

import time


class Clock:
    """The machine's clock. Wall time for records and users, monotonic time for durations and deadlines."""

    def now_ms(self) -> int:
        """Return milliseconds since 1970, UTC."""
        return time.time_ns() // 1_000_000

    def monotonic_s(self) -> float:
        """Return seconds that never go backwards, from an arbitrary start."""
        return time.monotonic()


class ManualClock(Clock):
    """A clock that stands until it is moved: for tests and replay."""

    def __init__(self, now_ms: int = 1_700_000_000_000) -> None:
        self._now_ms = now_ms
        self._monotonic_s = 0.0

    def now_ms(self) -> int:
        return self._now_ms

    def monotonic_s(self) -> float:
        return self._monotonic_s

    def advance(self, seconds: float) -> None:
        """Move both times forward."""
        self._now_ms += round(seconds * 1000)
        self._monotonic_s += seconds
