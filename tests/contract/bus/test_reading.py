# mypy: untyped-calls-exclude=aiokafka
"""Publishers and readers: order, keys, tombstones, positions, poison."""

from dataclasses import replace

import pytest
from aiokafka import AIOKafkaConsumer
from backfuture_common.bus import (
    Incoming,
    KafkaSettings,
    Outgoing,
    Poison,
    Publisher,
    Reader,
    Table,
    ensure_topics,
    partition_of,
)
from backfuture_common.errors import Fatal
from backfuture_common.messages.market import Subscription
from backfuture_common.topics import Topic, dead_letters

from tests.contract.bus.build import (
    CATCH_UP_S,
    compacted,
    deleting,
    keys,
    message,
    numbers,
    publish_raw,
    read_all,
    record,
)


async def made(kafka: KafkaSettings, topic: Topic) -> Topic:
    await ensure_topics(kafka, [topic])
    return topic


async def test_records_come_back_as_written_in_their_order(kafka: KafkaSettings, unique: str) -> None:
    topic = await made(kafka, deleting(unique))
    async with Publisher(kafka) as publisher:
        offsets = await publisher.publish_all([record(topic, f"k{n}", n) for n in range(50)])
    assert offsets == list(range(50))
    async with Reader(kafka, [topic]) as reader:
        records = await read_all(reader)
    assert numbers(records) == list(range(50))
    assert records[7] == Incoming(topic, 0, 7, "k7", message("k7", 7), records[7].timestamp_ms)


async def test_the_key_chooses_the_partition_that_partition_of_tells(kafka: KafkaSettings, unique: str) -> None:
    topic = await made(kafka, deleting(unique, partitions=5))
    async with Publisher(kafka) as publisher:
        await publisher.publish_all([record(topic, f"usr_{n}") for n in range(40)])
    async with Reader(kafka, [topic]) as reader:
        records = await read_all(reader)
    assert len(records) == 40
    assert {r.key: r.partition for r in records} == {r.key: partition_of(r.key, 5) for r in records}
    assert len({r.partition for r in records}) == 5


async def test_a_given_partition_goes_before_the_key(kafka: KafkaSettings, unique: str) -> None:
    topic = await made(kafka, deleting(unique, partitions=3))
    other = (partition_of("k", 3) + 1) % 3
    async with Publisher(kafka) as publisher:
        await publisher.publish(record(topic, "k", partition=other))
    async with Reader(kafka, [topic]) as reader:
        assert [r.partition for r in await read_all(reader)] == [other]


async def test_a_tombstone_has_no_value(kafka: KafkaSettings, unique: str) -> None:
    topic = await made(kafka, compacted(unique))
    async with Publisher(kafka) as publisher:
        await publisher.publish(record(topic, "gone"))
        await publisher.publish(Outgoing(topic, "gone", None))
    async with Reader(kafka, [topic]) as reader:
        assert [r.value for r in await read_all(reader)] == [message("gone"), None]


async def test_reading_goes_on_where_it_is_told(kafka: KafkaSettings, unique: str) -> None:
    topic = await made(kafka, deleting(unique, partitions=2))
    async with Publisher(kafka) as publisher:
        await publisher.publish_all([record(topic, "k", n, partition=n % 2) for n in range(10)])
        async with Reader(kafka, [topic], start={(unique, 0): 3}) as reader:
            first = await read_all(reader)
            assert sorted(numbers(first)) == [1, 3, 5, 6, 7, 8, 9]  # partition 1 is not named: all of it
            position = reader.positions()
        assert position == {(unique, 0): 5, (unique, 1): 5}
        await publisher.publish(record(topic, "k", 10, partition=0))
        async with Reader(kafka, [topic], start=position) as reader:
            assert numbers(await read_all(reader)) == [10]


async def test_from_the_end_only_what_comes_later_is_read(kafka: KafkaSettings, unique: str) -> None:
    topic = await made(kafka, deleting(unique))
    async with Publisher(kafka) as publisher:
        await publisher.publish(record(topic, "old", 1))
        async with Reader(kafka, [topic], start="end") as reader:
            assert reader.caught_up
            await publisher.publish(record(topic, "new", 2))
            assert keys(await reader.poll(timeout_s=10)) == ["new"]


