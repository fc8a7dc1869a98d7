"""Offsets: by time, at the ends, deleted, out of range, committed."""

import asyncio

import pytest
from aiokafka import TopicPartition
from aiokafka.structs import OffsetAndMetadata

from tests.contract.broker.client import DeleteGroupsRequest, RecordsToDelete
from tests.contract.broker.kit import HOUR_AGO_MS, Kafka


@pytest.mark.parametrize("linger_ms", [0, 100])
async def test_offsets_are_found_by_time_also_inside_a_batch(kafka: Kafka, linger_ms: int) -> None:
    topic = await kafka.topic()
    place = TopicPartition(topic, 0)
    async with kafka.producer(linger_ms=linger_ms) as producer:
        sent = [
            await producer.send(topic, b"%d" % n, partition=0, timestamp_ms=HOUR_AGO_MS + n * 1000) for n in range(10)
        ]
        await asyncio.gather(*sent)

    async with kafka.consumer() as consumer:
        consumer.assign([place])
        found = {}
        for asked_ms in (-5, 0, 3500, 9000, 99_999):
            answer = (await consumer.offsets_for_times({place: HOUR_AGO_MS + asked_ms}))[place]
            found[asked_ms] = answer.offset if answer else None

    assert found == {-5: 0, 0: 0, 3500: 4, 9000: 9, 99_999: None}


async def test_the_ends_of_a_log_and_positions_in_it(kafka: Kafka) -> None:
    topic = await kafka.topic(2)
    places = [TopicPartition(topic, 0), TopicPartition(topic, 1)]
    for place in places:
        await kafka.fill(topic, [b"x"] * 3, partition=place.partition)

    async with kafka.consumer() as consumer, kafka.producer() as producer:
        consumer.assign(places)
        assert await consumer.beginning_offsets(places) == dict.fromkeys(places, 0)
        assert await consumer.end_offsets(places) == dict.fromkeys(places, 3)
        for place in places:
            await consumer.position(place)  # or the first reset, still under way, may undo the next line
        await consumer.seek_to_end(*places)
        assert [await consumer.position(place) for place in places] == [3, 3]
        await producer.send_and_wait(topic, b"late", partition=1)
        record = await asyncio.wait_for(consumer.getone(), 10)

    assert (record.value, record.offset, record.partition) == (b"late", 3, 1)


async def test_deleting_records_moves_the_start(kafka: Kafka) -> None:
    topic = await kafka.topic()
    place = TopicPartition(topic, 0)
    await kafka.fill(topic, [b"%d" % n for n in range(10)])

    async with kafka.admin() as admin:
        await admin.delete_records({place: RecordsToDelete(6)})

    async with kafka.consumer() as consumer:
        consumer.assign([place])
        assert (await consumer.beginning_offsets([place]))[place] == 6
    assert [row.offset for row in await kafka.read(topic, start=6)] == [6, 7, 8, 9]


async def test_a_position_outside_of_the_log_is_reset(kafka: Kafka) -> None:
    topic = await kafka.topic()
    place = TopicPartition(topic, 0)
    await kafka.fill(topic, [b"0", b"1", b"2"])

    async with kafka.consumer() as consumer:
        consumer.assign([place])
        consumer.seek(place, 1000)
        record = await asyncio.wait_for(consumer.getone(), 15)

    assert record.offset == 0


async def test_committed_offsets_and_their_metadata_are_kept_and_can_be_asked_for(kafka: Kafka) -> None:
    topic, group = await kafka.topic(2), kafka.name("g")
    first, second = TopicPartition(topic, 0), TopicPartition(topic, 1)
    for place in (first, second):
        await kafka.fill(topic, [b"x"] * 10, partition=place.partition)
    async with kafka.consumer(group_id=group) as consumer:
        consumer.assign([first, second])
        await consumer.commit({first: OffsetAndMetadata(4, "meta-x"), second: OffsetAndMetadata(10, "")})

    async with kafka.admin() as admin:
        offsets = await admin.list_consumer_group_offsets(group)
        groups = await admin.list_consumer_groups()
    async with kafka.consumer(topic, group_id=group) as consumer:
        resumed: list[tuple[int, int]] = []
        while len(resumed) < 6:
            for rows in (await asyncio.wait_for(consumer.getmany(timeout_ms=500), 20)).values():
                resumed += [(row.partition, row.offset) for row in rows]

    assert offsets == {first: OffsetAndMetadata(4, "meta-x"), second: OffsetAndMetadata(10, "")}
    assert group in {each[0] for each in groups}
    assert resumed == [(0, n) for n in range(4, 10)]


async def test_a_deleted_group_has_no_offsets_any_more(kafka: Kafka) -> None:
    topic, group = await kafka.topic(), kafka.name("g")
    place = TopicPartition(topic, 0)
    async with kafka.consumer(group_id=group) as consumer:
        consumer.assign([place])
        await consumer.commit({place: 0})

    async with kafka.admin() as admin:
        node = await admin.find_coordinator(group)
        answer = await admin._send_request(DeleteGroupsRequest([group]), node)
        offsets = await admin.list_consumer_group_offsets(group)

    assert answer.results[0][1] == 0
    assert place not in offsets or offsets[place].offset == -1
