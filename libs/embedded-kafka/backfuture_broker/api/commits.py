"""Offsets that consumers have reached: OffsetCommit, OffsetFetch."""

from backfuture_broker.api.serving import THROTTLE_MS, Serving
from backfuture_broker.connection import Request
from backfuture_broker.errors import Code, StorageFullError
from backfuture_broker.state import Committed, OffsetRow, OffsetsCommitted
from backfuture_broker.wire import Reader, Writer

LONGEST_METADATA = 4096
_NOTHING = Committed(-1, "")


def read_rows(body: Reader, *, with_epoch: bool) -> list[OffsetRow]:
    """Read offsets by topic and partition, in the order of the request."""

    def one(topic: str) -> OffsetRow:
        index, offset = body.i32(), body.i64()
        if with_epoch:
            body.i32()  # leader epoch
        return OffsetRow(topic, index, offset, body.nullable_text())

    def one_topic() -> list[OffsetRow]:
        topic = body.text()
        return body.array(lambda: one(topic))

    return [row for rows in body.array(one_topic) for row in rows]


def write_errors(answer: Writer, errors: list[tuple[OffsetRow, Code]]) -> Writer:
    """Write an error for each row, by topic."""
    by_topic: dict[str, list[tuple[int, Code]]] = {}
    for row, error in errors:
        by_topic.setdefault(row.topic, []).append((row.partition, error))
    return answer.array(
        by_topic.items(),
        lambda topic: answer.text(topic[0]).array(topic[1], lambda part: answer.i32(part[0]).i16(part[1])),
    )


def refusal_of_row(serving: Serving, row: OffsetRow) -> Code:
    if serving.broker.partition(row.topic, row.partition) is None:
        return Code.UNKNOWN_TOPIC_OR_PARTITION
    return Code.OFFSET_METADATA_TOO_LARGE if len(row.metadata or "") > LONGEST_METADATA else Code.NONE


def commit(serving: Serving, request: Request) -> Writer:
    body, version = request.body, request.version
    group_id, generation, member_id = body.text(), body.i32(), body.text()
    instance_id = body.nullable_text() if version >= 7 else None
    if version <= 4:
        body.i64()  # how long to keep them: for ever
    rows = read_rows(body, with_epoch=version >= 6)
    error = _may_commit(serving, group_id, generation, member_id, instance_id)
    errors = [(row, error or refusal_of_row(serving, row)) for row in rows]
    accepted = tuple(row for row, refused in errors if not refused)
    if accepted:
        try:
            serving.broker.store.record(OffsetsCommitted(group_id, accepted))
        except StorageFullError:
            errors = [(row, refused or Code.COORDINATOR_NOT_AVAILABLE) for row, refused in errors]
    answer = Writer()
    if version >= 3:
        answer.i32(THROTTLE_MS)
    return write_errors(answer, errors)


def _may_commit(serving: Serving, group_id: str, generation: int, member_id: str, instance_id: str | None) -> Code:
    group = serving.broker.groups.get(group_id)
    if group is not None:
        return group.may_commit(member_id, generation, instance_id)
    # without members anybody may, but nobody can be a member
    return Code.NONE if generation < 0 and not member_id else Code.ILLEGAL_GENERATION


def fetch_committed(serving: Serving, request: Request) -> Writer:
    body, version = request.body, request.version
    group_id = body.text()
    asked = body.nullable_array(lambda: (body.text(), body.array(body.i32)))
    committed = serving.broker.store.state.offsets.get(group_id, {})
    if asked is None:
        by_topic: dict[str, list[int]] = {}
        for topic, index in committed:
            by_topic.setdefault(topic, []).append(index)
        asked = list(by_topic.items())
    answer = Writer()
    if version >= 3:
        answer.i32(THROTTLE_MS)

    def one(topic: str, index: int) -> None:
        offset, metadata = committed.get((topic, index), _NOTHING)
        answer.i32(index).i64(offset)
        if version >= 5:
            answer.i32(-1)  # leader epoch
        answer.text(metadata).i16(Code.NONE)

    answer.array(asked, lambda topic: answer.text(topic[0]).array(topic[1], lambda index: one(topic[0], index)))
    return answer.i16(Code.NONE) if version >= 2 else answer
