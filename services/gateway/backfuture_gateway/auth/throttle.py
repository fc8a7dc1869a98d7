"""Slows down guessing: too many failed logins for one name or from one address are refused for a while."""

from collections import OrderedDict, deque

from backfuture_common.runtime.clock import Clock

from backfuture_gateway.http.errors import TooMany

WINDOW_S = 900
MAX_PER_NAME = 10
MAX_PER_ADDRESS = 50
"""Higher, because everybody who uses the dashboard comes from its address."""
_REMEMBERED = 10_000


class LoginThrottle:
    """Counts attempts in a sliding window, in memory, for a bounded number of names and addresses.

    An attempt counts from its begin, so that parallel guesses do not slip through, and is taken back when it succeeds.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._attempts: OrderedDict[str, deque[float]] = OrderedDict()

    def begin(self, name: str, address: str) -> None:
        """Count an attempt; :class:`TooMany` when there were too many already (that one then does not count)."""
        limits = ((f"name:{name}", MAX_PER_NAME), (f"address:{address}", MAX_PER_ADDRESS))
        now_s = self._clock.monotonic_s()
        waits = [self._wait_s(key, limit, now_s) for key, limit in limits]
        if any(waits):
            raise TooMany(
                "auth.throttled",
                "Too many failed logins.",
                "Wait before the next try; see Retry-After.",
                retryable=True,
                retry_after_s=int(max(waits)) + 1,
            )
        for key, _ in limits:
            self._attempts.setdefault(key, deque()).append(now_s)
            self._attempts.move_to_end(key)
        while len(self._attempts) > _REMEMBERED:
            self._attempts.popitem(last=False)

    def succeeded(self, name: str, address: str) -> None:
        """Forget the failures of this name, and this one attempt of the address."""
        self._attempts.pop(f"name:{name}", None)
        if attempts := self._attempts.get(f"address:{address}"):
            attempts.pop()

    def _wait_s(self, key: str, limit: int, now_s: float) -> float:
        attempts = self._attempts.get(key)
        if attempts is None:
            return 0
        while attempts and attempts[0] <= now_s - WINDOW_S:
            attempts.popleft()
        return attempts[0] + WINDOW_S - now_s if len(attempts) >= limit else 0
