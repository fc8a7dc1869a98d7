"""Forgets what is no longer needed: answered requests, sent commands."""

import asyncio
import contextlib

from backfuture_common.runtime.clock import Clock

from backfuture_gateway.db.engine import Database
from backfuture_gateway.http.errors import Unavailable
from backfuture_gateway.http.idempotency import Requests
from backfuture_gateway.outbox import repository as outbox

_EVERY_S = 3_600.0
_SENT_KEPT_MS = 7 * 24 * 3_600_000


class Housekeeping:
    """Runs as a task of its own, once an hour."""

    def __init__(self, db: Database, requests: Requests, clock: Clock) -> None:
        self._db = db
        self._requests = requests
        self._clock = clock

    async def run(self) -> None:
        while True:
            with contextlib.suppress(Unavailable):  # the database is away: in an hour there is another chance
                await self.tidy()
            await asyncio.sleep(_EVERY_S)

    async def tidy(self) -> None:
        async with self._db.write() as session:
            await self._requests.forget_old(session)
            await outbox.forget_sent(session, self._clock.now_ms() - _SENT_KEPT_MS)
