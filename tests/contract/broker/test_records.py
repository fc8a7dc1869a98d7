"""Producing and fetching: what goes in comes out, in order, and waiting costs nothing."""

import asyncio
import os
import statistics
import time
from collections import defaultdict

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError, MessageSizeTooLargeError

from tests.contract.broker.kit import HOUR_AGO_MS, Kafka, produce_raw, raw_batch


async def test_keys_values_headers_tombstones_and_times_are_kept(kafka: Kafka) -> None:
    topic = await kafka.topic()
    rows: list[tuple[bytes | None, bytes | None, list[tuple[str, bytes]], int]] = [
        (b"k", b"v", [("h1", b"a"), ("h2", b""), ("h1", b"b")], HOUR_AGO_MS),
        (None, b"v2", [], HOUR_AGO_MS + 1),
        (b"k", None, [], HOUR_AGO_MS + 2),
        (b"", b"", [], HOUR_AGO_MS + 3),
    ]
    async with kafka.producer() as producer:
        for key, value, headers, time_ms in rows:
            await producer.send_and_wait(topic, value, key=key, headers=headers, timestamp_ms=time_ms, partition=0)

    found = await kafka.read(topic)

    assert [(row.key, row.value, list(row.headers), row.timestamp) for row in found] == rows
    assert [row.offset for row in found] == [0, 1, 2, 3]


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
async def test_compressed_records_come_back(kafka: Kafka, codec: str) -> None:
    topic = await kafka.topic()
    values = [b"payload %06d " % n * 10 for n in range(2000)]

    await kafka.fill(topic, values, compression_type=codec, linger_ms=20, max_batch_size=262_144)

    assert await kafka.values(topic) == values


async def test_many_large_batches_keep_the_order_of_each_partition(kafka: Kafka) -> None:
    topic = await kafka.topic(4)
    async with kafka.producer(linger_ms=10, max_batch_size=1 << 20, max_request_size=4 << 20) as producer:
        sent = [await producer.send(topic, b"%08d" % n + b"x" * 192, partition=n % 4) for n in range(12_000)]
        await asyncio.gather(*sent)

    by_partition: dict[int, list[int]] = defaultdict(list)
    for row in await kafka.read(topic, 4):
        assert row.value is not None
        by_partition[row.partition].append(int(row.value[:8]))
    assert dict(by_partition) == {index: list(range(index, 12_000, 4)) for index in range(4)}


async def test_large_messages_pass_where_the_topic_allows_them(kafka: Kafka) -> None:
    topic = await kafka.topic(max_message_bytes=str(8 << 20))
    body = os.urandom(5_000_000)

    await kafka.fill(topic, [body], max_request_size=8 << 20)

    assert await kafka.values(topic) == [body]


async def test_larger_messages_than_the_topic_allows_are_refused(kafka: Kafka) -> None:
    topic = await kafka.topic(max_message_bytes="10000")

    with pytest.raises(MessageSizeTooLargeError):
        await kafka.fill(topic, [os.urandom(100_000)], max_request_size=8 << 20)


async def test_reading_can_start_in_the_middle_of_a_batch(kafka: Kafka) -> None:
    topic = await kafka.topic()
    for first in (0, 10):
        await kafka.fill(topic, [b"%d" % n for n in range(first, first + 10)], linger_ms=50)

    for start in (0, 3, 9, 10, 13, 19):
        assert [row.value for row in await kafka.read(topic, start=start)] == [b"%d" % n for n in range(start, 20)]


async def test_a_corrupt_batch_is_refused(kafka: Kafka) -> None:
    topic = await kafka.topic()
    corrupt = raw_batch([b"hello"])
    corrupt[-2] ^= 0xFF
    async with kafka.producer() as producer:
        await producer.send_and_wait(topic, b"ok", partition=0)
        code = await produce_raw(producer, topic, bytes(corrupt))

    assert code in (2, 87)
    assert await kafka.values(topic) == [b"ok"]


async def test_a_time_far_ahead_is_refused(kafka: Kafka) -> None:
    topic = await kafka.topic(message_timestamp_after_max_ms="60000")
    async with kafka.producer() as producer:
        ahead_ms = int(time.time() * 1000) + 3_600_000
        with pytest.raises(KafkaError):
            await producer.send_and_wait(topic, b"v", timestamp_ms=ahead_ms)
        await producer.send_and_wait(topic, b"v")


async def test_the_broker_stamps_where_the_topic_wants_it(kafka: Kafka) -> None:
    topic = await kafka.topic(message_timestamp_type="LogAppendTime")
    before_ms = int(time.time() * 1000) - 1000
    async with kafka.producer() as producer:
        answer = await producer.send_and_wait(topic, b"v", partition=0, timestamp_ms=HOUR_AGO_MS)

    (row,) = await kafka.read(topic)

    assert row.timestamp_type == 1
    assert before_ms <= row.timestamp <= before_ms + 60_000
    assert answer.timestamp == row.timestamp


async def test_data_wakes_a_waiting_reader_at_once(kafka: Kafka) -> None:
    topic = await kafka.topic()
    took_s: list[float] = []
    async with kafka.producer() as producer, kafka.consumer(fetch_max_wait_ms=5000) as consumer:
        await producer.send_and_wait(topic, b"warm", partition=0)
        place = TopicPartition(topic, 0)
        consumer.assign([place])
        consumer.seek(place, 1)
        for _ in range(5):
            waiting = asyncio.ensure_future(consumer.getone())
            await asyncio.sleep(0.2)
            began_s = time.monotonic()
            await producer.send(topic, b"x", partition=0)
            await asyncio.wait_for(waiting, 10)
            took_s.append(time.monotonic() - began_s)

    assert statistics.median(took_s) < 0.2, took_s


async def test_an_idle_reader_asks_rarely(kafka: Kafka, monkeypatch: pytest.MonkeyPatch) -> None:
    topic = await kafka.topic(2)
    async with kafka.consumer() as consumer:
        consumer.assign([TopicPartition(topic, 0), TopicPartition(topic, 1)])
        await consumer.getmany(timeout_ms=300)
        requests = 0
        send = consumer._client.send

        async def counting(*arguments: object, **options: object) -> object:
            nonlocal requests
            requests += 1
            return await send(*arguments, **options)

        monkeypatch.setattr(consumer._client, "send", counting)
        await consumer.getmany(timeout_ms=2000)

    assert requests < 20, "the broker answers before it has anything"
