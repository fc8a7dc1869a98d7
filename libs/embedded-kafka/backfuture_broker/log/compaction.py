"""Compaction: of every key in the closed segments only the latest record stays.

Runs on the event loop in slices of about two milliseconds, so clients hardly notice. Producers' sequence numbers do not
suffer from it: they are noted beside the log (``notes``).

What leaves: records with a later record of the same key; records of aborted transactions; markers; tombstones that an
earlier pass has seen and that are older than ``delete.retention.ms``. Records of committed transactions lose their
transactional flag, because their marker goes. Records that cannot be decoded or have no key stay.
"""

import asyncio
import os
import struct
import time
from collections.abc import Iterator
from contextlib import suppress

from backfuture_broker.batch import TRANSACTIONAL, Batch, header_at, records_of, seal, with_records
from backfuture_broker.disk import force
from backfuture_broker.errors import StorageFullError
from backfuture_broker.log.notes import leave_index
from backfuture_broker.log.partition import Partition
from backfuture_broker.log.segment import Segment
from backfuture_broker.log.swap import cleaning_path, swap_in

_SLICE_S = 0.002


async def compact(partition: Partition) -> None:
    """Compact what is worth it. Changes nothing when the log changes under it, or the disk is full."""
    closed = _decided(partition)
    dirty = [segment for segment in closed if segment.base >= partition.cleaned_to]
    size, dirty_size = _size(closed), _size(dirty)
    if not dirty_size or dirty_size < partition.config.dirty_ratio * size:
        return
    work = _Pass(partition)
    with suppress(StorageFullError):  # compaction needs room before it makes some; it is tried again
        await work.collect(dirty)
        for group in _groups(closed, partition.config.segment_bytes):
            if not await work.rewrite(group):
                return
        partition.cleaned_to = closed[-1].end
        partition.producers.forget_before(partition.cleaned_to)  # the records of those transactions are gone


def _decided(partition: Partition) -> list[Segment]:
    """Return the closed segments without open transactions, old enough to be compacted, from the start of the log."""
    limit_ms = partition.clock.now_ms() - partition.config.min_compaction_lag_ms
    closed: list[Segment] = []
    for segment in partition.segments[:-1]:
        too_young = partition.config.min_compaction_lag_ms and segment.latest_ms > limit_ms
        if segment.end > partition.stable_end or too_young:
            break
        closed.append(segment)
    return closed


def _size(segments: list[Segment]) -> int:
    return sum(segment.size for segment in segments)


def _groups(segments: list[Segment], limit: int) -> Iterator[list[Segment]]:
    """Split into runs of neighbours that together fit into one segment."""
    group: list[Segment] = []
    for segment in segments:
        if group and _size(group) + segment.size > limit:
            yield group
            group = []
        group.append(segment)
    if group:
        yield group


class _Pass:
    """One pass over one partition."""

    def __init__(self, partition: Partition) -> None:
        self._partition = partition
        self._latest: dict[bytes, int] = {}  # key -> offset of its latest record in the segments not seen before
        self._slice_ends = 0.0

    async def _breathe(self) -> None:
        if time.monotonic() >= self._slice_ends:
            await asyncio.sleep(0)
            self._slice_ends = time.monotonic() + _SLICE_S

    def _gone(self, segments: list[Segment]) -> bool:
        """Whether the log has lost one of the segments while others had their turn."""
        return self._partition.closed or any(segment not in self._partition.segments for segment in segments)

    async def collect(self, dirty: list[Segment]) -> None:
        """Learn the latest offset of every key in segments that no pass has seen."""
        for segment in dirty:
            for position, batch in segment.batches():
                await self._breathe()
                if self._gone([segment]):
                    return
                if batch.is_control or self._is_aborted(batch):
                    continue
                for record in records_of(segment.bytes_of(position, batch)) or ():
                    if record.key is not None:
                        self._latest[record.key] = record.offset

    def _is_aborted(self, batch: Batch) -> bool:
        return batch.is_transactional and any(
            each.producer_id == batch.producer_id and each.first <= batch.base_offset < each.marker
            for each in self._partition.producers.aborted
        )

    async def rewrite(self, group: list[Segment]) -> bool:
        """Replace neighbours by one segment with what stays of them. False when the log changed meanwhile."""
        if self._gone(group):
            return False
        folder = self._partition.folder
        path = cleaning_path(folder, group[0].base, group[-1].end)
        path.unlink(missing_ok=True)
        copy = Segment(path, group[0].base, group[0].born_ms)
        try:
            changed = await self._copy(group, copy)
            if not changed and len(group) == 1:
                return not self._gone(group)
            await asyncio.to_thread(force, copy.descriptor)
            if self._gone(group):
                return False
            self._put_in_place(group, copy)
            return True
        finally:
            if copy.path == path:  # not put in place
                copy.close()
                path.unlink(missing_ok=True)

    async def _copy(self, group: list[Segment], copy: Segment) -> bool:
        changed = False
        for segment in group:
            drop_tombstones = self._tombstones_may_go(segment)
            for position, batch in segment.batches():
                await self._breathe()
                if self._gone([segment]):
                    return changed
                data = segment.bytes_of(position, batch)
                kept = self._what_stays(batch, data, drop_tombstones=drop_tombstones)
                changed = changed or kept is not data
                if kept:
                    copy.append(kept, header_at(kept, 0))
        return changed

    def _tombstones_may_go(self, segment: Segment) -> bool:
        """Whether tombstones of this segment have been there long enough for every reader to see them."""
        if segment.base >= self._partition.cleaned_to:
            return False
        written_ms = os.fstat(segment.descriptor).st_mtime_ns // 1_000_000
        return written_ms < self._partition.clock.now_ms() - self._partition.config.delete_retention_ms

    def _what_stays(self, batch: Batch, data: bytes, *, drop_tombstones: bool) -> bytes | bytearray:
        """Return the batch without what is superseded; ``data`` itself if all of it stays, nothing if none does."""
        if batch.is_control or self._is_aborted(batch):
            return b""
        records = records_of(data)
        if records is None:
            return _decided_now(batch, data)
        stays = [
            record
            for record in records
            if record.key is None
            or not (record.offset < self._latest.get(record.key, -1) or (drop_tombstones and record.value is None))
        ]
        if len(stays) == len(records):
            return _decided_now(batch, data)
        return with_records(batch, stays) if stays else b""

    def _put_in_place(self, group: list[Segment], copy: Segment) -> None:
        partition = self._partition
        written_ns = max(os.fstat(segment.descriptor).st_mtime_ns for segment in group)
        os.utime(copy.path, ns=(written_ns, written_ns))  # how old tombstones are must not start anew
        copy.path = swap_in(copy.path, durable=partition.disk.durable)
        first = partition.segments.index(group[0])
        partition.segments[first : first + len(group)] = [copy]
        for segment in group:
            partition.release(segment)
        with suppress(StorageFullError):
            leave_index(copy, durable=partition.disk.durable)


def _decided_now(batch: Batch, data: bytes) -> bytes | bytearray:
    """Return a batch that needs no marker any more."""
    if not batch.is_transactional:
        return data
    changed = bytearray(data)
    struct.pack_into(">h", changed, 21, batch.attributes & ~TRANSACTIONAL)
    seal(changed)
    return changed
