"""InitProducerId, AddPartitionsToTxn, AddOffsetsToTxn, TxnOffsetCommit, EndTxn."""

from backfuture_broker.api.commits import read_rows, refusal_of_row, write_errors
from backfuture_broker.api.serving import THROTTLE_MS, Serving
from backfuture_broker.connection import Request
from backfuture_broker.errors import Code
from backfuture_broker.wire import Writer


def init_producer(serving: Serving, request: Request) -> Writer:
    body = request.body
    id_, timeout_ms = body.nullable_text(), body.i32()
    if id_ is None:
        error, producer_id, epoch = serving.broker.transactions.new_producer()
    elif not id_:
        error, producer_id, epoch = Code.INVALID_REQUEST, -1, -1
    else:
        error, producer_id, epoch = serving.broker.transactions.initialise(id_, timeout_ms)
    return Writer().i32(THROTTLE_MS).i16(error).i64(producer_id).i16(epoch)


def add_partitions(serving: Serving, request: Request) -> Writer:
    """Add all partitions or, if one of them does not exist, none."""
    body = request.body
    id_, producer_id, epoch = body.text(), body.i64(), body.i16()
    topics = body.array(lambda: (body.text(), body.array(body.i32)))
    places = [(name, index) for name, indexes in topics for index in indexes]
    missing = {place for place in places if serving.broker.partition(*place) is None}
    error = Code.NONE
    if not missing:
        error = serving.broker.transactions.add_partitions(id_, producer_id, epoch, places)
    answer = Writer().i32(THROTTLE_MS)

    def one(name: str, index: int) -> None:
        answer.i32(index).i16(Code.UNKNOWN_TOPIC_OR_PARTITION if (name, index) in missing else error)

    return answer.array(topics, lambda topic: answer.text(topic[0]).array(topic[1], lambda index: one(topic[0], index)))


def add_offsets(serving: Serving, request: Request) -> Writer:
    body = request.body
    id_, producer_id, epoch = body.text(), body.i64(), body.i16()
    error = serving.broker.transactions.add_group(id_, producer_id, epoch, body.text())
    return Writer().i32(THROTTLE_MS).i16(error)


def commit_offsets(serving: Serving, request: Request) -> Writer:
    body = request.body
    id_, group_id, producer_id, epoch = body.text(), body.text(), body.i64(), body.i16()
    rows = read_rows(body, with_epoch=request.version >= 2)
    errors = [(row, refusal_of_row(serving, row)) for row in rows]
    if not any(refused for _, refused in errors):
        error = serving.broker.transactions.commit_offsets(id_, producer_id, epoch, group_id, rows)
        errors = [(row, error) for row in rows]
    return write_errors(Writer().i32(THROTTLE_MS), errors)


def end(serving: Serving, request: Request) -> None:
    body = request.body
    id_, producer_id, epoch, commit = body.text(), body.i64(), body.i16(), body.flag()

    def reply(error: Code) -> None:
        request.answer(Writer().i32(THROTTLE_MS).i16(error))

    serving.broker.transactions.end(id_, producer_id, epoch, reply, commit=commit)
