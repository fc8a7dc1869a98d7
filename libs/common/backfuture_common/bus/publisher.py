# mypy: untyped-calls-exclude=aiokafka
"""Writes single records, each acknowledged."""

import asyncio
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from backfuture_common.bus import profiles
from backfuture_common.bus.admin import ensure_dead_letters
from backfuture_common.bus.failures import fatal_on_failure, stop_quietly
from backfuture_common.bus.records import Outgoing, Poison, wire_key, wire_value
from backfuture_common.bus.settings import KafkaSettings
from backfuture_common.errors import Fatal
from backfuture_common.runtime import metrics

_START_S = 30.0
_PUBLISH_S = 15.0


class Publisher:
    """An idempotent producer; one per process is enough, tasks may share it.

    After any error it is broken for good (its sequence numbers are not to be trusted) and every further call raises
    :class:`Fatal`: the process is to end.
    """

    def __init__(self, kafka: KafkaSettings, *, deadline_s: float = _PUBLISH_S) -> None:
        self._kafka = kafka
        self._deadline_s = deadline_s
        self._producer = profiles.producer(kafka)
        self._broken = False

    async def __aenter__(self) -> Self:
        try:
            async with fatal_on_failure("starting the producer", _START_S):
                await self._producer.start()
        except BaseException:
            await stop_quietly("producer", self._producer.stop, self._producer.client.close)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await stop_quietly("producer", self._producer.stop, self._producer.client.close)

    async def publish(self, record: Outgoing) -> int:
        """Write one record and return its offset once all in-sync replicas have it."""
        return (await self.publish_all([record]))[0]

    async def publish_all(self, records: Sequence[Outgoing]) -> list[int]:
        """Write the records together (not atomically) and return their offsets; order is kept per partition."""
        sending = [(r.topic.name, wire_key(r), wire_value(r), r.partition, None) for r in records]
        offsets = await self._send(sending)
        for record in records:
            metrics.KAFKA_PUBLISHED.labels(topic=record.topic.name).inc()
        return offsets

    async def bury(self, poison: Poison) -> None:
        """Write a record nobody can read to its topic's dead-letter topic, with where it was and why."""
        name = await ensure_dead_letters(self._kafka, poison.topic)
        headers = [
            ("source", f"{poison.topic.name}/{poison.partition}@{poison.offset}".encode()),
            ("reason", poison.reason.encode()),
        ]
        await self._send([(name, poison.key or b"", poison.value, None, headers)])

    async def _send(
        self, records: "Sequence[tuple[str, bytes, bytes | None, int | None, list[tuple[str, bytes]] | None]]"
    ) -> list[int]:
        if self._broken:
            raise Fatal("kafka.producer_broken", "this producer has failed before")
        try:
            async with fatal_on_failure("publishing", self._deadline_s):
                futures = [
                    await self._producer.send(name, value, key=key, partition=partition, headers=headers)
                    for name, key, value, partition, headers in records
                ]
                return [sent.offset for sent in await asyncio.gather(*futures)]
        except Fatal:
            self._broken = True
            raise
