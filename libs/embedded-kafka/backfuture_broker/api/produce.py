"""Produce."""

from backfuture_broker.api.serving import THROTTLE_MS, Serving
from backfuture_broker.connection import Request
from backfuture_broker.errors import Code
from backfuture_broker.log.partition import Appended, Partition
from backfuture_broker.wire import Writer


def produce(serving: Serving, request: Request) -> Writer | None:
    """Append one batch to each partition named. Without an answer (acks 0) errors are not told."""
    body, version = request.body, request.version
    transactional_id = body.nullable_text() if version >= 3 else None
    acks = body.i16()
    body.i32()  # the time to wait for replicas
    topics = body.array(lambda: (body.text(), body.array(lambda: (body.i32(), body.blob()))))
    answer = Writer()

    def one_topic(topic: tuple[str, list[tuple[int, memoryview]]]) -> None:
        name, parts = topic
        answer.text(name).array(parts, lambda part: one_partition(name, *part))

    def one_partition(name: str, index: int, data: memoryview) -> None:
        partition = serving.broker.partition(name, index)
        if partition is None:
            appended = Appended(Code.UNKNOWN_TOPIC_OR_PARTITION)
        else:
            appended = partition.produce(data, serving.broker.transactions.check(transactional_id, (name, index)))
        _write(answer, version, index, partition, appended)

    answer.array(topics, one_topic)
    if acks == 0:
        request.no_answer()
        return None
    return answer.i32(THROTTLE_MS) if version >= 1 else answer


def _write(answer: Writer, version: int, index: int, partition: Partition | None, appended: Appended) -> None:
    answer.i32(index).i16(appended.error).i64(appended.offset)
    if version >= 2:
        answer.i64(appended.stamped_ms)
    if version >= 5:
        answer.i64(partition.start if partition else -1)
    if version >= 8:
        answer.i32(0).text(None)  # no errors of single records
