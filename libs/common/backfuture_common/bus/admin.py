# mypy: untyped-calls-exclude=aiokafka
"""Makes the topics as the catalogue wants them."""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import (
    KafkaConnectionError,
    LeaderNotAvailableError,
    TopicAlreadyExistsError,
    UnknownTopicOrPartitionError,
    for_code,
)

from backfuture_common.bus import profiles
from backfuture_common.bus.failures import fatal_on_failure, stop_quietly
from backfuture_common.bus.settings import KafkaSettings
from backfuture_common.errors import Fatal
from backfuture_common.topics import DAY_MS, HOUR_MS, Topic, dead_letters

_DEADLINE_S = 60.0
_POLL_S = 0.1
_RETRY_S = 0.5
_DEAD_LETTERS_KEPT_MS = 30 * DAY_MS


async def ensure_topics(kafka: KafkaSettings, topics: Iterable[Topic], *, deadline_s: float = _DEADLINE_S) -> None:
    """Create the missing ones of ``topics`` and wait until all have leaders. May be called by many at once.

    Waits for a broker that is still starting, too: to be called first.

    Raises :class:`Fatal`: ``kafka.partitions_changed`` when an existing topic has another partition count than
    wanted (keys would move to other owners: the cluster has to be migrated, never just reconfigured).
    """
    wanted = {topic.name: topic for topic in topics}
    new = [_new_topic(kafka, topic) for topic in wanted.values()]
    counts = await _create(kafka, new, deadline_s)
    for name, topic in wanted.items():
        if counts[name] != kafka.partitions_of(topic):
            raise Fatal(
                "kafka.partitions_changed",
                f"topic {name} has {counts[name]} partitions, wanted are {kafka.partitions_of(topic)}",
                "set BACKFUTURE_OWNER_PARTITIONS as it was when the topics were made",
            )


async def ensure_dead_letters(kafka: KafkaSettings, topic: Topic) -> str:
    """Create the dead-letter topic of ``topic`` when it is missing; return its name."""
    name = dead_letters(topic)
    configs = {"cleanup.policy": "delete", "retention.ms": str(_DEAD_LETTERS_KEPT_MS), **_durability(kafka)}
    await _create(kafka, [NewTopic(name, 1, kafka.replication_factor, topic_configs=configs)], _DEADLINE_S)
    return name


def topic_configs(kafka: KafkaSettings, topic: Topic) -> dict[str, str]:
    """Return the broker's settings for one topic."""
    if topic.compacted:
        policy = {
            "cleanup.policy": "compact",
            "min.cleanable.dirty.ratio": "0.2",
            "segment.ms": str(6 * HOUR_MS),  # the newest segment is never compacted
            "delete.retention.ms": str(DAY_MS),  # tombstones stay for readers that were away
        }
    else:
        policy = {
            "cleanup.policy": "delete",
            "retention.ms": str(topic.retention_ms),
            "segment.ms": str(max(HOUR_MS, (topic.retention_ms or 0) // 6)),
        }
    return policy | _durability(kafka)


def _durability(kafka: KafkaSettings) -> dict[str, str]:
    return {"min.insync.replicas": "2"} if kafka.replication_factor >= 3 else {}


def _new_topic(kafka: KafkaSettings, topic: Topic) -> NewTopic:
    return NewTopic(
        topic.name,
        kafka.partitions_of(topic),
        kafka.replication_factor,
        topic_configs=topic_configs(kafka, topic),
    )


async def _create(kafka: KafkaSettings, new: Sequence[NewTopic], deadline_s: float) -> dict[str, int]:
    """Create what is missing, wait for leaders, return the partition counts."""
    async with fatal_on_failure("creating topics", deadline_s):
        admin = profiles.admin(kafka)
        try:
            await _connect(admin)
            names = [topic.name for topic in new]
            existing = _existing(await admin.describe_topics(names))
            missing = [topic for topic in new if topic.name not in existing]
            if missing:
                await _request_creation(admin, missing)
            return await _wait_for_leaders(admin, names)
        finally:
            await stop_quietly("admin client", admin.close)


async def _connect(admin: AIOKafkaAdminClient) -> None:
    """Wait for a broker that is still starting."""
    while True:
        try:
            await admin.start()
            return
        except KafkaConnectionError:
            await asyncio.sleep(_RETRY_S)


async def _request_creation(admin: AIOKafkaAdminClient, missing: Sequence[NewTopic]) -> None:
    response: Any = await admin.create_topics(list(missing))  # its fields depend on the protocol version
    for name, code, *message in response.topic_errors:
        error = for_code(code)
        if code and error is not TopicAlreadyExistsError:  # another process was faster: just as good
            raise Fatal("kafka.topic_refused", f"the broker did not create {name}: {error.__name__} {message}")


async def _wait_for_leaders(admin: AIOKafkaAdminClient, names: Sequence[str]) -> dict[str, int]:
    while True:
        found = await admin.describe_topics(list(names))
        counts = {topic["topic"]: len(topic["partitions"]) for topic in found if _has_leaders(topic)}
        if counts.keys() >= set(names):
            return counts
        await asyncio.sleep(_POLL_S)


def _existing(found: Iterable[dict[str, Any]]) -> set[str]:
    names = set()
    for topic in found:
        error = for_code(topic["error_code"])
        if topic["error_code"] == 0 or error is LeaderNotAvailableError:
            names.add(topic["topic"])
        elif error is not UnknownTopicOrPartitionError:
            raise Fatal("kafka.topic_refused", f"the broker refuses {topic['topic']}: {error.__name__}")
    return names


def _has_leaders(topic: dict[str, Any]) -> bool:
    partitions = topic["partitions"]
    return topic["error_code"] == 0 and bool(partitions) and all(p["leader"] >= 0 for p in partitions)
