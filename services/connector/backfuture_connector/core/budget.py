"""How many requests a venue takes: token buckets in whole numbers, with a reserve for what matters more.

Cancels may use the last token, orders nearly, queries less, polls leave a third: a queue of polls never delays a
cancel by more than one request.
"""

from dataclasses import dataclass
from enum import IntEnum


class Priority(IntEnum):
    """Who goes first. Lower is more urgent."""

    CANCEL = 0
    ORDER = 1
    QUERY = 2
    POLL = 3


_RESERVE_PERCENT = {Priority.CANCEL: 0, Priority.ORDER: 5, Priority.QUERY: 15, Priority.POLL: 33}

UNIT = 1_000
"""Parts of one token: costs below one are real (a venue's weight of 0.2)."""


@dataclass(frozen=True, slots=True)
class Limit:
    """``capacity`` tokens at once, ``per_s`` new ones each second."""

    capacity: int
    per_s: int


class Bucket:
    """One budget: an address's, or an account's. Times are milliseconds from any fixed start."""

    def __init__(self, limit: Limit, now_ms: int) -> None:
        self._limit = limit
        self._parts = limit.capacity * UNIT
        self._at_ms = now_ms
        self._blocked_until_ms = 0

    def wait_ms(self, cost_parts: int, priority: Priority, now_ms: int) -> int:
        """Return 0 when the cost may be taken now, else the milliseconds to wait before asking again."""
        self._refill(now_ms)
        if now_ms < self._blocked_until_ms:
            return self._blocked_until_ms - now_ms
        reserve = self._limit.capacity * UNIT * _RESERVE_PERCENT[priority] // 100
        # a cost above what the reserve leaves could never be met: then a full bucket is enough
        needed = min(cost_parts + reserve, self._limit.capacity * UNIT)
        missing = needed - self._parts
        if missing <= 0:
            return 0
        return max(1, -(-missing // self._limit.per_s))

    def take(self, cost_parts: int, now_ms: int) -> None:
        """Take the cost (may overdraw: the debt is waited for by those who come next)."""
        self._refill(now_ms)
        self._parts -= cost_parts

    def block(self, until_ms: int) -> None:
        """Take nothing before ``until_ms``: the venue said so."""
        self._blocked_until_ms = max(self._blocked_until_ms, until_ms)
        self._parts = min(self._parts, 0)

    def left(self, now_ms: int) -> float:  # arch: float - a ratio for a gauge, not money
        """Return what is left of the capacity, 0 to 1; nothing while the venue wants silence."""
        self._refill(now_ms)
        if now_ms < self._blocked_until_ms:
            return 0
        return max(0, self._parts) / (self._limit.capacity * UNIT)

    def _refill(self, now_ms: int) -> None:
        elapsed_ms = max(0, now_ms - self._at_ms)
        gained = elapsed_ms * self._limit.per_s  # per_s tokens a second are per_s parts a millisecond
        self._parts = min(self._limit.capacity * UNIT, self._parts + gained)
        self._at_ms = max(self._at_ms, now_ms)
