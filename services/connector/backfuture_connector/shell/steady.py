"""Has somebody set this machine's clock? Signatures carry wall time, so a session is only as good as its last look."""

from backfuture_common.runtime.clock import Clock

MAX_MOVE_MS = 400
"""Less is the clock's own correction. What signatures may be off by is part of the rules' grace period."""


class ClockWatch:
    """Compares wall time with monotonic time, which nobody can set."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._base_ms = self._now_base_ms()

    def note(self) -> None:
        """Take the clock as it is now for right: the exchange's clock is about to be compared with it."""
        self._base_ms = self._now_base_ms()

    @property
    def moved(self) -> bool:
        """Whether the clock was set since :meth:`note`."""
        return abs(self._now_base_ms() - self._base_ms) > MAX_MOVE_MS

    def _now_base_ms(self) -> int:
        return self._clock.now_ms() - round(self._clock.monotonic_s() * 1000)
