"""Transactions: all or nothing, over topics, offsets, crashes and zombies."""

import asyncio
import contextlib
import subprocess
import sys

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError, ProducerFenced

from tests.contract.broker.kit import Kafka, becomes, produce_raw, raw_batch

DIES_IN_A_TRANSACTION = """
import asyncio, os, sys
from aiokafka import AIOKafkaProducer
async def main(topic, transactional_id, bootstrap):
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, transactional_id=transactional_id)
    await producer.start()
    await producer.begin_transaction()
    await producer.send_and_wait(topic, b"crash", partition=0)
    os._exit(9)
asyncio.run(main(*sys.argv[1:]))
"""


async def test_a_commit_shows_everything_at_once_and_nothing_before(kafka: Kafka) -> None:
    first, second = await kafka.topic(2), await kafka.topic()
    async with kafka.producer(transactional_id=kafka.name("tx")) as producer:
        await producer.begin_transaction()
        for n in range(10):
            await producer.send_and_wait(first, b"a%d" % n, partition=n % 2)
        await producer.send_and_wait(second, b"b", partition=0)
        assert await kafka.values(first, 2, committed=True) == []
        assert await kafka.values(second, committed=True) == []
        assert len(await kafka.values(first, 2)) == 10
        await producer.commit_transaction()

    async def visible() -> int:
        return len(await kafka.values(first, 2, committed=True)) + len(await kafka.values(second, committed=True))

    await becomes(visible, 11)


async def test_what_was_aborted_is_never_shown(kafka: Kafka) -> None:
    topic = await kafka.topic()
    async with kafka.producer(transactional_id=kafka.name("tx")) as producer:
        await producer.begin_transaction()
        for n in range(5):
            await producer.send_and_wait(topic, b"bad%d" % n, partition=0)
        await producer.abort_transaction()
        await producer.begin_transaction()
        await producer.send_and_wait(topic, b"good", partition=0)
        await producer.commit_transaction()

    await kafka.committed_become(topic, [b"good"])
    assert len(await kafka.values(topic)) == 6


async def test_transactions_that_interleave_are_told_apart(kafka: Kafka) -> None:
    topic = await kafka.topic()
    async with (
        kafka.producer(transactional_id=kafka.name("ta")) as a,
        kafka.producer(transactional_id=kafka.name("tb")) as b,
        kafka.producer() as plain,
    ):
        await a.begin_transaction()
        await b.begin_transaction()
        for n in range(4):
            await a.send_and_wait(topic, b"a%d" % n, partition=0)
            await b.send_and_wait(topic, b"b%d" % n, partition=0)
            await plain.send_and_wait(topic, b"p%d" % n, partition=0)
        await a.abort_transaction()
        assert not any((value or b"").startswith(b"b") for value in await kafka.values(topic, committed=True))
        await b.commit_transaction()

    await kafka.committed_become(topic, [value % n for n in range(4) for value in (b"b%d", b"p%d")])


async def test_offsets_are_committed_with_the_transaction_or_not_at_all(kafka: Kafka) -> None:
    source, target, group = await kafka.topic(), await kafka.topic(), kafka.name("g")
    place = TopicPartition(source, 0)
    await kafka.fill(source, [b"%d" % n for n in range(10)])

    async def committed() -> int | None:
        async with kafka.consumer(group_id=group) as consumer:
            consumer.assign([place])
            offset: int | None = await consumer.committed(place)
            return offset

    async with kafka.producer(transactional_id=kafka.name("tx")) as producer:
        await producer.begin_transaction()
        await producer.send_and_wait(target, b"x", partition=0)
        await producer.send_offsets_to_transaction({place: 4}, group)
        await producer.abort_transaction()
        assert await committed() in (None, -1)

        await producer.begin_transaction()
        await producer.send_and_wait(target, b"y", partition=0)
        await producer.send_offsets_to_transaction({place: 7}, group)
        await producer.commit_transaction()

    await becomes(committed, 7)

    await kafka.committed_become(target, [b"y"])


async def test_an_older_holder_of_the_id_is_fenced(kafka: Kafka) -> None:
    topic, transactional_id = await kafka.topic(), kafka.name("tx")
    with contextlib.suppress(ProducerFenced):  # raised again when the fenced one is stopped
        async with kafka.producer(transactional_id=transactional_id) as old:
            await old.begin_transaction()
            await old.send_and_wait(topic, b"old", partition=0)
            async with kafka.producer(transactional_id=transactional_id) as new:
                with pytest.raises(KafkaError):
                    await asyncio.wait_for(_go_on(old.send_and_wait(topic, b"zombie", partition=0), old), 20)
                await new.begin_transaction()
                await new.send_and_wait(topic, b"new", partition=0)
                await new.commit_transaction()

    await kafka.committed_become(topic, [b"new"])


async def _go_on(sending: object, producer: object) -> None:
    """Send and commit as if nothing had happened."""
    await sending  # type: ignore[misc]  # a coroutine of an untyped library
    await producer.commit_transaction()  # type: ignore[attr-defined]  # likewise


async def test_an_abandoned_transaction_ends_after_its_time(kafka: Kafka) -> None:
    topic = await kafka.topic()
    producer_options = {"transactional_id": kafka.name("tx"), "transaction_timeout_ms": 1000}
    with contextlib.suppress(KafkaError, TimeoutError):  # it learns when it stops
        async with kafka.producer(**producer_options) as producer:
            await producer.begin_transaction()
            await producer.send_and_wait(topic, b"left open", partition=0)
            await kafka.fill(topic, [b"after"])

            await kafka.committed_become(topic, [b"after"])
            await asyncio.wait_for(producer.abort_transaction(), 5)
    assert await kafka.values(topic, committed=True) == [b"after"]


async def test_what_a_dead_process_left_open_is_aborted_by_its_successor(kafka: Kafka) -> None:
    topic, transactional_id = await kafka.topic(), kafka.name("tx")
    command = [sys.executable, "-c", DIES_IN_A_TRANSACTION, topic, transactional_id, kafka.bootstrap]
    died = await asyncio.to_thread(subprocess.run, command, timeout=30, capture_output=True, check=False)
    assert died.returncode == 9, died.stderr

    async with kafka.producer(transactional_id=transactional_id) as producer:
        await producer.begin_transaction()
        await producer.send_and_wait(topic, b"fresh", partition=0)
        await producer.commit_transaction()

    await kafka.committed_become(topic, [b"fresh"])


async def test_many_small_transactions_follow_each_other(kafka: Kafka) -> None:
    topic = await kafka.topic()
    async with kafka.producer(transactional_id=kafka.name("tx")) as producer:
        for n in range(100):
            await producer.begin_transaction()
            await producer.send_and_wait(topic, b"%d" % n, partition=0)
            await producer.commit_transaction()

    await kafka.committed_become(topic, [b"%d" % n for n in range(100)])


async def test_a_batch_of_an_older_epoch_is_refused(kafka: Kafka) -> None:
    topic, transactional_id = await kafka.topic(), kafka.name("tx")
    async with kafka.producer(transactional_id=transactional_id) as old:
        stale = (old._txn_manager.producer_id, old._txn_manager.producer_epoch, 0)
    async with kafka.producer(transactional_id=transactional_id) as new:
        await new.begin_transaction()
        await new.send_and_wait(topic, b"new", partition=0)
        zombie = bytes(raw_batch([b"zombie"], stale, transactional=True))
        code = await produce_raw(new, topic, zombie, transactional_id)
        await new.commit_transaction()

    assert code in (47, 90)

    await kafka.committed_become(topic, [b"new"])
