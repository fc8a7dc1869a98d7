"""What a check needs of a broker: topics of its own, clients that end, and waiting for conditions instead of time."""

import asyncio
import os
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.record._crecords import DefaultRecordBatchBuilder

from tests.contract.broker.client import Admin, Consumer, NewTopic, Producer, ProduceRequest
from tests.support.broker import offered_apis

Record = ConsumerRecord[bytes, bytes]

# not a fixed day: a broker removes records that are older than their topic keeps them
HOUR_AGO_MS = int(time.time() * 1000) - 3_600_000
_DEADLINE_S = 30.0


async def until(condition: Callable[[], bool], deadline_s: float = _DEADLINE_S) -> float:
    """Wait for a condition; return how long it took. AssertionError when it does not come."""
    began_s = time.monotonic()
    while not condition():
        assert time.monotonic() - began_s < deadline_s, f"not within {deadline_s} s"
        await asyncio.sleep(0.02)
    return time.monotonic() - began_s


async def becomes(ask: Callable[[], Awaitable[object]], wanted: object, deadline_s: float = _DEADLINE_S) -> None:
    """Ask until the answer is the wanted one: a broker may need a moment after it has said yes."""
    began_s = time.monotonic()
    while (answer := await ask()) != wanted:
        assert time.monotonic() - began_s < deadline_s, f"{answer!r} after {deadline_s} s"
        await asyncio.sleep(0.05)


class Kafka:
    """One broker under test."""

    def __init__(self, bootstrap: str) -> None:
        self.bootstrap = bootstrap
        self.replication = int(os.environ.get("KAFKA_REPLICATION_FACTOR", "1"))
        self.apis = offered_apis(bootstrap)

    @staticmethod
    def name(kind: str = "t") -> str:
        return f"{kind}-{secrets.token_hex(6)}"

    @asynccontextmanager
    async def admin(self) -> AsyncIterator[Any]:
        admin = Admin(bootstrap_servers=self.bootstrap, request_timeout_ms=10_000)
        await admin.start()
        try:
            yield admin
        finally:
            await admin.close()

    async def topic(self, partitions: int = 1, **configs: str) -> str:
        """Create a topic with settings, dots written as underscores, and wait until it has leaders."""
        name = self.name()
        settings = {key.replace("_", "."): value for key, value in configs.items()}
        async with self.admin() as admin:
            answer = await admin.create_topics([NewTopic(name, partitions, self.replication, topic_configs=settings)])
            assert answer.topic_errors[0][1] == 0, answer

            async def leaders() -> int:
                described = await admin.describe_topics([name])
                return sum(part["leader"] >= 0 for part in described[0]["partitions"])

            await becomes(leaders, partitions)
        return name

    @asynccontextmanager
    async def producer(self, **options: Any) -> AsyncIterator[Any]:
        producer = Producer(bootstrap_servers=self.bootstrap, request_timeout_ms=10_000, **options)
        await asyncio.wait_for(producer.start(), 20)
        try:
            yield producer
        finally:
            await asyncio.wait_for(producer.stop(), 20)

    @asynccontextmanager
    async def consumer(self, *topics: str, **options: Any) -> AsyncIterator[Any]:
        settings = {"auto_offset_reset": "earliest", "enable_auto_commit": False, **options}
        consumer = Consumer(*topics, bootstrap_servers=self.bootstrap, **settings)
        await consumer.start()
        try:
            yield consumer
        finally:
            # as a task: with the broker away, stop() may raise the CancelledError of a task of its own
            await asyncio.wait({asyncio.ensure_future(consumer.stop())}, timeout=20)

    async def read(self, topic: str, partitions: int = 1, *, committed: bool = False, start: int = 0) -> list[Record]:
        """Read everything from an offset to the end of every partition, as the end is now."""
        isolation = "read_committed" if committed else "read_uncommitted"
        places = [TopicPartition(topic, index) for index in range(partitions)]
        found: list[Record] = []
        async with self.consumer(isolation_level=isolation, fetch_max_wait_ms=50) as consumer:
            consumer.assign(places)
            ends = await consumer.end_offsets(places)
            for place in places:
                consumer.seek(place, start)
            deadline_s = time.monotonic() + _DEADLINE_S
            while any([await consumer.position(place) < ends[place] for place in places]):
                assert time.monotonic() < deadline_s, "the end was not reached"
                for records in (await consumer.getmany(timeout_ms=50)).values():
                    found.extend(records)
        return found

    async def values(self, topic: str, partitions: int = 1, *, committed: bool = False) -> list[bytes | None]:
        return [record.value for record in await self.read(topic, partitions, committed=committed)]

    async def committed_become(self, topic: str, wanted: list[bytes]) -> None:
        """Wait until a reader of committed records sees exactly these in a topic of one partition."""

        async def committed() -> list[bytes | None]:
            return await self.values(topic, committed=True)

        await becomes(committed, wanted)

    async def fill(self, topic: str, values: Iterable[bytes], partition: int = 0, **options: Any) -> None:
        """Send values to one partition, in order, as fast as they are taken."""
        async with self.producer(**options) as producer:
            await asyncio.gather(*[await producer.send(topic, value, partition=partition) for value in values])


async def produce_raw(producer: Any, topic: str, data: bytes, transactional_id: str | None = None) -> int:
    """Send the bytes of a batch as they are; return the broker's error code."""
    request = ProduceRequest(
        required_acks=-1, timeout=5000, topics=[(topic, [(0, data)])], transactional_id=transactional_id
    )
    node = producer.client.cluster.leader_for_partition(TopicPartition(topic, 0))
    answer = await producer.client.send(node, request)
    code: int = answer.topics[0][1][0][1]
    return code


def raw_batch(
    values: Iterable[bytes], producer: tuple[int, int, int] = (-1, -1, -1), *, transactional: bool = False
) -> bytearray:
    """Build a batch; the producer is (id, epoch, first sequence number)."""
    builder = DefaultRecordBatchBuilder(2, 0, int(transactional), *producer, 16_384)
    for number, value in enumerate(values):
        builder.append(number, HOUR_AGO_MS, None, value, [])
    return bytearray(builder.build())
