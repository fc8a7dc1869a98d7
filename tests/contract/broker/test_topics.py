"""Topics and their settings, as an administrator sees them."""

import asyncio
import time

import pytest
from aiokafka.errors import KafkaError

from tests.contract.broker.client import ConfigResource, ConfigResourceType, NewPartitions, NewTopic
from tests.contract.broker.kit import Kafka, becomes

TOPIC_EXISTS, BAD_REPLICATION, BAD_CONFIG = 36, 38, 40


async def settings_of(kafka: Kafka, topic: str) -> dict[str, str]:
    async with kafka.admin() as admin:
        answer = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
    return {entry[0]: entry[1] for entry in answer[0].resources[0][4]}


async def test_a_topic_has_the_partitions_it_was_made_with(kafka: Kafka) -> None:
    topic = await kafka.topic(7)

    async with kafka.admin() as admin:
        (described,) = await admin.describe_topics([topic])
        assert len(described["partitions"]) == 7
        assert topic in await admin.list_topics()


async def test_a_topic_cannot_be_made_twice(kafka: Kafka) -> None:
    topic = await kafka.topic()

    async with kafka.admin() as admin:
        answer = await admin.create_topics([NewTopic(topic, 1, kafka.replication)])

    assert answer.topic_errors[0][1] == TOPIC_EXISTS


async def test_a_deleted_topic_is_gone_and_comes_back_empty(kafka: Kafka) -> None:
    topic = await kafka.topic(2)
    await kafka.fill(topic, [b"old"])
    async with kafka.admin() as admin:
        answer = await admin.delete_topics([topic])
        assert answer.topic_error_codes[0][1] == 0

        async def is_listed() -> bool:
            return topic in await admin.list_topics()

        await becomes(is_listed, wanted=False)

        async def created() -> int:
            answer = await admin.create_topics([NewTopic(topic, 2, kafka.replication)])
            code: int = answer.topic_errors[0][1]
            return code

        await becomes(created, 0)
    assert await kafka.values(topic, 2) == []


async def test_partitions_can_be_added(kafka: Kafka) -> None:
    topic = await kafka.topic(2)
    async with kafka.admin() as admin:
        await admin.create_partitions({topic: NewPartitions(5)})

        async def count() -> int:
            return len((await admin.describe_topics([topic]))[0]["partitions"])

        await becomes(count, 5)
    await kafka.fill(topic, [b"v"], partition=4)
    assert await kafka.values(topic, 5) == [b"v"]


async def test_more_replicas_than_brokers_are_refused(kafka: Kafka) -> None:
    async with kafka.admin() as admin:
        brokers = len((await admin.describe_cluster())["brokers"])
        answer = await admin.create_topics([NewTopic(kafka.name(), 1, brokers + 1)])

    assert answer.topic_errors[0][1] == BAD_REPLICATION


async def test_a_wrong_setting_is_refused(kafka: Kafka) -> None:
    async with kafka.admin() as admin:
        wrong = {"retention.ms": "banana"}
        answer = await admin.create_topics([NewTopic(kafka.name(), 1, kafka.replication, topic_configs=wrong)])

    assert answer.topic_errors[0][1] == BAD_CONFIG


async def test_settings_are_told_as_they_were_made_and_defaults_too(kafka: Kafka) -> None:
    topic = await kafka.topic(cleanup_policy="compact", max_message_bytes="2000000")

    settings = await settings_of(kafka, topic)

    assert settings["cleanup.policy"] == "compact"
    assert settings["max.message.bytes"] == "2000000"
    assert "retention.ms" in settings


async def test_settings_can_be_changed(kafka: Kafka) -> None:
    topic = await kafka.topic()

    async with kafka.admin() as admin:
        change = ConfigResource(ConfigResourceType.TOPIC, topic, {"retention.ms": "12345"})
        answer = await admin.alter_configs([change])
        assert answer[0].resources[0][0] == 0

    async def retention() -> str | None:
        return (await settings_of(kafka, topic)).get("retention.ms")

    await becomes(retention, "12345")


async def test_compaction_keeps_the_latest_of_each_key(kafka: Kafka) -> None:
    topic = await kafka.topic(
        cleanup_policy="compact", segment_ms="500", min_cleanable_dirty_ratio="0.001", delete_retention_ms="100"
    )
    async with kafka.producer() as producer:
        for turn in range(20):
            for key in range(10):
                await producer.send(topic, b"v%d" % turn + b"x" * 300, key=b"k%d" % key)
            await producer.flush()
        deadline_s = time.monotonic() + 60
        rows = await kafka.read(topic)
        while len([row for row in rows if row.key != b"tick"]) >= 200:
            assert time.monotonic() < deadline_s, f"{len(rows)} records are left"
            await producer.send_and_wait(topic, b"tick", key=b"tick")  # closes segments that are old enough
            await asyncio.sleep(0.6)
            rows = await kafka.read(topic)
    kept = {row.key: row.value[:3] for row in rows if row.key != b"tick" and row.value}
    assert kept == {b"k%d" % key: b"v19" for key in range(10)}


async def test_old_records_leave(kafka: Kafka) -> None:
    """On Apache Kafka this needs a short ``log.retention.check.interval.ms``."""
    topic = await kafka.topic(retention_ms="1000", segment_ms="500")
    await kafka.fill(topic, [b"x" * 500] * 50)
    deadline_s = time.monotonic() + 60
    async with kafka.producer() as producer:
        while len([row for row in await kafka.read(topic) if row.value != b"tick"]) == 50:
            assert time.monotonic() < deadline_s
            await producer.send_and_wait(topic, b"tick")
            await asyncio.sleep(0.6)


async def test_a_compacted_topic_refuses_records_without_a_key(kafka: Kafka) -> None:
    topic = await kafka.topic(cleanup_policy="compact")

    with pytest.raises(KafkaError):
        await kafka.fill(topic, [b"v"])

    assert await kafka.values(topic) == []


async def test_the_cluster_tells_who_it_is(kafka: Kafka) -> None:
    async with kafka.admin() as admin:
        described = await admin.describe_cluster()

    assert described["cluster_id"]
    assert {broker["node_id"] for broker in described["brokers"]} >= {described["controller_id"]}


async def test_topics_are_not_made_by_asking_for_them(kafka: Kafka) -> None:
    """The platform creates its topics itself; the embedded broker does not help, and Kafka is to be set up likewise."""
    name = kafka.name("nobody-made-me")
    async with kafka.producer() as producer:
        with pytest.raises((KafkaError, TimeoutError)):
            await asyncio.wait_for(producer.send_and_wait(name, b"v"), 2)
    async with kafka.admin() as admin:
        assert name not in await admin.list_topics()
