"""One file of a partition's log, with a sparse index in memory: one entry for every 4 KiB or so."""

import os
from array import array
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from backfuture_broker.batch import HEADER_SIZE, Batch, header_at
from backfuture_broker.disk import append_or_undo, open_file

_INDEX_EVERY_BYTES = 4096
_READ_AHEAD = 4096


@dataclass(slots=True)
class SparseIndex:
    """Parallel columns: an entry's first offset, its position, and the latest time up to the next entry."""

    offsets: "array[int]"
    positions: "array[int]"
    times: "array[int]"

    @classmethod
    def empty(cls) -> "SparseIndex":
        return cls(array("q"), array("q"), array("q"))

    def add(self, batch: Batch, position: int) -> None:
        if not self.positions or position - self.positions[-1] >= _INDEX_EVERY_BYTES:
            self.offsets.append(batch.base_offset)
            self.positions.append(position)
            self.times.append(batch.max_timestamp)
        elif batch.max_timestamp > self.times[-1]:
            self.times[-1] = batch.max_timestamp


class Segment:
    """Batches from ``base`` on. Grows only by whole batches; ``size`` is the length of the file."""

    __slots__ = ("_descriptor", "_tail", "base", "born_ms", "end", "index", "latest_ms", "noted_size", "path", "size")

    def __init__(self, path: Path, base: int, born_ms: int) -> None:
        """Open or create the file. ``born_ms`` is when its first record came. StorageFullError when it cannot be."""
        self.base, self.path, self.born_ms = base, path, born_ms
        self._descriptor = open_file(path, os.O_RDWR | os.O_CREAT | os.O_APPEND)
        self.size = 0
        self.noted_size = 0  # as much is on the disk for sure, and in the notes beside the log
        self.end = base  # the offset after the last record
        self.latest_ms = -1  # the latest timestamp of any record
        self.index = SparseIndex.empty()
        self._tail = (base, 0)  # where the newest batch starts: what a reader at the end asks for

    @property
    def descriptor(self) -> int:
        return self._descriptor

    def append(self, data: bytes | bytearray, batch: Batch) -> None:
        """Add one batch, whose header with its final offset is ``batch``. StorageFullError changes nothing."""
        append_or_undo(self._descriptor, data, self.size)
        self.note(batch)

    def note(self, batch: Batch) -> None:
        """Take note of a batch that stands at the end of the file."""
        self.index.add(batch, self.size)
        self._tail = (batch.base_offset, self.size)
        self.size += batch.size
        self.end = batch.next_offset
        self.latest_ms = max(self.latest_ms, batch.max_timestamp)

    def restore(self, index: SparseIndex, *, size: int, end: int, latest_ms: int, born_ms: int) -> None:
        """Take over what is known of the first ``size`` bytes of the file."""
        self.index, self.size, self.end, self.latest_ms, self.born_ms = index, size, end, latest_ms, born_ms
        self.noted_size = size
        self._tail = (end, size)

    def batches(self, position: int = 0) -> Iterator[tuple[int, Batch]]:
        """Walk over position and header of every batch from ``position``, which must be the start of one."""
        window, start = b"", position
        while position < self.size:
            if position + HEADER_SIZE > start + len(window):
                window, start = os.pread(self._descriptor, _READ_AHEAD, position), position
            batch = header_at(window, position - start)
            yield position, batch
            position += batch.size

    def bytes_of(self, position: int, batch: Batch) -> bytes:
        return os.pread(self._descriptor, batch.size, position)

    def locate(self, offset: int) -> int:
        """Return the position of the first batch that ends after ``offset``; the size if there is none."""
        if offset >= self._tail[0]:
            return self._tail[1] if offset < self.end else self.size
        entry = bisect_right(self.index.offsets, offset) - 1
        for position, batch in self.batches(self.index.positions[entry] if entry >= 0 else 0):
            if batch.next_offset > offset:
                return position
        return self.size

    def read(self, offset: int, stop: int, max_bytes: int, *, at_least_one: bool) -> bytes:
        """Read whole batches: from the one that holds ``offset``, or the next, up to the one that starts at ``stop``.

        At most ``max_bytes``; but the first batch however long it is, if ``at_least_one``.
        """
        start = self.locate(offset)
        limit = self.size if stop >= self.end else self.locate(stop)
        if limit - start > max_bytes:
            limit = self._boundary(start, start + max_bytes)
            if limit == start and at_least_one:
                limit = start + next(self.batches(start))[1].size
        return os.pread(self._descriptor, limit - start, start) if limit > start else b""

    def _boundary(self, start: int, limit: int) -> int:
        """Return the last end of a batch that is not after ``limit``."""
        entry = bisect_right(self.index.positions, limit) - 1
        end = max(start, self.index.positions[entry])
        for position, batch in self.batches(end):
            if position + batch.size > limit:
                return position
            end = position + batch.size
        return end

    def cut(self, position: int) -> None:
        """Drop everything from ``position``, which is not part of any noted batch."""
        os.ftruncate(self._descriptor, position)

    def close(self) -> None:
        os.close(self._descriptor)
