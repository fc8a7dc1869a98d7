"""Batches as a producer makes them, a clock that stands still, and a partition in a folder."""

from collections.abc import Iterable
from pathlib import Path

from aiokafka.record._crecords import DefaultRecordBatchBuilder
from backfuture_broker.batch import HEADER_SIZE, header_at, records_of
from backfuture_broker.clock import Clock
from backfuture_broker.configs import TopicConfig
from backfuture_broker.disk import Disk
from backfuture_broker.errors import Code
from backfuture_broker.log.partition import Appended, Log, Partition
from backfuture_broker.log.recovery import open_partition

NOON_MS = 1_700_000_000_000

KeyValue = tuple[bytes | None, bytes | None]


class FakeClock(Clock):
    """Turned by hand."""

    def __init__(self) -> None:
        self.time_ms = NOON_MS

    def now_ms(self) -> int:
        return self.time_ms

    def monotonic_s(self) -> float:
        return self.time_ms / 1000

    def pass_ms(self, duration_ms: int) -> None:
        self.time_ms += duration_ms


def batch_of(
    records: Iterable[KeyValue],
    *,
    time_ms: int = NOON_MS,
    codec: int = 0,
    producer: tuple[int, int, int] = (-1, -1, -1),
    transactional: bool = False,
) -> bytes:
    """Return one batch; the producer is (id, epoch, first sequence number), the records are a second apart."""
    builder = DefaultRecordBatchBuilder(2, codec, int(transactional), *producer, 1 << 24)
    for number, (key, value) in enumerate(records):
        builder.append(number, time_ms + number * 1000, key, value, [])
    return bytes(builder.build())


def one(value: bytes, key: bytes | None = b"k", *, time_ms: int = NOON_MS) -> bytes:
    return batch_of([(key, value)], time_ms=time_ms)


def of_producer(
    producer_id: int, epoch: int, sequence: int, *values: bytes, key: bytes = b"k", transactional: bool = False
) -> bytes:
    """Return a batch of an idempotent producer."""
    records = [(key, value) for value in values]
    return batch_of(records, producer=(producer_id, epoch, sequence), transactional=transactional)


def allowed(_producer_id: int, _epoch: int) -> Code:
    return Code.NONE


class Bench:
    """A partition in a folder, and the means to stop it, crash it and open it again."""

    def __init__(self, folder: Path, **configs: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.clock = folder, FakeClock()
        self.config = TopicConfig({name.replace("_", "."): value for name, value in configs.items()})
        self.partition = self._open()

    def _open(self) -> Partition:
        return open_partition(self.folder, self.config, Log(Disk(), self.clock))

    def crash_and_reopen(self) -> Partition:
        """Open the files anew as a crash left them: nothing was noted at the end."""
        if not self.partition.closed:
            self.partition.close()
        self.partition = self._open()
        return self.partition

    def append(self, data: bytes) -> Appended:
        return self.partition.produce(memoryview(data), allowed)

    def must_append(self, data: bytes) -> int:
        appended = self.append(data)
        assert appended.error == Code.NONE, appended
        return appended.offset

    def fill(self, records: Iterable[KeyValue]) -> None:
        """Append records in batches of their own."""
        for record in records:
            self.must_append(batch_of([record], time_ms=self.clock.now_ms()))

    def all_batches(self, start: int = 0, *, committed: bool = False, max_bytes: int = 1 << 30) -> list[bytes]:
        """Read to the end as a consumer does, fetch by fetch."""
        found: list[bytes] = []
        position = start
        while True:
            fetched = self.partition.read(position, max_bytes, committed=committed, at_least_one=True)
            assert fetched.error == Code.NONE, fetched
            if not fetched.data:
                return found
            for data in split(fetched.data):
                found.append(data)
                position = header_at(data, 0).next_offset

    def values(self, start: int = 0, **options: bool) -> list[bytes | None]:
        return [value for _, _, value in self.records(start, **options)]

    def records(self, start: int = 0, **options: bool) -> list[tuple[int, bytes | None, bytes | None]]:
        """Return offset, key and value of all data records from an offset on."""
        return [
            (record.offset, record.key, record.value)
            for data in self.all_batches(start, **options)
            if not header_at(data, 0).is_control
            for record in decoded(data)
            if record.offset >= start
        ]


class Record:
    """A record's fields, typed."""

    def __init__(self, offset: int, timestamp: int, key: bytes | None, value: bytes | None) -> None:
        self.offset, self.timestamp, self.key, self.value = offset, timestamp, key, value


def decoded(data: bytes) -> list[Record]:
    records = records_of(data)
    assert records is not None
    return [Record(each.offset, each.timestamp, each.key, each.value) for each in records]


def split(data: bytes) -> list[bytes]:
    """Split what was fetched into its batches; every one must be whole."""
    batches, position = [], 0
    while position < len(data):
        assert len(data) - position >= HEADER_SIZE
        batch = header_at(data, position)
        assert position + batch.size <= len(data)
        batches.append(data[position : position + batch.size])
        position += batch.size
    return batches
