# mypy: untyped-calls-exclude=aiokafka
"""ensure_topics makes the catalogue's topics, once."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from backfuture_common.bus import KafkaSettings, Publisher, ensure_topics
from backfuture_common.errors import Fatal

from tests.contract.bus.build import by_owner, compacted, deleting, record
from tests.support.broker import free_port


async def configs_of(kafka: KafkaSettings, name: str) -> dict[str, str]:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap_servers)
    await admin.start()
    try:
        responses: list[Any] = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name)])
    finally:
        await admin.close()
    return {entry[0]: entry[1] for entry in responses[0].resources[0][4]}


async def test_a_second_call_changes_nothing(kafka: KafkaSettings, unique: str) -> None:
    topics = [compacted(f"{unique}.a", partitions=2), deleting(f"{unique}.b")]
    await ensure_topics(kafka, topics)
    async with Publisher(kafka) as publisher:
        await publisher.publish(record(topics[0], "k", partition=1))
        await ensure_topics(kafka, topics)
        assert await publisher.publish(record(topics[0], "k", partition=1)) == 1


async def test_many_processes_may_make_the_same_topics_at_once(kafka: KafkaSettings, unique: str) -> None:
    topics = [deleting(f"{unique}.{n}") for n in range(3)]
    await asyncio.gather(*(ensure_topics(kafka, topics) for _ in range(4)))


async def test_topics_are_compacted_or_kept_for_their_time(kafka: KafkaSettings, unique: str) -> None:
    state, events = compacted(f"{unique}.state"), deleting(f"{unique}.events")
    await ensure_topics(kafka, [state, events])
    assert (await configs_of(kafka, state.name))["cleanup.policy"] == "compact"
    kept = await configs_of(kafka, events.name)
    assert kept["cleanup.policy"] == "delete"
    assert kept["retention.ms"] == str(events.retention_ms)


async def test_a_changed_number_of_owner_partitions_is_refused(kafka: KafkaSettings, unique: str) -> None:
    topic = by_owner(f"{unique}.owned")
    await ensure_topics(kafka, [topic])
    with pytest.raises(Fatal, match="has 4 partitions, wanted are 6") as refusal:
        await ensure_topics(replace(kafka, owner_partitions=6), [topic])
    assert refusal.value.info.code == "kafka.partitions_changed"


async def test_a_broker_that_never_comes_is_fatal_in_time() -> None:
    nowhere = KafkaSettings(bootstrap_servers=f"127.0.0.1:{free_port()}", client_id="lost")
    with pytest.raises(Fatal) as failure:
        await ensure_topics(nowhere, [deleting("any")], deadline_s=1.5)
    assert failure.value.info.code == "kafka.timeout"
