"""Takes commands from the outbox to their topics: in order, none lost, none twice, whenever the process is killed.

Each batch is marked as attempted in SQL, committed in one Kafka transaction, and marked as sent. A relay that finds
attempted rows does not know whether they got out. It has fenced its predecessor by taking over the transactional id, so
that nothing more of it can appear; then it reads what is on the topics, and sends only what is missing there.
"""

import asyncio

from backfuture_common.bus import Committer, KafkaSettings, Outgoing, Reader
from backfuture_common.domain.ids import ExchangeId
from backfuture_common.messages.codec import Decoder, encode
from backfuture_common.runtime import metrics
from backfuture_common.runtime.clock import Clock
from backfuture_common.topics import BOT_COMMANDS, Topic, connection_commands
from structlog.stdlib import BoundLogger

from backfuture_gateway.db.engine import Database
from backfuture_gateway.db.tables import OutboxRow
from backfuture_gateway.outbox import repository
from backfuture_gateway.outbox.outbox import Outbox

TRANSACTIONAL_ID = "gateway-outbox"
_BATCH = 100
_LOOK_EVERY_S = 1.0
_READ_BACK_S = 60.0


class Relay:
    """The one sender of the gateway's commands. A second gateway fences the first, which then ends as Fatal."""

    def __init__(self, db: Database, outbox: Outbox, kafka: KafkaSettings, *, clock: Clock, log: BoundLogger) -> None:
        self._db = db
        self._outbox = outbox
        self._kafka = kafka
        self._clock = clock
        self._log = log

    async def run(self) -> None:
        """Send for ever. Raises :class:`Fatal` when the bus fails."""
        async with Committer(self._kafka, TRANSACTIONAL_ID) as committer:
            await self._settle()
            while True:
                sent = await self._send_batch(committer)
                if sent < _BATCH:
                    await self._wait()

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(_LOOK_EVERY_S):
                await self._outbox.filled.wait()
        except TimeoutError:
            return
        self._outbox.filled.clear()

    async def _send_batch(self, committer: Committer) -> int:
        async with self._db.read() as session:
            rows = await repository.take_unsent(session, _BATCH)
            metrics.OUTBOX_PENDING.set(len(rows) if len(rows) < _BATCH else await repository.count_unsent(session))
        if not rows:
            return 0
        ids = [row.id for row in rows]
        async with self._db.write() as session:
            await repository.mark_attempted(session, ids, self._clock.now_ms())
        await committer.commit([_record_of(row) for row in rows])
        async with self._db.write() as session:
            await repository.mark_sent(session, ids, self._clock.now_ms())
        metrics.OUTBOX_PENDING.dec(len(rows))
        return len(rows)

    async def _settle(self) -> None:
        """Find out what became of rows that a predecessor had begun to send."""
        async with self._db.read() as session:
            rows = await repository.attempted(session)
        if not rows:
            return
        there = await self._on_topics({row.exchange for row in rows})
        arrived = [row.id for row in rows if (row.exchange, row.key, row.value) in there]
        missing = [row.id for row in rows if row.id not in set(arrived)]
        async with self._db.write() as session:
            await repository.mark_sent(session, arrived, self._clock.now_ms())
            await repository.mark_attempted(session, missing, None)
        self._log.info("outbox.settled", arrived=len(arrived), missing=len(missing))

    async def _on_topics(self, exchanges: set[str | None]) -> set[tuple[str | None, str, bytes]]:
        topics = {_topic_of(exchange).name: exchange for exchange in exchanges}
        async with Reader(self._kafka, tuple(_topic_of(exchange) for exchange in exchanges)) as reader:
            incoming = await reader.catch_up(_READ_BACK_S)
        return {(topics[r.topic.name], r.key, encode(r.value)) for r in incoming if r.value is not None}


def _topic_of(exchange: str | None) -> Topic:
    return BOT_COMMANDS if exchange is None else connection_commands(ExchangeId(exchange))


def _record_of(row: OutboxRow) -> Outgoing:
    topic = _topic_of(row.exchange)
    return Outgoing(topic=topic, key=row.key, value=Decoder(topic.types).decode(row.value))
