"""Where the time comes from, so that tests can turn it."""

import time
from typing import Protocol


class Clock(Protocol):
    def now_ms(self) -> int:
        """Return the time of day, UTC."""

    def monotonic_s(self) -> float:
        """Return a time that never goes back, for deadlines."""


class SystemClock:
    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def monotonic_s(self) -> float:
        return time.monotonic()
