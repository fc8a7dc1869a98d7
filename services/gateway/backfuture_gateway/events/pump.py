"""Turns noted changes into events: looks each changed thing up once and tells its owner how it is now."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from backfuture_common.messages.market import Tick, market_key
from backfuture_common.runtime.clock import Clock
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from backfuture_gateway.db.engine import Database
from backfuture_gateway.events.changes import Change, Changes, Kind
from backfuture_gateway.events.stream import Broadcaster
from backfuture_gateway.http.errors import Unavailable
from backfuture_gateway.market.service import price_out

Presenter = Callable[[AsyncSession, list[str]], Awaitable[Sequence[tuple[str, BaseModel]]]]
"""Looks things of one kind up by id; returns owner and look of each."""

_GATHER_S = 0.1


def price_teller(broadcaster: Broadcaster, clock: Clock) -> Callable[[Sequence[Tick]], None]:
    """Return what tells everybody new prices."""

    def tell(ticks: Sequence[Tick]) -> None:
        now_ms = clock.now_ms()
        for tick in ticks:
            broadcaster.publish_price(market_key(tick.exchange, tick.symbol), price_out(tick, now_ms).model_dump_json())

    return tell


class Pump:
    """Runs as a task of its own; ends all streams when it ends."""

    def __init__(
        self,
        *,
        db: Database,
        changes: Changes,
        broadcaster: Broadcaster,
        presenters: dict[Kind, Presenter],
    ) -> None:
        self._db = db
        self._changes = changes
        self._broadcaster = broadcaster
        self._presenters = presenters

    async def run(self) -> None:
        try:
            while True:
                changes = await self._changes.next()
                if changes is None:
                    self._broadcaster.publish(None, "reset", "{}")
                else:
                    await self._tell(changes)
                await asyncio.sleep(_GATHER_S)  # what changes again meanwhile is told once
        finally:
            self._broadcaster.close()

    async def _tell(self, changes: Sequence[Change]) -> None:
        by_kind: dict[Kind, list[str]] = {}
        for change in changes:
            by_kind.setdefault(change.kind, []).append(change.id)
        try:
            async with self._db.read() as session:
                found = [
                    (kind, await self._presenters[kind](session, ids[at : at + 500]))
                    for kind, ids in by_kind.items()
                    for at in range(0, len(ids), 500)
                ]
        except Unavailable:
            self._broadcaster.publish(None, "reset", "{}")
            return
        for kind, looks in found:
            for owner, look in looks:
                self._broadcaster.publish(owner, kind, look.model_dump_json())
