"""CreateTopics, DeleteTopics, CreatePartitions."""

from typing import NamedTuple

from backfuture_broker.api.metadata import valid_topic
from backfuture_broker.api.serving import THROTTLE_MS, Serving
from backfuture_broker.configs import config_error
from backfuture_broker.connection import Request
from backfuture_broker.errors import Code, StorageFullError
from backfuture_broker.topics import MOST_PARTITIONS
from backfuture_broker.wire import Reader, Writer

_DISK_FULL = "No room left on the broker's disk, or no further file can be opened."
_TOO_MANY = f"This broker keeps at most {MOST_PARTITIONS} partitions."

Refusal = tuple[Code, str | None]
_FINE: Refusal = (Code.NONE, None)


class _NewTopic(NamedTuple):
    name: str
    partitions: int
    replication: int
    configs: dict[str, str | None]


def _read(body: Reader) -> _NewTopic:
    name, partitions, replication = body.text(), body.i32(), body.i16()
    assignment = body.array(lambda: (body.i32(), body.array(body.i32)))
    if assignment:  # placed by hand: on the one broker there is
        partitions, replication = len(assignment), 1
    return _NewTopic(name, partitions, replication, dict(body.array(lambda: (body.text(), body.nullable_text()))))


def create(serving: Serving, request: Request) -> Writer:
    body, version = request.body, request.version
    asked = body.array(lambda: _read(body))
    body.i32()  # the time it may take
    only_check = body.flag()
    answer = Writer().i32(THROTTLE_MS)

    def one(topic: _NewTopic) -> None:
        error, message = _create(serving, topic, only_check=only_check)
        answer.text(topic.name).i16(error)
        if version >= 1:
            answer.text(message)

    return answer.array(asked, one)


def _create(serving: Serving, topic: _NewTopic, *, only_check: bool) -> Refusal:
    count = topic.partitions if topic.partitions != -1 else max(serving.broker.options.auto_partitions, 1)
    refusal = _refusal(serving, topic, count)
    if refusal[0] or only_check:
        return refusal
    configs = {name: value for name, value in topic.configs.items() if value is not None}
    try:
        serving.broker.topics.create(topic.name, count, configs)
    except StorageFullError:
        return Code.STORAGE_ERROR, _DISK_FULL
    return _FINE


def _refusal(serving: Serving, topic: _NewTopic, count: int) -> Refusal:
    topics = serving.broker.topics
    refusal = _FINE
    if not valid_topic(topic.name):
        refusal = Code.INVALID_TOPIC, "A topic's name has 1 to 249 letters, digits, dots, underscores and hyphens."
    elif topics.get(topic.name):
        refusal = Code.TOPIC_ALREADY_EXISTS, f"Topic '{topic.name}' already exists."
    elif count < 1:
        refusal = Code.INVALID_PARTITIONS, "Number of partitions must be larger than 0."
    elif not topics.room_for(count):
        refusal = Code.INVALID_PARTITIONS, _TOO_MANY
    elif topic.replication not in (-1, 1):
        refusal = Code.INVALID_REPLICATION_FACTOR, f"Replication factor {topic.replication} on a single broker."
    elif problem := config_error(topic.configs):
        refusal = Code.INVALID_CONFIG, problem
    return refusal


def delete(serving: Serving, request: Request) -> Writer:
    names = request.body.array(request.body.text)
    answer = Writer()
    if request.version >= 1:
        answer.i32(THROTTLE_MS)
    return answer.array(names, lambda name: answer.text(name).i16(_delete(serving, name)))


def _delete(serving: Serving, name: str) -> Code:
    topic = serving.broker.topics.get(name)
    if topic is None:
        return Code.UNKNOWN_TOPIC_OR_PARTITION
    try:
        serving.broker.topics.delete(topic)
    except StorageFullError:
        return Code.STORAGE_ERROR
    return Code.NONE


def add_partitions(serving: Serving, request: Request) -> Writer:
    body = request.body
    asked = body.array(lambda: (body.text(), body.i32(), body.nullable_array(lambda: body.array(body.i32))))
    body.i32()  # the time it may take
    only_check = body.flag()
    answer = Writer().i32(THROTTLE_MS)

    def one(name: str, count: int) -> None:
        error, message = _grow(serving, name, count, only_check=only_check)
        answer.text(name).i16(error).text(message)

    return answer.array(asked, lambda each: one(each[0], each[1]))


def _grow(serving: Serving, name: str, count: int, *, only_check: bool) -> Refusal:
    topic = serving.broker.topics.get(name)
    if topic is None:
        return Code.UNKNOWN_TOPIC_OR_PARTITION, None
    more = count - len(topic.partitions)
    if more < 1:
        return Code.INVALID_PARTITIONS, f"Topic '{name}' already has {len(topic.partitions)} partitions."
    if not serving.broker.topics.room_for(more):
        return Code.INVALID_PARTITIONS, _TOO_MANY
    if only_check:
        return _FINE
    try:
        serving.broker.topics.grow(topic, count)
    except StorageFullError:
        return Code.STORAGE_ERROR, _DISK_FULL
    return _FINE
