"""Reads the topics into SQL, each record exactly once: rows and positions change in one transaction."""

import asyncio
from collections.abc import Sequence

from backfuture_common.bus import Incoming, KafkaSettings, Poison, Reader
from backfuture_common.errors import Fatal
from backfuture_common.messages.bots import BotSnapshot
from backfuture_common.messages.connections import AccountBalances, ConnectionState
from backfuture_common.messages.journal import JournalRecord
from backfuture_common.messages.market import Instrument
from backfuture_common.messages.orders import OrderUpdate
from backfuture_common.runtime import metrics
from backfuture_common.runtime.clock import Clock
from backfuture_common.runtime.health import Health
from backfuture_common.topics import (
    ACCOUNT_BALANCES,
    BOT_JOURNAL,
    BOT_STATE,
    CONNECTION_EVENTS,
    MARKET_INSTRUMENTS,
    ORDER_EVENTS,
)
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from structlog.stdlib import BoundLogger

from backfuture_gateway.db.engine import Database
from backfuture_gateway.db.types import upsert
from backfuture_gateway.events.changes import Change, Changes
from backfuture_gateway.http.errors import Unavailable
from backfuture_gateway.read_model.accounts import fold_balances, fold_connection, fold_instruments
from backfuture_gateway.read_model.groups import BotFold
from backfuture_gateway.read_model.tables import PositionRow

TOPICS = (BOT_STATE, BOT_JOURNAL, ORDER_EVENTS, CONNECTION_EVENTS, ACCOUNT_BALANCES, MARKET_INSTRUMENTS)
PART = "read-model"
_BATCH = 500
_RETRY_S = 1.0

Positions = dict[tuple[str, int], int]


class Projector:
    """The one writer of the read model.

    ``refused`` is set after a commit that marked a connection's key for destruction.
    """

    def __init__(
        self, *, db: Database, kafka: KafkaSettings, changes: Changes, refused: asyncio.Event, clock: Clock,
        health: Health, log: BoundLogger,
    ) -> None:  # fmt: skip
        self._db = db
        self._kafka = kafka
        self._changes = changes
        self._refused = refused
        self._clock = clock
        self._health = health
        self._log = log
        self._positions: Positions = {}
        self._skipped = 0

    async def run(self) -> None:
        """Fold for ever. Raises :class:`Fatal` when the bus fails or somebody else moves the positions."""
        self._health.set(PART, ok=False, detail="reading what happened meanwhile")
        async with self._db.read() as session:
            self._positions = await _load(session)
        reading = Reader(self._kafka, TOPICS, dict(self._positions), on_poison=self._skip, skip_lost=True)
        async with reading as reader:
            while True:
                records = await reader.poll(timeout_s=0.5, max_records=_BATCH)
                if records:
                    await self._apply_until_done(records)
                if reader.caught_up:
                    detail = f"{self._skipped} unreadable records were skipped; see the log" if self._skipped else ""
                    self._health.set(PART, ok=True, detail=detail)

    async def _apply_until_done(self, records: Sequence[Incoming]) -> None:
        """Apply a batch; while the database is away, wait. A commit of unknown outcome shows at the next try."""
        while True:
            try:
                await self._apply(records)
            except Unavailable as error:
                self._health.set(PART, ok=False, detail=error.info.message)
                await asyncio.sleep(_RETRY_S)
            else:
                return

    async def _apply(self, records: Sequence[Incoming]) -> None:
        after = self._positions | {(record.topic.name, record.partition): record.offset + 1 for record in records}
        async with self._db.write() as session:
            if await _load(session, lock=True) != self._positions:
                raise Fatal(
                    "read_model.moved",
                    "somebody else has written the read model's positions",
                    "only one gateway may run; after a rebuild a restart is all it takes",
                )
            changes = await fold(session, records)
            await _save(session, after)
            self._changes.note(session, *dict.fromkeys(changes))
        self._positions = after
        if any(isinstance(r.value, ConnectionState) and r.value.status == "refused" for r in records):
            self._refused.set()
        now_ms = self._clock.now_ms()
        for topic, timestamp_ms in {record.topic.name: record.timestamp_ms for record in records}.items():
            metrics.PROJECTION_LAG.labels(topic=topic).set(max(0, now_ms - timestamp_ms) / 1000)

    def _skip(self, poison: Poison) -> None:
        """Go on without a record that nobody can read: showing the rest is better than showing nothing."""
        self._skipped += 1
        self._log.error(
            "read_model.unreadable_record",
            topic=poison.topic.name,
            partition=poison.partition,
            offset=poison.offset,
            reason=poison.reason,
        )


async def fold(session: AsyncSession, records: Sequence[Incoming]) -> list[Change]:
    """Apply records in their order; return what changed."""
    bots = BotFold(session)
    instruments: list[Instrument] = []
    changes: list[Change] = []
    for record in records:
        match record.value:
            case BotSnapshot():
                await bots.snapshot(record.value)
            case JournalRecord():
                await bots.record(record.value)
            case OrderUpdate():
                await bots.order_update(record.value)
            case ConnectionState():
                await fold_connection(session, record.value)
                changes.append(Change("connection", record.value.connection_id))
            case AccountBalances():
                await fold_balances(session, record.value)
            case Instrument():
                instruments.append(record.value)
            case _:
                continue  # tombstones and the engine's own checkpoints
    await fold_instruments(session, instruments)
    return changes + bots.changes


async def _load(session: AsyncSession, *, lock: bool = False) -> Positions:
    query = select(PositionRow)
    found = await session.execute(query.with_for_update() if lock else query)
    return {(row.topic, row.partition): row.next_offset for row in found.scalars()}


async def _save(session: AsyncSession, positions: Positions) -> None:
    rows = [
        {"topic": topic, "partition": partition, "next_offset": offset}
        for (topic, partition), offset in positions.items()
    ]
    await upsert(session, PositionRow, rows, key=("topic", "partition"))
