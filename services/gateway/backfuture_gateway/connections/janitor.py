"""Finishes what was begun with keys: destroys what is to be destroyed, takes up or clears away what got stuck.

Everything it does is in SQL before it does it, so that a restart goes on where the last process ended.
"""

import asyncio

from backfuture_common.domain.ids import ConnectionId, UserId
from backfuture_common.errors import Unknown
from backfuture_common.runtime.clock import Clock
from backfuture_common.runtime.health import Health
from structlog.stdlib import BoundLogger

from backfuture_gateway.connections import repository
from backfuture_gateway.connections.intake import Intake
from backfuture_gateway.connections.service import ConnectionService
from backfuture_gateway.db.engine import Database
from backfuture_gateway.db.tables import ConnectionRow
from backfuture_gateway.events.changes import Change, Changes
from backfuture_gateway.http.errors import ApiError, Unavailable

PART = "key-store"
_LOOK_EVERY_S = 5.0
_STUCK_AFTER_MS = 45_000
"""Longer than any request that stores a key lives."""
_LONGEST_WAIT_MS = 60_000


class Janitor:
    """Runs as a task of its own, woken by the service and by the projector."""

    def __init__(
        self, *, db: Database, connections: ConnectionService, intake: Intake, changes: Changes, clock: Clock,
        health: Health, log: BoundLogger,
    ) -> None:  # fmt: skip
        self._db = db
        self._connections = connections
        self._intake = intake
        self._changes = changes
        self._clock = clock
        self._health = health
        self._log = log

    async def run(self) -> None:
        self._health.set(PART, ok=True)
        while True:
            try:
                await self.settle_stuck()
                await self.destroy_due()
            except Unavailable as error:
                self._log.warning("janitor.waits", code=error.info.code)
            await self._wait()

    async def settle_stuck(self) -> None:
        """Take up or clear away connections whose request died while it stored the key."""
        async with self._db.read() as session:
            stuck = await repository.stuck_in_storing(session, self._clock.now_ms() - _STUCK_AFTER_MS)
        for row in stuck:
            try:
                found = await self._intake.look(UserId(row.owner_id), ConnectionId(row.id))
            except (ApiError, Unknown) as error:
                self._log.warning("connection.stuck", connection=row.id, code=error.info.code)
                continue
            if found is not None and found.state == "stored":
                await self._connections.keep(row.id, found.version, found.hint)
            else:
                await self._connections.discard(row.id, after_ms=0)
            self._log.info("connection.settled", connection=row.id, kept=found is not None)

    async def destroy_due(self) -> None:
        """Have the vault destroy every key that is due; what fails is tried again, for ever."""
        async with self._db.read() as session:
            due = await repository.due_for_destruction(session, self._clock.now_ms())
        for row in due:
            try:
                await self._intake.destroy(UserId(row.owner_id), ConnectionId(row.id))
            except (ApiError, Unknown) as error:
                await self._postpone(row)
                # the gateway itself is well; that the key store is not is the key store's to say
                self._health.set(PART, ok=True, detail=f"keys wait for their destruction: {error.info.message}")
                self._log.warning("connection.destruction_failed", connection=row.id, code=error.info.code)
            else:
                await self._record(row)
                self._health.set(PART, ok=True)

    async def _record(self, due: ConnectionRow) -> None:
        async with self._db.write() as session:
            row = await session.get(ConnectionRow, due.id)
            if row is None or row.phase != "destroying":
                return
            row.phase = "removed" if row.removing else "destroyed"
            row.updated_ms = self._clock.now_ms()
            self._changes.note(session, Change("connection", row.id))
        self._log.info("connection.key_destroyed", connection=due.id, removed=due.removing)

    async def _postpone(self, due: ConnectionRow) -> None:
        async with self._db.write() as session:
            row = await session.get(ConnectionRow, due.id)
            if row is None or row.phase != "destroying":
                return
            row.destroy_attempts += 1
            wait_ms = min(1_000 * 2 ** min(row.destroy_attempts, 10), _LONGEST_WAIT_MS)
            row.destroy_after_ms = self._clock.now_ms() + wait_ms

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(_LOOK_EVERY_S):
                await self._connections.to_destroy.wait()
        except TimeoutError:
            return
        self._connections.to_destroy.clear()
