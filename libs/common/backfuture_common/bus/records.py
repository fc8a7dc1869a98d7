# mypy: untyped-calls-exclude=aiokafka
"""What is read from and written to topics, and how it looks on the wire."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from aiokafka.partitioner import murmur2

from backfuture_common.errors import Refused
from backfuture_common.messages.codec import Decoder, Message, encode
from backfuture_common.topics import Topic

Positions = Mapping[tuple[str, int], int]
"""(topic name, partition) -> offset of the next record."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """A committed record. ``value`` None is a tombstone: what stood under the key is gone."""

    topic: Topic
    partition: int
    offset: int
    key: str
    value: Message | None
    timestamp_ms: int


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A record to write; the key chooses the partition unless one is given."""

    topic: Topic
    key: str
    value: Message | None
    partition: int | None = None


@dataclass(frozen=True, slots=True)
class Poison:
    """A record that nobody can read, as it is, and why."""

    topic: Topic
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    reason: str


class RawRecord(Protocol):
    """The fields used of the client's record."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None


class TopicDecoder:
    """Turns the client's records of certain topics into :class:`Incoming` or :class:`Poison`."""

    def __init__(self, topics: tuple[Topic, ...]) -> None:
        self._topics = {topic.name: (topic, Decoder(topic.types)) for topic in topics}

    def decode(self, raw: RawRecord) -> Incoming | Poison:
        topic, decoder = self._topics[raw.topic]
        try:
            key = (raw.key or b"").decode()
            value: Message | None = None if raw.value is None else decoder.decode(raw.value)
        except (Refused, UnicodeDecodeError) as error:
            reason = error.info.message if isinstance(error, Refused) else "the key is not UTF-8"
            return Poison(topic, raw.partition, raw.offset, raw.key, raw.value, reason)
        return Incoming(topic, raw.partition, raw.offset, key, value, raw.timestamp)


def wire_key(record: Outgoing) -> bytes:
    """Return the key's bytes; every record has one."""
    return record.key.encode()


def wire_value(record: Outgoing) -> bytes | None:
    """Return the value's bytes, None for a tombstone."""
    return None if record.value is None else encode(record.value)


def partition_of(key: str, count: int) -> int:
    """Return the partition of ``count`` that the producer puts this key on (murmur2, as all Kafka clients of note)."""
    return int(murmur2(key.encode()) & 0x7FFF_FFFF) % count
