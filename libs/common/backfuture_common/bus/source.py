# mypy: untyped-calls-exclude=aiokafka
"""What readers have in common: decoding, counting, lag, and noticing that the client has gone silent."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable, Iterable

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from backfuture_common.bus.failures import fatal_on_failure, stop_quietly
from backfuture_common.bus.records import Incoming, Poison, TopicDecoder
from backfuture_common.errors import Fatal
from backfuture_common.runtime import metrics
from backfuture_common.topics import Topic

OnPoison = Callable[[Poison], Awaitable[None] | None]
"""Told of each undecodable record, which is then skipped; raises to stop instead."""

START_S = 30.0
QUERY_S = 15.0
_METADATA_S = 3.0
_CHANGE_GRACE_S = 1.0
STALL_S = 30.0
"""A partition that is read from and was not heard of for this long means a broken client, or no broker."""
_LOOK_EVERY_S = 1.0


def refuse_poison(poison: Poison) -> None:
    """Stop at the record: the default, for topics on which only we write."""
    raise Fatal(
        "bus.poison",
        f"record {poison.offset} of {poison.topic.name}/{poison.partition} is undecodable: {poison.reason}",
        "a newer version wrote it, or it is damaged",
    )


class Source:
    """A started consumer, seen from our side. Not for services: they use the readers."""

    def __init__(self, consumer: AIOKafkaConsumer, topics: tuple[Topic, ...], on_poison: OnPoison) -> None:
        self.consumer = consumer
        self.topics = topics
        self._decoder = TopicDecoder(topics)
        self._on_poison = on_poison
        self._watchdog = _Watchdog(consumer)

    async def start(self) -> None:
        """Connect and learn about the topics. Raises the client's errors; Fatal when a topic does not exist."""
        await self.consumer.start()
        for topic in self.topics:
            try:
                async with asyncio.timeout(_METADATA_S):
                    await self.consumer._client._wait_on_metadata(topic.name)  # noqa: SLF001  (no public way)
            except TimeoutError:
                raise Fatal("kafka.topic_missing", f"topic {topic.name} does not exist") from None

    async def stop(self) -> None:
        """Stop the client and drop its connections, also those that a failed stop leaves open."""
        await stop_quietly("consumer", self.consumer.stop, self.consumer._client.close)  # noqa: SLF001

    def partitions(self) -> list[TopicPartition]:
        """Return all partitions of the topics."""
        return [
            TopicPartition(topic.name, number)
            for topic in self.topics
            for number in sorted(self.consumer.partitions_for_topic(topic.name))
        ]

    async def poll(self, timeout_s: float, max_records: int) -> list[Incoming]:
        """Return the next records, in order within each partition; empty when there were none in time."""
        batches = await self._fetch(timeout_s, max_records)
        incoming: list[Incoming] = []
        for partition, batch in batches.items():
            metrics.KAFKA_READ.labels(topic=partition.topic).inc(len(batch))
            for raw in batch:
                record = self._decoder.decode(raw)
                if isinstance(record, Incoming):
                    incoming.append(record)
                else:
                    await self._report(record)
        return incoming

    def watch(self) -> None:
        """To be called after every poll: export the lag, and raise Fatal when the client has gone silent."""
        self._watchdog.look()

    async def _fetch(
        self, timeout_s: float, max_records: int
    ) -> dict[TopicPartition, list[ConsumerRecord[bytes, bytes]]]:
        try:
            # when the group changes under it, the client's call waits for the new assignment, however long that takes;
            # cutting it off loses no record: it takes them out of its buffer only when it returns them
            async with asyncio.timeout(timeout_s + _CHANGE_GRACE_S):
                return await self.consumer.getmany(timeout_ms=round(timeout_s * 1000), max_records=max_records)
        except TimeoutError:
            return {}
        except (KafkaError, AssertionError, ValueError) as error:
            raise Fatal("kafka.failed", f"reading failed: {type(error).__name__} {error}".rstrip()) from error

    async def end_offsets(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """Return where the committed records end now."""
        async with fatal_on_failure("asking for end offsets", QUERY_S):
            found: dict[TopicPartition, int] = await self.consumer.end_offsets(list(partitions))
        return found

    async def beginning_offsets(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """Return the oldest offsets that still exist."""
        async with fatal_on_failure("asking for beginning offsets", QUERY_S):
            found: dict[TopicPartition, int] = await self.consumer.beginning_offsets(list(partitions))
        return found

    def position(self, partition: TopicPartition) -> int:
        """Return the offset of the next record to read, of a partition that has been sought."""
        offset = _position(self.consumer, partition)
        if offset is None:
            raise Fatal("bus.position_unset", f"{partition.topic}/{partition.partition} has no position")
        return offset

    def check_membership(self) -> None:
        """Raise the client's error when joining the group has failed: it only tells when asked."""
        coordinator = self.consumer._coordinator  # noqa: SLF001  (the public calls that look would wait, too)
        if coordinator is not None:
            coordinator.check_errors()

    async def _report(self, poison: Poison) -> None:
        metrics.KAFKA_POISON.labels(topic=poison.topic.name).inc()
        answer = self._on_poison(poison)
        if inspect.isawaitable(answer):
            await answer


class _Watchdog:
    """Sees that partitions are being fetched: after time-outs and rebalances the client can go silent without error.

    Costs no request. A healthy client hears of each partition about twice a second, even when there is nothing new.
    """

    def __init__(self, consumer: AIOKafkaConsumer) -> None:
        self._consumer = consumer
        self._looked_s = time.monotonic()
        self._last_seen: dict[TopicPartition, tuple[tuple[int, int | None], float]] = {}

    def look(self) -> None:
        """Export the lag; raise :class:`Fatal` (``kafka.silent``) when a partition was not heard of for too long."""
        now_s = time.monotonic()
        if now_s - self._looked_s < _LOOK_EVERY_S:
            return
        if now_s - self._looked_s > STALL_S:  # nobody polled: the owner was slow, not the client
            self._last_seen.clear()
        self._looked_s = now_s
        self._see(now_s)
        for partition, (_, since_s) in self._last_seen.items():
            if now_s - since_s > STALL_S:
                where = f"{partition.topic}/{partition.partition}"
                raise Fatal("kafka.silent", f"nothing was heard of {where} for {STALL_S:g} s")

    def _see(self, now_s: float) -> None:
        lag: dict[str, int] = {}
        seen: dict[TopicPartition, tuple[tuple[int, int | None], float]] = {}
        paused = self._consumer.paused()
        for partition in self._consumer.assignment():
            position = _position(self._consumer, partition) or 0
            end = self._consumer.last_stable_offset(partition) or 0
            lag[partition.topic] = lag.get(partition.topic, 0) + max(0, end - position)
            if partition in paused:
                continue
            sign = (position, self._consumer.last_poll_timestamp(partition))
            old = self._last_seen.get(partition)
            seen[partition] = old if old is not None and old[0] == sign else (sign, now_s)
        self._last_seen = seen
        for topic, records in lag.items():
            metrics.KAFKA_READER_LAG.labels(topic=topic).set(records)


def _position(consumer: AIOKafkaConsumer, partition: TopicPartition) -> int | None:
    """Return the position without waiting for it."""
    state = consumer._subscription.subscription.assignment.state_value(partition)  # noqa: SLF001  (position() waits)
    if state is None or not state.has_valid_position:
        return None
    position: int = state.position
    return position