async def test_a_position_beyond_the_end_is_fatal(kafka: KafkaSettings, unique: str) -> None:
    topic = await made(kafka, deleting(unique))
    with pytest.raises(Fatal) as failure:
        async with Reader(kafka, [topic], start={(unique, 0): 5}):
            pass
    assert failure.value.info.code == "kafka.position_lost"


async def test_a_missing_topic_is_fatal(kafka: KafkaSettings, unique: str) -> None:
    with pytest.raises(Fatal, match=r"kafka\.topic_missing"):
        async with Reader(kafka, [deleting(f"{unique}.nobody-made-this")]):
            pass


async def test_an_undecodable_record_stops_the_reader_by_default(kafka: KafkaSettings, unique: str) -> None:
    topic = await made(kafka, deleting(unique))
    await publish_raw(kafka, topic, b"k", b'{"type":"from.the.future.v9"}')
    async with Reader(kafka, [topic]) as reader:
        with pytest.raises(Fatal, match=f"record 0 of {unique}/0") as failure:
            await read_all(reader)
    assert failure.value.info.code == "bus.poison"


async def test_undecodable_records_can_be_buried_and_the_rest_is_read(kafka: KafkaSettings, unique: str) -> None:
    topic = await made(kafka, deleting(unique))
    told: list[Poison] = []
    async with Publisher(kafka) as publisher:
        await publisher.publish(record(topic, "a", 1))
        await publish_raw(kafka, topic, b"bad", b"not json")
        await publish_raw(kafka, topic, b"\xff\xfe", b"{}")
        await publisher.publish(record(topic, "b", 2))

        async def bury(poison: Poison) -> None:
            told.append(poison)
            await publisher.bury(poison)

        async with Reader(kafka, [topic], on_poison=bury) as reader:
            assert keys(await read_all(reader)) == ["a", "b"]
            assert reader.positions() == {(unique, 0): 4}
    assert [(poison.offset, poison.value) for poison in told] == [(1, b"not json"), (2, b"{}")]
    consumer = AIOKafkaConsumer(
        dead_letters(topic), bootstrap_servers=kafka.bootstrap_servers, auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        buried = [await consumer.getone() for _ in told]
    finally:
        await consumer.stop()
    assert [(r.key, r.value) for r in buried] == [(b"bad", b"not json"), (b"\xff\xfe", b"{}")]
    assert dict(buried[0].headers)["source"] == f"{unique}/0@1".encode()


async def test_a_table_holds_the_newest_of_each_key_and_follows(kafka: KafkaSettings, unique: str) -> None:
    topic = await made(kafka, compacted(unique, partitions=3))
    seen: list[str] = []
    async with Publisher(kafka) as publisher:
        await publisher.publish_all([record(topic, f"k{n % 4}", n) for n in range(20)])
        await publisher.publish(Outgoing(topic, "k3", None))
        async with Table[Subscription](kafka, topic, on_change=lambda change: seen.append(change.key)) as table:
            assert {key: row.partition for key, row in table.items()} == {"k0": 16, "k1": 17, "k2": 18}
            assert table.get("k3") is None
            assert len(seen) == 21

            await publisher.publish(record(topic, "k3", 99))
            await publisher.publish(Outgoing(topic, "k0", None))
            await table.reach_end(CATCH_UP_S)
            assert {key: row.partition for key, row in table.items()} == {"k1": 17, "k2": 18, "k3": 99}
            assert table.partition(partition_of("k3", 3))["k3"] == message("k3", 99)


async def test_one_key_in_several_partitions_is_several_rows(kafka: KafkaSettings, unique: str) -> None:
    topic = await made(kafka, compacted(unique, partitions=2))
    async with Publisher(kafka) as publisher:
        await publisher.publish_all([record(topic, "@checkpoint", n, partition=n) for n in range(2)])
    async with Table[Subscription](kafka, topic) as table:
        assert [table.partition(n)["@checkpoint"].partition for n in range(2)] == [0, 1]


async def test_a_publisher_is_of_no_use_after_an_error(kafka: KafkaSettings, unique: str) -> None:
    topic = await made(kafka, deleting(unique))
    too_large = replace(record(topic, "k"), value=message("x" * 1_100_000))
    async with Publisher(kafka) as publisher:
        with pytest.raises(Fatal, match="MessageSizeTooLarge"):
            await publisher.publish(too_large)
        with pytest.raises(Fatal) as again:
            await publisher.publish(record(topic, "k"))
    assert again.value.info.code == "kafka.producer_broken"
