"""Where a log starts, ends and stood at a time: ListOffsets, OffsetForLeaderEpoch, DeleteRecords."""

from backfuture_broker.api.serving import THROTTLE_MS, Serving
from backfuture_broker.connection import Request
from backfuture_broker.errors import Code, StorageFullError
from backfuture_broker.log.partition import NO_OFFSET, Partition
from backfuture_broker.wire import Writer

_LATEST, _EARLIEST = -1, -2


def list_offsets(serving: Serving, request: Request) -> Writer:
    body, version = request.body, request.version
    body.i32()  # replica id
    committed = version >= 2 and body.i8() == 1

    def asked() -> tuple[int, int]:
        index = body.i32()
        if version >= 4:
            body.i32()  # leader epoch
        return index, body.i64()

    topics = body.array(lambda: (body.text(), body.array(asked)))
    answer = Writer()
    if version >= 2:
        answer.i32(THROTTLE_MS)

    def tell(name: str, index: int, time_ms: int) -> None:
        partition = serving.broker.partition(name, index)
        if partition is None:
            answer.i32(index).i16(Code.UNKNOWN_TOPIC_OR_PARTITION).i64(-1).i64(NO_OFFSET)
        else:
            found_ms, offset = _look_up(partition, time_ms, committed=committed)
            answer.i32(index).i16(Code.NONE).i64(found_ms).i64(offset)
        if version >= 4:
            answer.i32(0)  # leader epoch

    return answer.array(topics, lambda topic: answer.text(topic[0]).array(topic[1], lambda part: tell(topic[0], *part)))


def _look_up(partition: Partition, time_ms: int, *, committed: bool) -> tuple[int, int]:
    """Return time and offset; the time is known only if it was searched by."""
    if time_ms == _LATEST:
        return -1, partition.stable_end if committed else partition.end
    if time_ms == _EARLIEST:
        return -1, partition.start
    return partition.first_at(time_ms)


def leader_epochs(serving: Serving, request: Request) -> Writer:
    """Tell where an epoch of the leader ends: there is only one epoch, so at the end of the log."""
    body, version = request.body, request.version
    if version >= 3:
        body.i32()  # replica id

    def asked() -> int:
        index = body.i32()
        if version >= 2:
            body.i32()  # current leader epoch
        body.i32()
        return index

    topics = body.array(lambda: (body.text(), body.array(asked)))
    answer = Writer()
    if version >= 2:
        answer.i32(THROTTLE_MS)

    def tell(name: str, index: int) -> None:
        partition = serving.broker.partition(name, index)
        answer.i16(Code.NONE if partition else Code.UNKNOWN_TOPIC_OR_PARTITION).i32(index)
        if version >= 1:
            answer.i32(0)
        answer.i64(partition.end if partition else NO_OFFSET)

    return answer.array(
        topics, lambda topic: answer.text(topic[0]).array(topic[1], lambda index: tell(topic[0], index))
    )


def delete_records(serving: Serving, request: Request) -> Writer:
    """Move the start of logs; -1 means to the end."""
    body = request.body
    topics = body.array(lambda: (body.text(), body.array(lambda: (body.i32(), body.i64()))))
    answer = Writer().i32(THROTTLE_MS)

    def tell(name: str, index: int, offset: int) -> None:
        partition = serving.broker.partition(name, index)
        error = Code.UNKNOWN_TOPIC_OR_PARTITION if partition is None else _delete_before(partition, offset)
        answer.i32(index).i64(partition.start if partition else NO_OFFSET).i16(error)

    return answer.array(topics, lambda topic: answer.text(topic[0]).array(topic[1], lambda part: tell(topic[0], *part)))


def _delete_before(partition: Partition, offset: int) -> Code:
    if not -1 <= offset <= partition.end:
        return Code.OFFSET_OUT_OF_RANGE
    try:
        partition.delete_before(partition.end if offset == -1 else offset)
    except StorageFullError:
        return Code.STORAGE_ERROR
    return Code.NONE
