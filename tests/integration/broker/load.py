"""Producers that go on over every death of the broker, and remember what they were told."""

import asyncio
from contextlib import suppress
from itertools import count
from typing import Any

from tests.contract.broker.client import NewTopic, Producer
from tests.contract.broker.kit import Kafka

PARTITIONS = 3
SMALL = {"segment.bytes": "20000"}  # segments close all the time


class AbandonedError(Exception):
    """A client is gone in the middle of its transaction."""


class Load:
    """Three idempotent producers on ``numbers``, and a transactional one on ``left`` and ``right`` together."""

    def __init__(self, bootstrap: str) -> None:
        self._kafka, self._bootstrap = Kafka(bootstrap), bootstrap
        self.stopping = False
        self.acknowledged: list[list[int]] = [[] for _ in range(PARTITIONS)]
        self.committed: list[int] = []
        self.abandon = False  # has the transactional producer leave its transaction half done
        self.abandoned = 0

    async def create_topics(self) -> None:
        async with self._kafka.admin() as admin:
            await admin.create_topics([NewTopic("numbers", PARTITIONS, 1, topic_configs=SMALL)])
            await admin.create_topics([NewTopic(name, 1, 1, topic_configs=SMALL) for name in ("left", "right")])

    async def run(self) -> None:
        """Work until ``stopping`` is set."""
        async with asyncio.TaskGroup() as tasks:
            for partition in range(PARTITIONS):
                tasks.create_task(self._send_numbers(partition))
            tasks.create_task(self._commit_numbers())

    async def _send_numbers(self, partition: int) -> None:
        """Send in order; the producer itself repeats what was not answered."""
        async with self._kafka.producer(enable_idempotence=True, retry_backoff_ms=20) as producer:
            numbers = count()
            while not self.stopping:
                few = [next(numbers) for _ in range(5)]
                sent = [await producer.send("numbers", b"%d" % number, partition=partition) for number in few]
                await asyncio.gather(*sent)
                self.acknowledged[partition] += few

    async def _commit_numbers(self) -> None:
        """Commit numbers one by one; a producer that fails is thrown away, its successor sees how far it came."""
        while not self.stopping:
            options = {"bootstrap_servers": self._bootstrap, "transactional_id": "tx", "retry_backoff_ms": 20}
            producer = Producer(**options, request_timeout_ms=3000)
            try:
                async with asyncio.timeout(10):
                    await producer.start()  # fences the one before, and aborts what it left open
                    await self._commit_from(producer, len(await self._kafka.values("left", committed=True)))
            except Exception:  # noqa: BLE001 - whatever a dying broker causes: this producer is of no use any more
                await asyncio.sleep(0.05)
            finally:
                with suppress(Exception):
                    await asyncio.wait_for(producer.stop(), 1)

    async def _commit_from(self, producer: Any, number: int) -> None:
        while not self.stopping:
            await producer.begin_transaction()
            for topic in ("left", "right"):
                await producer.send_and_wait(topic, b"%d" % number, partition=0)
                if self.abandon:
                    self.abandon, self.abandoned = False, self.abandoned + 1
                    raise AbandonedError
            await producer.commit_transaction()
            self.committed.append(number)
            number += 1

    async def check(self) -> None:
        """Compare what is stored with what was told."""
        rows = await self._kafka.read("numbers", PARTITIONS)
        for partition, acknowledged in enumerate(self.acknowledged):
            stored = [int(row.value or b"") for row in rows if row.partition == partition]
            assert stored == list(range(len(stored))), "in order, once, without gaps"
            assert stored[: len(acknowledged)] == acknowledged
        left, right = [await self._kafka.values(name, committed=True) for name in ("left", "right")]
        assert left == right, "in both topics or in none"
        assert left == [b"%d" % number for number in range(len(left))]
        assert set(self.committed) <= set(range(len(left)))
