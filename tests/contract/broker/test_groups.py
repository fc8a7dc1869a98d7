"""Consumer groups with real members: joining, leaving, dying, coming back."""

import asyncio
import contextlib
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from aiokafka import ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import KafkaError

from tests.contract.broker.client import NewTopic, OffsetCommitRequest
from tests.contract.broker.kit import Kafka, until

MEMBER_PROCESS = """
import asyncio, sys, aiokafka
async def main(topic, group, bootstrap):
    consumer = aiokafka.AIOKafkaConsumer(topic, bootstrap_servers=bootstrap, group_id=group,
                                         session_timeout_ms=6000, heartbeat_interval_ms=500)
    await consumer.start()
    while True:
        await consumer.getmany(timeout_ms=100)
        if consumer.assignment():
            print(len(consumer.assignment()), flush=True)
asyncio.run(main(*sys.argv[1:]))
"""


class Listener(ConsumerRebalanceListener):
    """Counts how often partitions were assigned."""

    def __init__(self) -> None:
        self.assignments = 0

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        """Let go."""

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        self.assignments += bool(assigned)


class Member:
    """A consumer that polls all the time."""

    def __init__(self, consumer: Any, listener: Listener) -> None:
        self.consumer, self.listener = consumer, listener

    @property
    def partitions(self) -> frozenset[TopicPartition]:
        return frozenset(self.consumer.assignment())

    async def poll(self) -> None:
        while True:
            await self.consumer.getmany(timeout_ms=100)


@asynccontextmanager
async def member(kafka: Kafka, topic: str, group: str, **options: Any) -> AsyncIterator[Member]:
    settings = {"session_timeout_ms": 6000, "heartbeat_interval_ms": 200, **options}
    async with kafka.consumer(group_id=group, **settings) as consumer:
        one = Member(consumer, Listener())
        consumer.subscribe([topic], listener=one.listener)
        async with asyncio.TaskGroup() as tasks:
            polling = tasks.create_task(one.poll())
            try:
                yield one
            finally:
                polling.cancel()


@contextmanager
def process(kafka: Kafka, topic: str, group: str) -> Iterator["subprocess.Popen[bytes]"]:
    """A member in a process of its own, killed at the end."""
    command = [sys.executable, "-c", MEMBER_PROCESS, topic, group, kafka.bootstrap]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as started:
        try:
            yield started
        finally:
            started.kill()


async def assigned_to(started: "subprocess.Popen[bytes]") -> int:
    assert started.stdout is not None
    return int(await asyncio.wait_for(asyncio.to_thread(started.stdout.readline), 40))


async def test_partitions_move_when_members_come_leave_and_die(kafka: Kafka) -> None:
    topic, group = await kafka.topic(6), kafka.name("g")
    async with member(kafka, topic, group) as a:
        await until(lambda: len(a.partitions) == 6)
        async with member(kafka, topic, group) as b:
            await until(lambda: len(a.partitions) == len(b.partitions) == 3)
            assert not a.partitions & b.partitions
        await until(lambda: len(a.partitions) == 6)
        with process(kafka, topic, group):
            await until(lambda: len(a.partitions) == 3)
        await until(lambda: len(a.partitions) == 6)


async def test_the_only_member_dies_and_its_successor_gets_the_partitions(kafka: Kafka) -> None:
    topic, group = await kafka.topic(6), kafka.name("g")
    for _ in range(2):
        with process(kafka, topic, group) as started:
            assert await assigned_to(started) == 6


async def test_a_static_member_that_comes_back_quickly_disturbs_nobody(kafka: Kafka) -> None:
    topic, group = await kafka.topic(4), kafka.name("g")
    async with member(kafka, topic, group, group_instance_id="i-a", session_timeout_ms=20_000) as a:
        async with member(kafka, topic, group, group_instance_id="i-b", session_timeout_ms=20_000) as b:
            await until(lambda: len(a.partitions) == len(b.partitions) == 2)
            await asyncio.sleep(0.5)  # its listener may still be on its way
            mine, before = b.partitions, a.listener.assignments
        await asyncio.sleep(1)
        assert len(a.partitions) == 2
        async with member(kafka, topic, group, group_instance_id="i-b", session_timeout_ms=20_000) as back:
            await until(lambda: len(back.partitions) == 2)
            assert back.partitions == mine
        assert a.listener.assignments == before


async def test_a_commit_of_an_older_generation_or_of_a_stranger_is_refused(kafka: Kafka) -> None:
    topic, group = await kafka.topic(), kafka.name("g")
    async with member(kafka, topic, group) as one:
        await until(lambda: len(one.partitions) == 1)
        coordinator = one.consumer._coordinator

        async def commit(generation: int, member_id: str) -> int:
            request = OffsetCommitRequest(
                consumer_group=group, consumer_group_generation_id=generation, consumer_id=member_id,
                retention_time=-1, topics=[(topic, [(0, 1, "")])],
            )  # fmt: skip
            answer = await one.consumer._client.send(coordinator.coordinator_id, request)
            code: int = answer.topics[0][1][0][1]
            return code

        assert await commit(coordinator.generation - 1, coordinator.member_id) == 22
        assert await commit(coordinator.generation, "nobody") == 25


async def test_a_pattern_finds_topics_that_come_later(kafka: Kafka) -> None:
    prefix = kafka.name("pat")
    names = [f"{prefix}-1", f"{prefix}-2"]

    async with kafka.admin() as admin, kafka.consumer(group_id=kafka.name("g"), metadata_max_age_ms=500) as consumer:
        consumer.subscribe(pattern=f"^{prefix}-.*")
        for name in names:
            await admin.create_topics([NewTopic(name, 1, kafka.replication)])
            await kafka.fill(name, [name.encode()])
            record = await asyncio.wait_for(consumer.getone(), 30)
            assert record.value == name.encode()
            await consumer.commit()


async def test_nothing_is_lost_while_members_come_and_go(kafka: Kafka) -> None:
    topic, group, count = await kafka.topic(6), kafka.name("g"), 1500
    seen: Counter[int] = Counter()
    done = asyncio.Event()

    async def work(life_s: float) -> None:
        until_s = asyncio.get_running_loop().time() + life_s
        async with kafka.consumer(topic, group_id=group, heartbeat_interval_ms=200) as consumer:
            while asyncio.get_running_loop().time() < until_s and not done.is_set():
                batch = await consumer.getmany(timeout_ms=100, max_records=50)
                seen.update(int(row.value or b"") for rows in batch.values() for row in rows)
                if batch:
                    with contextlib.suppress(KafkaError):  # a rebalance came first: it will be delivered again
                        await consumer.commit()

    async def feed() -> None:
        async with kafka.producer() as producer:
            for n in range(count):
                await producer.send(topic, b"%d" % n)
                if n % 30 == 0:
                    await asyncio.sleep(0.08)

    async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
        tasks.create_task(work(60))
        tasks.create_task(feed())
        for life_s in (1.5, 2.0, 2.5):
            await asyncio.sleep(0.7)
            tasks.create_task(work(life_s))
        await until(lambda: len(seen) == count, 50)
        done.set()
    assert set(seen) == set(range(count))
