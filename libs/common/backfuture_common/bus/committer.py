# mypy: untyped-calls-exclude=aiokafka
"""Writes records of several topics as one: all of them become visible, or none."""

import asyncio
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Literal, Self

from backfuture_common.bus import profiles
from backfuture_common.bus.failures import fatal_on_failure, stop_quietly
from backfuture_common.bus.records import Outgoing, wire_key, wire_value
from backfuture_common.bus.settings import KafkaSettings
from backfuture_common.errors import Fatal
from backfuture_common.runtime import metrics

_START_S = 30.0
_COMMIT_S = 5.0
"""Below the transaction timeout: we give up before the broker does."""
_EPOCH_BITS = 16


class Committer:
    """The only owner of a transactional id, until another one enters.

    Entering fences every older holder and ends its open transaction: from then on nothing of it can appear. ``epoch``
    grows with each holder of the id. One commit at a time. Any error or missed deadline raises :class:`Fatal`, and the
    committer is broken for good: it is never aborted, retried or reused. Whether a failed commit took effect is found
    out by the next owner, who reads what is there.
    """

    def __init__(self, kafka: KafkaSettings, transactional_id: str, *, deadline_s: float = _COMMIT_S) -> None:
        self._id = transactional_id
        self._deadline_s = deadline_s
        self._producer = profiles.producer(kafka, transactional_id)
        self._state: Literal["idle", "committing", "broken"] = "idle"
        self.epoch = -1

    async def __aenter__(self) -> Self:
        try:
            async with fatal_on_failure(f"taking over {self._id}", _START_S):
                await self._producer.start()  # returns when the broker has given id and epoch
        except BaseException:
            await stop_quietly("transactional producer", self._producer.stop, self._producer.client.close)
            raise
        state = self._producer._txn_manager  # noqa: SLF001  (the client has no public way to tell the epoch)
        # a worn-out epoch starts again at 0 under a higher producer id: together they only grow
        self.epoch = (state.producer_id << _EPOCH_BITS) | state.producer_epoch
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await stop_quietly("transactional producer", self._producer.stop, self._producer.client.close)

    async def commit(self, records: Sequence[Outgoing]) -> None:
        """Write all records in one transaction; returns when it is decided. No records: nothing to do."""
        if not records:
            return
        if self._state != "idle":
            raise Fatal("kafka.committer_unusable", f"{self._id} is {self._state}")
        self._state = "committing"
        started_s = time.monotonic()
        try:
            async with fatal_on_failure(f"committing as {self._id}", self._deadline_s):
                await self._commit(records)
        except BaseException:
            self._state = "broken"
            raise
        self._state = "idle"
        metrics.KAFKA_COMMIT.observe(time.monotonic() - started_s)
        for record in records:
            metrics.KAFKA_PUBLISHED.labels(topic=record.topic.name).inc()

    async def _commit(self, records: Sequence[Outgoing]) -> None:
        await self._producer.begin_transaction()
        futures: list[asyncio.Future[object]] = []
        try:
            for record in records:
                futures.append(await self._send(record))  # noqa: PERF401  (those already sent matter when one fails)
            # the client's commit only waits for batches, it does not look whether they failed
            await asyncio.gather(*futures)
        except BaseException:
            for future in futures:
                future.cancel()
            raise
        await self._producer.commit_transaction()

    async def _send(self, record: Outgoing) -> asyncio.Future[object]:
        sent: asyncio.Future[object] = await self._producer.send(
            record.topic.name, wire_value(record), key=wire_key(record), partition=record.partition
        )
        return sent
