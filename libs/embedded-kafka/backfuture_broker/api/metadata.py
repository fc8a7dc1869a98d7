"""Who serves what: ApiVersions, Metadata, FindCoordinator."""

import re
from collections.abc import Mapping

from backfuture_broker.api.serving import NODE_ID, THROTTLE_MS, Serving
from backfuture_broker.connection import Request
from backfuture_broker.errors import Code, StorageFullError
from backfuture_broker.topics import Topic
from backfuture_broker.wire import Writer

_NOT_ASKED_FOR = -(1 << 31)  # "authorized operations": nobody is authorised here
_TOPIC_NAME = re.compile(r"[A-Za-z0-9._-]{1,249}")


def valid_topic(name: str) -> bool:
    return name not in (".", "..") and _TOPIC_NAME.fullmatch(name) is not None


def api_versions(request: Request, offered: Mapping[int, tuple[int, int]]) -> Writer:
    """List the offered APIs. An unknown version of this very request is answered as version 0, with an error."""
    if request.version > 3:
        return _versions(0, offered, Code.UNSUPPORTED_VERSION)
    return _versions(request.version, offered, Code.NONE)


def _versions(version: int, offered: Mapping[int, tuple[int, int]], error: Code) -> Writer:
    answer = Writer().i16(error)
    if version >= 3:  # the one "flexible" answer: lengths plus one, and empty lists of tags
        answer.append(len(offered) + 1)
        for key, (lowest, highest) in offered.items():
            answer.i16(key).i16(lowest).i16(highest).i8(0)
        return answer.i32(THROTTLE_MS).i8(0)
    answer.array(offered.items(), lambda item: answer.i16(item[0]).i16(item[1][0]).i16(item[1][1]))
    return answer.i32(THROTTLE_MS) if version >= 1 else answer


def metadata(serving: Serving, request: Request) -> Writer:
    body, version = request.body, request.version
    names = body.nullable_array(body.text)
    may_create = body.flag() if version >= 4 else True
    if names is None:
        names = [topic.name for topic in serving.broker.topics]
    answer = Writer()
    if version >= 3:
        answer.i32(THROTTLE_MS)
    answer.i32(1).i32(NODE_ID).text(serving.host).i32(serving.port).text(None)
    if version >= 2:
        answer.text(serving.broker.cluster_id)
    answer.i32(NODE_ID)
    answer.array(names, lambda name: _describe(answer, version, name, *_topic(serving, name, may_create=may_create)))
    return answer.i32(_NOT_ASKED_FOR) if version >= 8 else answer


def _topic(serving: Serving, name: str, *, may_create: bool) -> tuple[Code, Topic | None]:
    topics, count = serving.broker.topics, serving.broker.options.auto_partitions
    if (topic := topics.get(name)) is not None:
        return Code.NONE, topic
    if not valid_topic(name):
        return Code.INVALID_TOPIC, None
    if not (may_create and count and topics.room_for(count)):
        return Code.UNKNOWN_TOPIC_OR_PARTITION, None
    try:
        return Code.NONE, topics.create(name, count, {})
    except StorageFullError:
        return Code.STORAGE_ERROR, None


def _describe(answer: Writer, version: int, name: str, error: Code, topic: Topic | None) -> None:
    def partition(index: int) -> None:
        answer.i16(Code.NONE).i32(index).i32(NODE_ID)
        if version >= 7:
            answer.i32(0)  # leader epoch
        answer.i32(1).i32(NODE_ID).i32(1).i32(NODE_ID)  # replicas, in sync
        if version >= 5:
            answer.i32(0)  # offline

    answer.i16(error).text(name).flag(False)  # not internal
    answer.array(range(len(topic.partitions) if topic else 0), partition)
    if version >= 8:
        answer.i32(_NOT_ASKED_FOR)


def find_coordinator(serving: Serving, request: Request) -> Writer:
    answer = Writer()
    if request.version >= 1:
        answer.i32(THROTTLE_MS)
    answer.i16(Code.NONE)
    if request.version >= 1:
        answer.text(None)
    return answer.i32(NODE_ID).text(serving.host).i32(serving.port)
