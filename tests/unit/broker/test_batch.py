"""Batches: headers, checksums, markers, and rebuilding with fewer records."""

from aiokafka.record._crecords import DefaultRecordBatch
from aiokafka.record.control_record import ABORT_MARKER, COMMIT_MARKER, ControlRecord
from aiokafka.record.memory_records import MemoryRecords
from backfuture_broker.batch import (
    HEADER_SIZE,
    checksum_holds,
    header_at,
    marker,
    marker_commits,
    place,
    plausible,
    records_of,
    stamp,
    with_records,
)  # fmt: skip

from tests.unit.broker.build import NOON_MS, batch_of, decoded


def test_a_batch_keeps_its_checksum_when_it_gets_its_place() -> None:
    data = bytearray(batch_of([(b"a", b"1"), (b"b", b"2")]))

    place(data, 1000)

    batch = header_at(data, 0)
    assert (batch.base_offset, batch.next_offset, batch.size) == (1000, 1002, len(data))
    assert checksum_holds(batch, memoryview(data))
    assert [record.offset for record in decoded(bytes(data))] == [1000, 1001]


def test_one_flipped_bit_breaks_the_checksum() -> None:
    data = bytearray(batch_of([(b"a", b"1")]))
    data[-1] ^= 1

    assert not checksum_holds(header_at(data, 0), memoryview(data))


def test_a_header_that_claims_more_than_there_is_is_not_plausible() -> None:
    data = batch_of([(b"a", b"1")])

    assert plausible(header_at(data, 0), len(data))
    assert not plausible(header_at(data, 0), len(data) - 1)
    assert not plausible(header_at(bytes(HEADER_SIZE), 0), 1000)


def test_markers_are_what_a_client_takes_for_markers() -> None:
    for commit, expected in ((True, COMMIT_MARKER), (False, ABORT_MARKER)):
        data = marker(7, 3, commit=commit, now_ms=NOON_MS)

        batch = MemoryRecords(bytes(data)).next_batch()
        assert isinstance(batch, DefaultRecordBatch)
        assert batch.is_control_batch
        assert batch.validate_crc()
        assert (batch.producer_id, batch.producer_epoch) == (7, 3)
        (record,) = decoded(bytes(data))
        assert record.key is not None
        assert ControlRecord.parse(record.key) == expected
        assert marker_commits(bytes(data[HEADER_SIZE:])) is commit


def test_the_time_of_appending_replaces_the_producers_time() -> None:
    data = bytearray(batch_of([(b"a", b"1"), (b"b", b"2")]))

    stamp(data, NOON_MS + 5000)

    assert checksum_holds(header_at(data, 0), memoryview(data))
    assert [record.timestamp for record in decoded(bytes(data))] == [NOON_MS + 5000] * 2


def test_a_batch_with_fewer_records_keeps_their_offsets_and_times_and_leaves_its_transaction() -> None:
    for codec in (0, 1, 2, 3, 4):
        records = [(b"%d" % n, b"v" * 50) for n in range(5)]
        data = bytearray(batch_of(records, codec=codec, producer=(9, 1, 40), transactional=True))
        place(data, 100)
        batch = header_at(data, 0)

        original = records_of(bytes(data))
        assert original is not None
        smaller = with_records(batch, [each for each in original if each.offset in (101, 104)])

        after = header_at(smaller, 0)
        assert checksum_holds(after, memoryview(smaller))
        assert (after.base_offset, after.next_offset) == (100, 105)
        assert (after.producer_id, after.producer_epoch, after.base_sequence) == (9, 1, 40)
        assert not after.is_transactional
        assert after.attributes & 7 == codec
        assert [(each.offset, each.key, each.timestamp) for each in decoded(bytes(smaller))] == [
            (101, b"1", NOON_MS + 1000),
            (104, b"4", NOON_MS + 4000),
        ]


def test_what_cannot_be_decoded_is_none() -> None:
    data = bytearray(batch_of([(b"k", b"v" * 100)], codec=4))
    data[HEADER_SIZE:] = bytes(len(data) - HEADER_SIZE)

    assert records_of(bytes(data)) is None
