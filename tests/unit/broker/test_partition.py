"""A partition's log: appending, reading from anywhere, looking up by time, deleting."""

from pathlib import Path

import pytest
from backfuture_broker.batch import header_at
from backfuture_broker.errors import Code

from tests.unit.broker.build import NOON_MS, Bench, batch_of, one


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "p")


def test_records_get_consecutive_offsets_and_come_back_in_order(bench: Bench) -> None:
    offsets = [bench.must_append(batch_of([(b"k", b"%d" % n), (b"k", b"%d" % n)])) for n in range(500)]

    assert offsets == list(range(0, 1000, 2))
    assert bench.partition.end == 1000
    assert bench.values() == [b"%d" % (n // 2) for n in range(1000)]


def test_reading_starts_with_the_batch_that_holds_the_offset(bench: Bench) -> None:
    for n in range(300):
        bench.must_append(batch_of([(b"k", b"%d-%d" % (n, i)) for i in range(3)]))

    for start in (0, 1, 2, 3, 448, 449, 450, 898, 899):
        assert bench.values(start) == [b"%d-%d" % divmod(n, 3) for n in range(start, 900)]


def test_a_fetch_returns_whole_batches_within_its_limit_and_at_least_one_if_asked(bench: Bench) -> None:
    for _ in range(100):
        bench.must_append(one(b"x" * 1000))
    size = header_at(bench.all_batches()[0], 0).size

    def read(max_bytes: int, *, at_least_one: bool) -> int:
        return len(bench.partition.read(10, max_bytes, committed=False, at_least_one=at_least_one).data)

    assert read(size * 7 + 5, at_least_one=True) == size * 7
    assert read(size - 1, at_least_one=True) == size
    assert read(size - 1, at_least_one=False) == 0
    assert read(1 << 30, at_least_one=True) == size * 90
    assert len(bench.all_batches(max_bytes=size * 3)) == 100


def test_offsets_outside_of_the_log_are_refused(bench: Bench) -> None:
    bench.must_append(one(b"v"))

    assert bench.partition.read(2, 1000, committed=False, at_least_one=True).error == Code.OFFSET_OUT_OF_RANGE
    assert bench.partition.read(-1, 1000, committed=False, at_least_one=True).error == Code.OFFSET_OUT_OF_RANGE
    assert bench.partition.read(1, 1000, committed=False, at_least_one=True).error == Code.NONE


def test_reading_goes_on_over_segments(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "p", segment_bytes="3000")
    bench.fill((b"k", b"%03d" % n * 50) for n in range(100))

    assert len(bench.partition.segments) > 5
    assert bench.values() == [b"%03d" % n * 50 for n in range(100)]
    assert bench.values(57) == [b"%03d" % n * 50 for n in range(57, 100)]


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda data: data[:40], Code.CORRUPT_MESSAGE),
        (lambda data: data[:-1], Code.CORRUPT_MESSAGE),
        (lambda data: data[:-1] + bytes([data[-1] ^ 1]), Code.CORRUPT_MESSAGE),
        (lambda data: data[:16] + b"\x01" + data[17:], Code.UNSUPPORTED_FOR_MESSAGE_FORMAT),
        (lambda data: data + data, Code.INVALID_RECORD),
        (lambda data: data[:57] + b"\x00\x00\x00\x00" + data[61:], Code.CORRUPT_MESSAGE),
        (lambda _: one(b"x" * 2_000_000), Code.MESSAGE_TOO_LARGE),
        (lambda _: one(b"v", time_ms=NOON_MS + 3_600_001), Code.INVALID_TIMESTAMP),
    ],
)
def test_what_must_not_be_stored_is_refused_and_leaves_no_trace(bench: Bench, change: object, error: Code) -> None:
    assert callable(change)
    bench.must_append(one(b"before"))

    assert bench.append(change(one(b"v"))).error == error

    bench.must_append(one(b"after"))
    assert bench.values() == [b"before", b"after"]


def test_a_compacted_topic_takes_records_with_keys_only(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "p", cleanup_policy="compact")

    assert bench.append(one(b"v", key=None)).error == Code.INVALID_RECORD
    assert bench.append(one(b"v")).error == Code.NONE


def test_the_time_of_appending_is_told_where_the_topic_wants_it(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "p", message_timestamp_type="LogAppendTime")
    bench.clock.pass_ms(42)

    appended = bench.append(one(b"v", time_ms=NOON_MS + 10**10))

    assert appended.stamped_ms == NOON_MS + 42
    assert bench.partition.first_at(0) == (NOON_MS + 42, 0)


def test_records_are_found_by_time_also_inside_a_batch(bench: Bench) -> None:
    for n in range(200):
        bench.must_append(batch_of([(b"k", b"x" * 40)] * 3, time_ms=NOON_MS + n * 3000 - 1_000_000))
    base_ms = NOON_MS - 1_000_000

    assert bench.partition.first_at(base_ms - 5) == (base_ms, 0)
    assert bench.partition.first_at(base_ms + 100_500) == (base_ms + 101_000, 101)
    assert bench.partition.first_at(base_ms + 599_000) == (base_ms + 599_000, 599)
    assert bench.partition.first_at(base_ms + 599_001) == (-1, -1)


def test_deleting_records_moves_the_start_and_survives_a_crash(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "p", segment_bytes="1000")
    bench.fill((b"k", b"x" * 200) for _ in range(20))

    bench.partition.delete_before(13)

    for partition in (bench.partition, bench.crash_and_reopen()):
        assert (partition.start, partition.end) == (13, 20)
        assert partition.segments[0].base <= 13
        assert partition.read(12, 1000, committed=False, at_least_one=True).error == Code.OFFSET_OUT_OF_RANGE
        assert [offset for offset, _, _ in bench.records(13)] == list(range(13, 20))


def test_who_waits_is_woken_by_data(bench: Bench) -> None:
    woken: list[int] = []
    bench.partition.waiters.add(lambda: woken.append(bench.partition.end))

    bench.must_append(one(b"v"))

    assert woken == [1]
