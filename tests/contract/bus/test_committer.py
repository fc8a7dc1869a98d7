# mypy: untyped-calls-exclude=aiokafka
"""Transactions: all or nothing, one owner at a time, nothing after an error."""

import asyncio
from dataclasses import replace

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from backfuture_common.bus import Committer, KafkaSettings, Publisher, Reader, ensure_topics
from backfuture_common.errors import Fatal
from backfuture_common.topics import Topic

from tests.contract.bus.build import compacted, deleting, keys, message, numbers, read_all, record


@pytest.fixture
async def pair(kafka: KafkaSettings, unique: str) -> tuple[Topic, Topic]:
    topics = (compacted(f"{unique}.state", partitions=2), deleting(f"{unique}.commands"))
    await ensure_topics(kafka, topics)
    return topics


async def everything(kafka: KafkaSettings, *topics: Topic) -> list[str]:
    async with Reader(kafka, topics) as reader:
        return sorted(keys(await read_all(reader)))


async def test_a_commit_reaches_all_its_topics(kafka: KafkaSettings, unique: str, pair: tuple[Topic, Topic]) -> None:
    state, commands = pair
    async with Committer(kafka, unique) as committer:
        await committer.commit([record(state, "s", partition=1), record(commands, "c")])
        await committer.commit([])
        await committer.commit([record(state, "s2", partition=0)])
    async with Reader(kafka, pair) as reader:
        read = {(r.topic.name, r.partition, r.key) for r in await read_all(reader)}
    assert read == {(state.name, 1, "s"), (commands.name, 0, "c"), (state.name, 0, "s2")}


async def test_readers_stop_before_an_open_transaction_and_skip_an_aborted_one(
    kafka: KafkaSettings, unique: str, pair: tuple[Topic, Topic]
) -> None:
    _, commands = pair
    dead = AIOKafkaProducer(bootstrap_servers=kafka.bootstrap_servers, transactional_id=unique)
    await dead.start()
    try:
        async with Publisher(kafka) as publisher:
            await publisher.publish(record(commands, "before"))
            await dead.begin_transaction()
            await dead.send_and_wait(commands.name, b"{}", key=b"never", partition=0)
            await publisher.publish(record(commands, "after"))

        async with Reader(kafka, [commands]) as reader:
            assert keys(await read_all(reader)) == ["before"]
            assert await reader.poll(timeout_s=0.5) == []
            async with Committer(kafka, unique):  # takes over: the dead owner's transaction ends
                assert keys(await reader.poll(timeout_s=10)) == ["after"]
    finally:
        await dead.stop()


async def test_a_new_owner_fences_the_old_one(kafka: KafkaSettings, unique: str, pair: tuple[Topic, Topic]) -> None:
    state, commands = pair
    async with Committer(kafka, unique) as old:
        await old.commit([record(state, "of the old")])
        async with Committer(kafka, unique) as new:
            assert new.epoch > old.epoch
            with pytest.raises(Fatal):
                await old.commit([record(state, "too late"), record(commands, "too late")])
            await new.commit([record(state, "of the new")])
    assert await everything(kafka, state, commands) == ["of the new", "of the old"]


async def test_one_failed_record_takes_the_whole_commit_with_it(
    kafka: KafkaSettings, unique: str, pair: tuple[Topic, Topic]
) -> None:
    state, commands = pair
    too_large = replace(record(commands, "large"), value=message("x" * 1_100_000))
    async with Committer(kafka, unique) as committer:
        with pytest.raises(Fatal, match="MessageSizeTooLarge"):
            await committer.commit([record(state, "fine"), too_large])
        with pytest.raises(Fatal) as again:
            await committer.commit([record(state, "fine, too")])
    assert again.value.info.code == "kafka.committer_unusable"
    async with Committer(kafka, unique) as successor:
        await successor.commit([record(state, "next owner")])
    assert await everything(kafka, state, commands) == ["next owner"]


async def test_a_record_the_broker_refuses_fails_the_commit(
    kafka: KafkaSettings, unique: str, pair: tuple[Topic, Topic]
) -> None:
    """The client's own commit would return normally here: it does not look at the results of its batches."""
    state, commands = pair
    async with Committer(kafka, unique) as committer:
        await limit_record_size(kafka, commands, 1_000)
        refused = replace(record(commands, "large"), value=message("x" * 5_000))
        with pytest.raises(Fatal):
            await committer.commit([record(state, "fine"), refused])
    async with Committer(kafka, unique):
        assert await everything(kafka, state, commands) == []


async def test_commits_do_not_overlap(kafka: KafkaSettings, unique: str, pair: tuple[Topic, Topic]) -> None:
    state, _ = pair
    async with Committer(kafka, unique) as committer:
        outcomes = await asyncio.gather(
            committer.commit([record(state, "a", 1)]), committer.commit([record(state, "b", 2)]), return_exceptions=True
        )
    assert outcomes[0] is None
    assert isinstance(outcomes[1], Fatal)
    async with Reader(kafka, [state]) as reader:
        assert numbers(await read_all(reader)) == [1]


async def test_a_commit_has_a_deadline(kafka: KafkaSettings, unique: str, pair: tuple[Topic, Topic]) -> None:
    state, _ = pair
    async with Committer(kafka, unique, deadline_s=0.000_001) as committer:
        with pytest.raises(Fatal) as failure:
            await committer.commit([record(state, "a")])
    assert failure.value.info.code == "kafka.timeout"


async def limit_record_size(kafka: KafkaSettings, topic: Topic, limit: int) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap_servers)
    await admin.start()
    try:
        change = ConfigResource(ConfigResourceType.TOPIC, topic.name, configs={"max.message.bytes": str(limit)})
        await admin.alter_configs([change])
    finally:
        await admin.close()
