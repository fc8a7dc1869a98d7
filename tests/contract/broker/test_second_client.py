"""The same broker seen by librdkafka, which shares no code with aiokafka."""

import asyncio
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from tests.contract.broker.kit import Kafka

if TYPE_CHECKING:
    from confluent_kafka import Consumer, Message

confluent_kafka = pytest.importorskip("confluent_kafka", reason="confluent-kafka is not installed")


def poll_until(consumers: "list[Consumer]", condition: Callable[[], bool], deadline_s: float = 30) -> "list[Message]":
    """Poll until a condition holds; return the messages."""
    messages = []
    until_s = time.monotonic() + deadline_s
    while not condition():
        assert time.monotonic() < until_s, "not in time"
        for consumer in consumers:
            message = consumer.poll(0.05)
            if message is not None and not message.error():
                messages.append(message)
    return messages


async def test_produce_and_consume_with_a_group(kafka: Kafka) -> None:
    topic, group = await kafka.topic(3), kafka.name("g")

    def work() -> None:
        errors: list[object] = []
        producer = confluent_kafka.Producer({"bootstrap.servers": kafka.bootstrap, "enable.idempotence": True})
        for n in range(1000):
            producer.produce(
                topic, b"%d" % n, key=b"%d" % (n % 7), headers={"h": b"1"},
                on_delivery=lambda error, _: errors.append(error) if error else None,
            )  # fmt: skip
        producer.flush(20)
        assert errors == []
        settings = {"bootstrap.servers": kafka.bootstrap, "auto.offset.reset": "earliest", "enable.auto.commit": False}
        consumer = confluent_kafka.Consumer({**settings, "group.id": group})
        consumer.subscribe([topic])
        seen: list[bytes] = []
        until_s = time.monotonic() + 30
        while len(seen) < 1000:
            assert time.monotonic() < until_s
            seen += [message.value() for message in consumer.consume(500, 0.2) if not message.error()]
        consumer.commit(asynchronous=False)
        consumer.close()
        assert sorted(int(value) for value in seen) == list(range(1000))

    await asyncio.to_thread(work)


async def test_transactions(kafka: Kafka) -> None:
    topic = await kafka.topic()

    def work() -> None:
        producer = confluent_kafka.Producer(
            {"bootstrap.servers": kafka.bootstrap, "transactional.id": kafka.name("ck")}
        )
        producer.init_transactions(20)
        producer.begin_transaction()
        producer.produce(topic, b"bad", partition=0)
        producer.flush(10)
        producer.abort_transaction(20)
        producer.begin_transaction()
        producer.produce(topic, b"good", partition=0)
        producer.commit_transaction(20)

        settings = {"bootstrap.servers": kafka.bootstrap, "group.id": kafka.name("g")}
        consumer = confluent_kafka.Consumer({**settings, "isolation.level": "read_committed"})
        place = confluent_kafka.TopicPartition(topic, 0, 0)
        consumer.assign([place])
        # bad, its marker, good, its marker: the position reaches the end although only one record is shown
        messages = poll_until([consumer], lambda: consumer.position([place])[0].offset >= 3)
        consumer.close()
        assert [message.value() for message in messages] == [b"good"]

    await asyncio.to_thread(work)


async def test_cooperative_rebalances(kafka: Kafka) -> None:
    topic, group = await kafka.topic(4), kafka.name("g")

    def work() -> None:
        settings = {
            "bootstrap.servers": kafka.bootstrap,
            "group.id": group,
            "partition.assignment.strategy": "cooperative-sticky",
            "session.timeout.ms": 6000,
            "heartbeat.interval.ms": 300,
        }
        a, b = confluent_kafka.Consumer(settings), confluent_kafka.Consumer(settings)
        a.subscribe([topic])
        poll_until([a], lambda: len(a.assignment()) == 4)
        b.subscribe([topic])
        poll_until([a, b], lambda: len(a.assignment()) == len(b.assignment()) == 2)
        a.close()
        b.close()

    await asyncio.to_thread(work)


async def test_administration(kafka: Kafka, needs_api: Callable[[int], None]) -> None:
    needs_api(44)
    topic = await kafka.topic()

    def work() -> None:
        library = pytest.importorskip("confluent_kafka.admin")
        admin = library.AdminClient({"bootstrap.servers": kafka.bootstrap})
        change = library.ConfigEntry("retention.ms", "54321", incremental_operation=library.AlterConfigOpType.SET)
        resource = library.ConfigResource(library.ResourceType.TOPIC, topic, incremental_configs=[change])
        for future in admin.incremental_alter_configs([resource]).values():
            future.result(10)
        (described,) = admin.describe_configs([library.ConfigResource(library.ResourceType.TOPIC, topic)]).values()
        assert described.result(10)["retention.ms"].value == "54321"
        asked = {confluent_kafka.TopicPartition(topic, 0): library.OffsetSpec.latest()}
        for future in admin.list_offsets(asked).values():
            assert future.result(10).offset == 0

    await asyncio.to_thread(work)
