"""Rate limits: so much weight per subject and window."""

import msgspec


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a call may go on, what is left in this window, and when the next begins."""

    allowed: bool
    limit: int
    remaining: int
    reset_ms: int


class WindowLimit:
    """``capacity`` of weight per subject in each fixed window. Refused calls cost nothing."""

    def __init__(self, capacity: int, window_ms: int) -> None:
        self.capacity = capacity
        self.window_ms = window_ms
        self._window = -1
        self._used: dict[str, int] = {}

    def charge(self, subject: str, weight: int, now_ms: int) -> Verdict:
        window, passed_ms = divmod(now_ms, self.window_ms)
        if window != self._window:
            self._window, self._used = window, {}
        used = self._used.get(subject, 0)
        allowed = used + weight <= self.capacity
        if allowed:
            self._used[subject] = used = used + weight
        return Verdict(
            allowed=allowed,
            limit=self.capacity,
            remaining=self.capacity - used,
            reset_ms=self.window_ms - passed_ms,
        )
