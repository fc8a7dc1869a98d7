"""Opening a partition: everything is rebuilt from the batches in its files, and a torn tail is cut off."""

import mmap
import os
from pathlib import Path

from backfuture_broker.batch import HEADER_SIZE, Batch, checksum_holds, header_at, marker_commits, plausible
from backfuture_broker.configs import TopicConfig
from backfuture_broker.disk import force
from backfuture_broker.log.notes import recall_index, recall_producers
from backfuture_broker.log.partition import START_FILE, Log, Partition
from backfuture_broker.log.producers import Producers
from backfuture_broker.log.segment import Segment
from backfuture_broker.log.swap import finish_swaps
from backfuture_broker.report import warn


def open_partition(folder: Path, config: TopicConfig, log: Log) -> Partition:
    """Read a partition's folder, which exists. StorageFullError when a file it needs cannot be made."""
    finish_swaps(folder)
    partition = Partition(folder, config, log)
    noted_to, producers = recall_producers(folder, log.clock.now_ms())
    _read_all(partition, noted_to, producers)
    if partition.end < noted_to:  # the notes know more than the log: it has lost its tail
        partition.close()
        partition = Partition(folder, config, log)
        _read_all(partition, 0, Producers())
    partition.start = min(max(_noted_start(folder), partition.segments[0].base), partition.end)
    return partition


def _read_all(partition: Partition, noted_to: int, producers: Producers) -> None:
    now_ms = partition.clock.now_ms()
    partition.producers = producers
    paths = sorted(partition.folder.glob("*.log")) or [partition.folder / f"{0:020d}.log"]
    for path in paths:
        segment = Segment(path, int(path.stem), now_ms)
        partition.segments.append(segment)
        _Reading(partition, segment, noted_to).run(last=path == paths[-1])


def _noted_start(folder: Path) -> int:
    path = folder / START_FILE
    return int(path.read_text() or 0) if path.exists() else 0


class _Reading:
    """Reads what is not noted of one segment: checks every batch, indexes it, and lets the producers know."""

    def __init__(self, partition: Partition, segment: Segment, noted_to: int) -> None:
        self._segment, self._noted_to = segment, noted_to
        self._producers, self._clock, self._durable = partition.producers, partition.clock, partition.disk.durable

    def run(self, *, last: bool) -> None:
        segment = self._segment
        file_size = os.fstat(segment.descriptor).st_size
        if recall_index(segment, file_size) and segment.end > self._noted_to:
            # the producers' notes end before this index does, so its batches have to be read for their sake
            segment.restore(type(segment.index).empty(), size=0, end=segment.base, latest_ms=-1, born_ms=0)
        if segment.size == file_size:
            return
        with mmap.mmap(segment.descriptor, file_size, access=mmap.ACCESS_READ) as mapped, memoryview(mapped) as data:
            self._scan(data)
            if segment.size < file_size:
                self._cut(data[segment.size :], last=last)
        if self._durable:
            force(segment.descriptor)  # nobody may be shown what a power cut could still take

    def _scan(self, data: memoryview) -> None:
        segment = self._segment
        if not segment.size:
            segment.born_ms = min(self._clock.now_ms(), _first_time(data))
        while len(data) - segment.size >= HEADER_SIZE:
            position = segment.size
            batch = header_at(data, position)
            if not plausible(batch, len(data) - position) or batch.base_offset < segment.end:
                return
            with data[position : position + batch.size] as whole:
                if not checksum_holds(batch, whole):
                    return
                segment.note(batch)
                if batch.base_offset >= self._noted_to:
                    self._tell_producers(batch, bytes(whole[HEADER_SIZE:]) if batch.is_control else b"")

    def _tell_producers(self, batch: Batch, body: bytes) -> None:
        now_ms = self._clock.now_ms()
        if batch.is_control:
            self._producers.ended(batch, now_ms, commit=marker_commits(body))
        elif batch.producer_id >= 0:
            self._producers.wrote(batch, now_ms)

    def _cut(self, rest: memoryview, *, last: bool) -> None:
        """Drop what follows the last good batch. A torn write was never acknowledged; anything else is kept aside."""
        segment = self._segment
        with rest:
            if not (last and _is_torn_write(rest)):
                aside = segment.path.with_suffix(f".damaged-{segment.size}")
                aside.write_bytes(rest)
                lost = f"{len(rest)} bytes were set aside as {aside.name}"
                warn(f"{segment.path} is damaged after byte {segment.size}: {lost}")
        segment.cut(segment.size)


def _first_time(data: memoryview) -> int:
    return header_at(data, 0).max_timestamp if len(data) >= HEADER_SIZE else 0


def _is_torn_write(rest: memoryview) -> bool:
    """Whether these last bytes can be the beginning of a batch whose writing was interrupted."""
    if len(rest) < HEADER_SIZE or not any(rest):
        return True
    return header_at(rest, 0).size > len(rest)
