"""Fetch, and waiting for data that is not there yet."""

import asyncio
from typing import NamedTuple

from backfuture_broker.api.serving import THROTTLE_MS, Serving
from backfuture_broker.connection import Request
from backfuture_broker.errors import Code
from backfuture_broker.log.partition import Fetched, Partition
from backfuture_broker.wire import Reader, Writer

_MOST_BYTES = 55 << 20  # of one answer, as Kafka's fetch.max.bytes
_LONGEST_WAIT_MS = 3_600_000


class _Wanted(NamedTuple):
    partition: int
    offset: int
    max_bytes: int


class _Fetch(NamedTuple):
    version: int
    max_wait_ms: int
    min_bytes: int
    max_bytes: int
    committed: bool
    topics: list[tuple[str, list[_Wanted]]]


def fetch(serving: Serving, request: Request) -> Writer | None:
    """Answer at once with enough data, an error, or when the client does not want to wait; later otherwise."""
    wanted = _read(request.body, request.version)
    answer, size, failed = _collect(serving, wanted)
    if failed or size >= wanted.min_bytes or wanted.max_wait_ms <= 0:
        return answer
    _Waiting(serving, request, wanted).begin()
    return None


def _read(body: Reader, version: int) -> _Fetch:
    body.i32()  # replica id
    max_wait_ms, min_bytes, max_bytes = body.i32(), body.i32(), body.i32()
    committed = body.i8() == 1
    if version >= 7:
        body.i32()  # session id and epoch: there are no sessions, every fetch is a full one
        body.i32()

    def one() -> _Wanted:
        index = body.i32()
        if version >= 9:
            body.i32()  # leader epoch
        offset = body.i64()
        if version >= 5:
            body.i64()  # the follower's log start
        return _Wanted(index, offset, body.i32())

    topics = body.array(lambda: (body.text(), body.array(one)))
    max_bytes = max(min(max_bytes, _MOST_BYTES), 0)
    return _Fetch(version, min(max_wait_ms, _LONGEST_WAIT_MS), min(min_bytes, max_bytes), max_bytes, committed, topics)


def _collect(serving: Serving, wanted: _Fetch) -> tuple[Writer, int, bool]:
    """Return the answer as of now, how many bytes of records it holds, and whether it holds an error."""
    answer = Writer().i32(THROTTLE_MS)
    if wanted.version >= 7:
        answer.i16(Code.NONE).i32(0)
    size, failed = 0, False
    answer.i32(len(wanted.topics))
    for name, parts in wanted.topics:
        answer.text(name).i32(len(parts))
        for part in parts:
            partition = serving.broker.partition(name, part.partition)
            if partition is None:
                fetched = Fetched(Code.UNKNOWN_TOPIC_OR_PARTITION)
            else:
                limit = max(min(part.max_bytes, wanted.max_bytes - size), 0)
                # a batch longer than the limits comes alone, or its reader would stand still
                fetched = partition.read(part.offset, limit, committed=wanted.committed, at_least_one=size == 0)
            size += len(fetched.data)
            failed = failed or fetched.error != Code.NONE
            _write(answer, wanted, part, partition, fetched)
    return answer, size, failed


def _write(answer: Writer, wanted: _Fetch, part: _Wanted, partition: Partition | None, fetched: Fetched) -> None:
    answer.i32(part.partition).i16(fetched.error)
    if partition is None:
        answer.i64(-1).i64(-1)
    else:
        answer.i64(partition.end).i64(partition.stable_end)
    if wanted.version >= 5:
        answer.i64(partition.start if partition else -1)
    if wanted.committed and partition and fetched.data and partition.producers.aborted:
        aborted = partition.producers.aborted_between(part.offset, fetched.upper)
        answer.array(aborted, lambda each: answer.i64(each.producer_id).i64(each.first))
    else:
        answer.i32(0)
    if wanted.version >= 11:
        answer.i32(-1)  # no better replica to read from
    answer.blob(fetched.data)


class _Waiting:
    """A fetch that waits until one of its partitions has something, or its time is over."""

    def __init__(self, serving: Serving, request: Request, wanted: _Fetch) -> None:
        self._serving, self._request, self._wanted = serving, request, wanted
        self._looking = False

    def begin(self) -> None:
        look_up = self._serving.broker.partition
        found = [look_up(name, part.partition) for name, parts in self._wanted.topics for part in parts]
        self._partitions = [partition for partition in found if partition is not None]
        for partition in self._partitions:
            partition.waiters.add(self._wake)
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self._wanted.max_wait_ms / 1000, self._give_up)
        self._request.on_close(self._cancel)

    def _wake(self) -> None:
        """Look once, however many batches come before the event loop gets to it."""
        if not self._looking:
            self._looking = True
            asyncio.get_running_loop().call_soon(self._look)

    def _look(self) -> None:
        if self._timer.cancelled():
            return
        self._looking = False
        answer, size, failed = _collect(self._serving, self._wanted)
        if failed or size >= self._wanted.min_bytes:
            self._end(answer)

    def _give_up(self) -> None:
        self._end(_collect(self._serving, self._wanted)[0])

    def _end(self, answer: Writer) -> None:
        self._cancel()
        self._request.answer(answer)

    def _cancel(self) -> None:
        self._timer.cancel()
        for partition in self._partitions:
            partition.waiters.discard(self._wake)
