"""One partition: an ordered log in segments, who may append to it, and who waits for it."""

from bisect import bisect_right
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from backfuture_broker.batch import (
    HEADER_SIZE,
    MAGIC,
    Batch,
    checksum_holds,
    header_at,
    marker,
    place,
    plausible,
    records_of,
    stamp,
)
from backfuture_broker.clock import Clock
from backfuture_broker.configs import TopicConfig
from backfuture_broker.disk import Disk, replace_file, sync_folder
from backfuture_broker.errors import Code, StorageFullError
from backfuture_broker.log.notes import forget_index, leave_notes
from backfuture_broker.log.producers import Producers
from backfuture_broker.log.segment import Segment

NO_OFFSET = -1
START_FILE = "start"  # where the log starts, when that is inside a segment


class Appended(NamedTuple):
    error: Code
    offset: int = NO_OFFSET
    stamped_ms: int = -1  # the time of appending, for topics that use it


class Fetched(NamedTuple):
    error: Code
    data: bytes = b""
    upper: int = 0  # no record in ``data`` has this offset or a later one


class Log(NamedTuple):
    """What every partition of the broker shares."""

    disk: Disk
    clock: Clock


TransactionCheck = Callable[[int, int], Code]  # (producer id, epoch) -> may it write here now?


class Partition:
    """A log with records ``start`` to ``end`` (exclusive). At least one segment; only the last one grows."""

    def __init__(self, folder: Path, config: TopicConfig, log: Log) -> None:
        """Describe a partition; ``recovery.open_partition`` reads or makes its files."""
        self.folder, self.config = folder, config
        self.disk, self.clock = log
        self.start = 0
        self.segments: list[Segment] = []
        self.producers = Producers()
        self.cleaned_to = 0  # compaction has seen everything before this offset
        self.waiters: set[Callable[[], None]] = set()
        self.closed = False

    @property
    def end(self) -> int:
        return self.segments[-1].end

    @property
    def stable_end(self) -> int:
        """The offset before which every transaction is decided."""
        return min(self.producers.open.values(), default=self.end)

    # -- appending

    def produce(self, data: memoryview, may_write: TransactionCheck) -> Appended:
        """Append one batch of a client. An idempotent producer's repeated batch gets the offset it already has."""
        if len(data) < HEADER_SIZE:
            return Appended(Code.CORRUPT_MESSAGE)
        batch = header_at(data, 0)
        if error := self._refusal(batch, data):
            return Appended(error)
        if batch.producer_id >= 0:
            if (known := self.producers.offset_of_duplicate(batch)) is not None:
                return Appended(Code.NONE, known)
            error = self.producers.verdict(batch)
            if not error and batch.is_transactional:
                error = may_write(batch.producer_id, batch.producer_epoch)
            if error:
                return Appended(error)
        return self._store(bytearray(data), batch)

    def _refusal(self, batch: Batch, data: memoryview) -> Code:
        if batch.magic != MAGIC:
            return Code.UNSUPPORTED_FOR_MESSAGE_FORMAT
        if not plausible(batch, len(data)) or not 1 <= batch.record_count == batch.last_offset_delta + 1:
            return Code.CORRUPT_MESSAGE
        if batch.size != len(data) or batch.is_control or (batch.producer_id >= 0 > batch.base_sequence):
            return Code.INVALID_RECORD  # a request carries one batch for a partition
        if batch.size > self.config.max_message_bytes:
            return Code.MESSAGE_TOO_LARGE
        if not checksum_holds(batch, data):
            return Code.CORRUPT_MESSAGE
        return self._refusal_of_content(batch, data)

    def _refusal_of_content(self, batch: Batch, data: memoryview) -> Code:
        config, now_ms = self.config, self.clock.now_ms()
        if not config.log_append_time and (
            batch.max_timestamp > now_ms + config.after_max_ms or batch.base_timestamp < now_ms - config.before_max_ms
        ):
            return Code.INVALID_TIMESTAMP
        if config.compact:
            records = records_of(bytes(data))
            if records is None:
                return Code.CORRUPT_MESSAGE
            if any(record.key is None for record in records):
                return Code.INVALID_RECORD
        return Code.NONE

    def _store(self, data: bytearray, batch: Batch) -> Appended:
        now_ms = self.clock.now_ms()
        stamped_ms = -1
        if self.config.log_append_time:
            stamp(data, now_ms)
            stamped_ms = now_ms
        try:
            placed = self._append(data, now_ms)
        except StorageFullError:
            return Appended(Code.STORAGE_ERROR)
        if batch.producer_id >= 0:
            self.producers.wrote(placed, now_ms)
        self._wake()
        return Appended(Code.NONE, placed.base_offset, stamped_ms)

    def end_transaction(self, producer_id: int, epoch: int, *, commit: bool) -> None:
        """Write the marker that decides a producer's transaction here. StorageFullError leaves it undecided."""
        now_ms = self.clock.now_ms()
        placed = self._append(marker(producer_id, epoch, commit=commit, now_ms=now_ms), now_ms)
        self.producers.ended(placed, now_ms, commit=commit)
        self._wake()

    def _append(self, data: bytearray, now_ms: int) -> Batch:
        segment = self.segments[-1]
        full = segment.size + len(data) > self.config.segment_bytes
        if segment.size and (full or now_ms - segment.born_ms > self.config.segment_ms):
            segment = self.roll()
        if not segment.size:
            segment.born_ms = now_ms
        place(data, segment.end)
        batch = header_at(data, 0)
        segment.append(data, batch)
        self.disk.wrote(segment.descriptor)
        return batch

    def _wake(self) -> None:
        for wake in tuple(self.waiters):
            wake()

    def roll(self) -> Segment:
        """Close the segment that grows and begin another. StorageFullError: the old one goes on growing."""
        old = self.segments[-1]
        new = Segment(self.folder / f"{old.end:020d}.log", old.end, self.clock.now_ms())
        if self.disk.durable:
            sync_folder(self.folder)
        self.segments.append(new)
        self.settle(old)
        return new

    def settle(self, segment: Segment) -> None:
        """Have a closed segment forced to the disk; then leave notes that spare the next start reading it."""
        producers = self.producers.dump()

        def forced() -> None:
            if not self.closed and segment in self.segments:
                leave_notes(segment, producers, durable=self.disk.durable)

        self.disk.settle(segment.descriptor, forced)

    # -- reading

    def read(self, offset: int, max_bytes: int, *, committed: bool, at_least_one: bool) -> Fetched:
        """Read whole batches from the one with ``offset`` on; only decided ones if ``committed``."""
        if not self.start <= offset <= self.end:
            return Fetched(Code.OFFSET_OUT_OF_RANGE)
        stop = self.stable_end if committed else self.end
        for segment in self.segments[self._holding(offset) :]:
            if segment.base >= stop or offset >= stop:
                break
            # nothing found: compaction has removed the rest of this segment
            if data := segment.read(offset, stop, max_bytes, at_least_one=at_least_one):
                return Fetched(Code.NONE, data, min(stop, segment.end))
            if segment.locate(offset) < segment.size:
                break
        return Fetched(Code.NONE)

    def _holding(self, offset: int) -> int:
        """Return which segment an offset belongs to, present or not."""
        if offset >= self.segments[-1].base:
            return len(self.segments) - 1
        return max(bisect_right(self.segments, offset, key=lambda segment: segment.base) - 1, 0)

    def first_at(self, time_ms: int) -> tuple[int, int]:
        """Return time and offset of the first record that is not older than ``time_ms``; (-1, -1) if there is none."""
        for segment in self.segments:
            if segment.latest_ms < time_ms:
                continue
            index = segment.index
            entry = next((n for n, latest_ms in enumerate(index.times) if latest_ms >= time_ms), 0)
            for position, batch in segment.batches(index.positions[entry] if index.positions else 0):
                if batch.max_timestamp < time_ms or batch.is_control or batch.next_offset <= self.start:
                    continue
                for record in records_of(segment.bytes_of(position, batch)) or ():
                    if record.timestamp >= time_ms and record.offset >= self.start:
                        return record.timestamp, record.offset
        return -1, NO_OFFSET

    # -- losing old records

    def delete_before(self, offset: int) -> None:
        """Move the start of the log; whole segments before it are removed. StorageFullError changes nothing."""
        start = max(self.start, min(offset, self.end))
        replace_file(self.folder / START_FILE, str(start).encode(), durable=self.disk.durable)
        self.start = start
        while len(self.segments) > 1 and self.segments[1].base <= start:
            self.drop_oldest()

    def drop_oldest(self) -> None:
        """Remove the first of several segments. Needs no room on the disk: the next one's name tells the start."""
        self._remove(self.segments.pop(0))
        self.start = max(self.start, self.segments[0].base)
        self.producers.forget_before(self.start)

    def _remove(self, segment: Segment) -> None:
        forget_index(segment)
        segment.path.unlink(missing_ok=True)
        self.release(segment)

    def release(self, segment: Segment) -> None:
        """Close the file of a segment that is no longer in the list."""
        self.disk.forget(segment.descriptor)
        segment.close()

    def close(self) -> None:
        """Close every file; the partition is of no use afterwards."""
        self.closed = True
        for segment in self.segments:
            self.release(segment)
        self._wake()
