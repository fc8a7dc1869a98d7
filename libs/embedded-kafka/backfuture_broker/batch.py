"""Record batches (magic 2): the header, the checksum, and the markers that end a transaction.

A batch travels through the broker as the bytes its producer sent; only its first 61 bytes are looked at. Records are
decoded for compaction, for look-ups by time and to check keys, by aiokafka's compiled extension.
"""

import struct
from collections.abc import Callable, Iterable
from typing import NamedTuple, cast

from aiokafka.record._crecords import DefaultRecord, DefaultRecordBatch, DefaultRecordBatchBuilder
from aiokafka.record.util import calc_crc32c

# it takes whatever has a buffer, though its annotations name two kinds only
_crc32c = cast("Callable[[bytes | bytearray | memoryview], int]", calc_crc32c)

_HEADER = struct.Struct(">qiibIhiqqqhii")
HEADER_SIZE = _HEADER.size
_LENGTH_COUNTS_FROM = 12  # the length field does not count the base offset and itself
_CHECKED_FROM = 21  # the checksum covers everything after itself

MAGIC = 2
LOG_APPEND_TIME = 0x08
TRANSACTIONAL = 0x10
CONTROL = 0x20
SEQUENCE_MASK = 0x7FFFFFFF
_LARGEST_BATCH = 1 << 30


class Batch(NamedTuple):
    """The header of one batch, in wire order."""

    base_offset: int
    length: int
    leader_epoch: int
    magic: int
    crc: int
    attributes: int
    last_offset_delta: int
    base_timestamp: int
    max_timestamp: int
    producer_id: int
    producer_epoch: int
    base_sequence: int
    record_count: int

    @property
    def size(self) -> int:
        return self.length + _LENGTH_COUNTS_FROM

    @property
    def next_offset(self) -> int:
        return self.base_offset + self.last_offset_delta + 1

    @property
    def last_sequence(self) -> int:
        return (self.base_sequence + self.last_offset_delta) & SEQUENCE_MASK

    @property
    def is_control(self) -> bool:
        return self.attributes & CONTROL != 0

    @property
    def is_transactional(self) -> bool:
        return self.attributes & TRANSACTIONAL != 0


def header_at(data: bytes | bytearray | memoryview, position: int) -> Batch:
    """Read the header that starts at ``position``; the caller has checked that HEADER_SIZE bytes are there."""
    return Batch._make(_HEADER.unpack_from(data, position))


def plausible(batch: Batch, room: int) -> bool:
    """Whether a header can be one: the right format, and a whole batch within ``room`` bytes."""
    return batch.magic == MAGIC and HEADER_SIZE <= batch.size <= room


def checksum_holds(batch: Batch, data: memoryview) -> bool:
    """Whether ``data``, which is exactly this batch, is what its checksum was made of."""
    return _crc32c(data[_CHECKED_FROM:]) == batch.crc


def place(data: bytearray, offset: int) -> None:
    """Give the batch its place in the log. Neither field is covered by the checksum."""
    struct.pack_into(">q", data, 0, offset)
    struct.pack_into(">i", data, 12, 0)


def stamp(data: bytearray, now_ms: int) -> None:
    """Replace the producer's time by the time of appending (topics with LogAppendTime)."""
    (attributes,) = struct.unpack_from(">h", data, 21)
    struct.pack_into(">h", data, 21, attributes | LOG_APPEND_TIME)
    struct.pack_into(">q", data, 35, now_ms)
    seal(data)


def seal(data: bytearray) -> None:
    """Compute the checksum anew."""
    struct.pack_into(">I", data, 17, _crc32c(memoryview(data)[_CHECKED_FROM:]))


def marker(producer_id: int, epoch: int, *, commit: bool, now_ms: int) -> bytearray:
    """Build the control batch that ends a transaction in one partition."""
    key = struct.pack(">hh", 0, 1 if commit else 0)
    value = struct.pack(">hi", 0, 0)
    # attributes, timestamp delta, offset delta, then key and value with their zig-zag lengths, then no headers
    record = b"\x00\x00\x00" + bytes([len(key) << 1]) + key + bytes([len(value) << 1]) + value + b"\x00"
    record = bytes([len(record) << 1]) + record
    head = _HEADER.pack(
        0, HEADER_SIZE - _LENGTH_COUNTS_FROM + len(record), 0, MAGIC, 0, TRANSACTIONAL | CONTROL, 0,
        now_ms, now_ms, producer_id, epoch, -1, 1,
    )  # fmt: skip
    data = bytearray(head + record)
    seal(data)
    return data


def marker_commits(body: bytes | memoryview) -> bool:
    """Whether a control batch's record (the bytes after the header) is a commit."""
    return len(body) > 8 and body[8] == 1


def records_of(data: bytes) -> list[DefaultRecord] | None:
    """Decode a batch's records; None when they cannot be, whatever the reason."""
    try:
        return list(cast("Iterable[DefaultRecord]", DefaultRecordBatch(data)))
    except Exception:  # noqa: BLE001  # arch: catch-all - decoder and decompressors each raise kinds of their own
        return None


def with_records(original: Batch, records: Iterable[DefaultRecord]) -> bytearray:
    """Rebuild a batch with some of its records, outside of any transaction; everything else stays as it was."""
    codec = original.attributes & DefaultRecordBatch.CODEC_MASK
    producer = (original.producer_id, original.producer_epoch, original.base_sequence)
    builder = DefaultRecordBatchBuilder(MAGIC, codec, 0, *producer, _LARGEST_BATCH)
    for record in records:
        delta = record.offset - original.base_offset
        builder.append(delta, record.timestamp, record.key, record.value, list(record.headers))
    data = builder.build()
    place(data, original.base_offset)
    struct.pack_into(">i", data, 23, original.last_offset_delta)
    if original.attributes & LOG_APPEND_TIME:
        stamp(data, original.max_timestamp)
    seal(data)
    return data
