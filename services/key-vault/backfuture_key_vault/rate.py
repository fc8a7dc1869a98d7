"""How many signatures a connection may have made."""

from collections.abc import Callable


class TokenBucket:
    """``rate_per_s`` on average, ``burst`` at once. ``take`` says whether one more is within it."""

    __slots__ = ("_burst", "_filled_s", "_level", "_now_s", "_rate_per_s")

    def __init__(self, rate_per_s: float, burst: int, now_s: Callable[[], float]) -> None:
        self._rate_per_s = rate_per_s
        self._burst = burst
        self._now_s = now_s
        self._level = float(burst)
        self._filled_s = now_s()

    @property
    def full(self) -> bool:
        """Whether nothing is remembered any more: a new bucket would be the same."""
        self._fill()
        return self._level >= self._burst

    def take(self) -> bool:
        self._fill()
        if self._level < 1:
            return False
        self._level -= 1
        return True

    def _fill(self) -> None:
        now_s = self._now_s()
        self._level = min(self._burst, self._level + (now_s - self._filled_s) * self._rate_per_s)
        self._filled_s = now_s
