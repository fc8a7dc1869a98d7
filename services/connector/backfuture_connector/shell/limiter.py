"""The exchange's request budget, shared by everything in this process."""

import asyncio

from backfuture_common.runtime.clock import Clock

from backfuture_connector.core.budget import UNIT, Bucket, Priority
from backfuture_connector.core.facts import Venue
from backfuture_connector.core.failures import VenueError, local_failure
from backfuture_connector.core.limits import ACCOUNT, ADDRESS, PAUSE_MS, PRIVATE_COUNTS_FOR_ADDRESS

_MAX_NAP_MS = 250
"""Waiters look again this often: a pause may be lifted, a more urgent one may have gone first."""


class Limiter:
    """Grants requests by scope (address, account) and urgency. What is not taken is not charged."""

    def __init__(self, venue: Venue, clock: Clock) -> None:
        self._venue = venue
        self._clock = clock
        self._address = Bucket(ADDRESS[venue], self._now_ms())
        self._accounts: dict[str, Bucket] = {}

    async def take(self, cost: float, priority: Priority, account: str | None, *, before_s: float) -> None:
        """Return when ``cost`` tokens are taken; :class:`VenueError` (nothing sent) when that would be after
        ``before_s`` (monotonic)."""
        parts = max(1, round(cost * UNIT))
        buckets = self._buckets(account)
        while True:
            now_ms = self._now_ms()
            wait_ms = max(bucket.wait_ms(parts, priority, now_ms) for bucket in buckets)
            if wait_ms == 0:
                break
            if self._clock.monotonic_s() + wait_ms / 1000 > before_s:
                raise VenueError(local_failure("rate_limited", "OwnBudget"))
            await asyncio.sleep(min(wait_ms, _MAX_NAP_MS) / 1000)
        for bucket in buckets:
            bucket.take(parts, now_ms)

    def pause(self, account: str | None, retry_after_ms: int | None) -> None:
        """Be silent for as long as the venue says, or as long as it usually means."""
        until_ms = self._now_ms() + (PAUSE_MS[self._venue] if retry_after_ms is None else retry_after_ms)
        for bucket in self._buckets(account):
            bucket.block(until_ms)

    def forget(self, account: str) -> None:
        """Drop an account's bucket."""
        self._accounts.pop(account, None)

    def left(self) -> float:
        """Return what is left of the scarcest budget, 0 to 1."""
        now_ms = self._now_ms()
        return min(bucket.left(now_ms) for bucket in (self._address, *self._accounts.values()))

    def _buckets(self, account: str | None) -> list[Bucket]:
        if account is None:
            return [self._address]
        own = self._accounts.get(account)
        if own is None:
            own = self._accounts[account] = Bucket(ACCOUNT[self._venue], self._now_ms())
        return [own, self._address] if PRIVATE_COUNTS_FOR_ADDRESS[self._venue] else [own]

    def _now_ms(self) -> int:
        return round(self._clock.monotonic_s() * 1000)
