"""Idempotent producers: each batch once, in order, without gaps."""

import asyncio

from tests.contract.broker.client import InitProducerIdRequest
from tests.contract.broker.kit import Kafka, produce_raw, raw_batch

OUT_OF_ORDER, DUPLICATE = 45, 46


async def test_every_message_arrives_once(kafka: Kafka) -> None:
    topic = await kafka.topic(3)
    async with kafka.producer(enable_idempotence=True, linger_ms=5) as producer:
        await asyncio.gather(*[await producer.send(topic, b"%d" % n) for n in range(3000)])

    assert sorted(int(value or b"") for value in await kafka.values(topic, 3)) == list(range(3000))


async def test_the_same_batch_is_stored_once_and_a_gap_is_refused(kafka: Kafka) -> None:
    topic = await kafka.topic()
    async with kafka.producer(enable_idempotence=True) as producer:
        await producer.send_and_wait(topic, b"warm", partition=0)
        request = InitProducerIdRequest(transactional_id=None, transaction_timeout_ms=60_000)
        given = await producer.client.send(producer.client.get_random_node(), request)

        def batch(sequence: int) -> bytes:
            values = [b"s%d" % (sequence + n) for n in range(3)]
            return bytes(raw_batch(values, (given.producer_id, given.producer_epoch, sequence)))

        codes = [await produce_raw(producer, topic, batch(sequence)) for sequence in (0, 0, 3, 20)]

    assert codes[0] == codes[2] == 0
    assert codes[1] in (0, DUPLICATE)
    assert codes[3] == OUT_OF_ORDER
    assert await kafka.values(topic) == [b"warm", *(b"s%d" % n for n in range(6))]
