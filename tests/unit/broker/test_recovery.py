"""Opening a partition after a crash: nothing that was acknowledged is missing, nothing torn is there."""

import os
from pathlib import Path

import pytest
from backfuture_broker.batch import header_at
from backfuture_broker.errors import Code

from tests.unit.broker.build import Bench, of_producer, one


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "p", segment_bytes="2000")


def newest_file(bench: Bench) -> Path:
    return max(bench.folder.glob("*.log"))


def test_everything_is_there_after_a_crash(bench: Bench) -> None:
    bench.fill((b"k", b"%d" % n * 100) for n in range(50))

    bench.crash_and_reopen()

    assert bench.values() == [b"%d" % n * 100 for n in range(50)]
    assert bench.must_append(one(b"next")) == 50


def test_a_torn_last_batch_is_cut_off_at_every_byte(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    size = len(one(b"torn"))
    for missing in range(1, size):
        bench = Bench(tmp_path / str(missing))
        bench.fill((b"k", b"whole-%d" % n) for n in range(3))
        bench.must_append(one(b"torn"))
        path = newest_file(bench)
        os.truncate(path, path.stat().st_size - missing)

        bench.crash_and_reopen()

        assert bench.values() == [b"whole-0", b"whole-1", b"whole-2"]
        assert bench.must_append(one(b"again")) == 3
        assert bench.crash_and_reopen().end == 4
    assert capsys.readouterr().err == ""  # a torn write is nothing to worry anybody with


def test_a_tail_of_zeros_is_cut_off(bench: Bench) -> None:
    bench.must_append(one(b"whole"))
    with newest_file(bench).open("ab") as file:
        file.write(bytes(5000))

    bench.crash_and_reopen()

    assert bench.values() == [b"whole"]
    assert newest_file(bench).stat().st_size == bench.partition.segments[-1].size


def test_damage_inside_is_not_passed_on_but_kept_aside_and_told(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.fill((b"k", b"%d" % n) for n in range(4))
    path = newest_file(bench)
    data = bytearray(path.read_bytes())
    second = header_at(data, 0).size
    data[second + 65] ^= 1
    path.write_bytes(data)

    bench.crash_and_reopen()

    assert bench.values() == [b"0"]
    assert b"".join(each.read_bytes() for each in bench.folder.glob("*.damaged-*")) == bytes(data[second:])
    assert "damaged" in capsys.readouterr().err


def test_notes_of_closed_segments_spare_reading_them_and_tell_the_same(bench: Bench) -> None:
    for n in range(60):
        bench.must_append(of_producer(5, 0, n, b"%d" % n * 60))
    indexed = [path.stem for path in sorted(bench.folder.glob("*.index"))]
    assert indexed == [path.stem for path in sorted(bench.folder.glob("*.log"))][:-1]
    closed = min(bench.folder.glob("*.log"))
    with closed.open("r+b") as file:  # an unread segment is not checked: proof that it is not read
        file.seek(70)
        flipped = bytes([file.read(1)[0] ^ 1])
        file.seek(70)
        file.write(flipped)

    bench.crash_and_reopen()

    assert bench.partition.end == 60
    assert bench.append(of_producer(5, 0, 59, b"%d" % 59 * 60)).offset == 59, "the duplicate is known"
    assert bench.append(of_producer(5, 0, 60, b"next")).offset == 60
    assert bench.append(of_producer(5, 0, 62, b"gap")).error == Code.OUT_OF_ORDER_SEQUENCE


@pytest.mark.parametrize("damage", ["*.index", "*.producers"])
def test_without_whole_notes_the_log_is_read_instead(bench: Bench, damage: str) -> None:
    for n in range(60):
        bench.must_append(of_producer(5, 0, n, b"%d" % n * 60))
    for path in bench.folder.glob(damage):
        path.write_bytes(path.read_bytes()[:-3])

    bench.crash_and_reopen()

    assert bench.values() == [b"%d" % n * 60 for n in range(60)]
    assert bench.append(of_producer(5, 0, 60, b"next")).offset == 60
    assert bench.append(of_producer(5, 0, 59, b"%d" % 59 * 60)).offset == 59


def test_notes_that_know_more_than_the_log_are_not_believed(bench: Bench) -> None:
    for n in range(60):
        bench.must_append(of_producer(5, 0, n, b"%d" % n * 60))
    for path in sorted(bench.folder.glob("*.log"))[1:]:
        path.unlink()

    partition = bench.crash_and_reopen()

    assert 0 < partition.end < 60
    assert bench.append(of_producer(5, 0, partition.end, b"next")).error == Code.NONE


def test_open_and_aborted_transactions_are_known_again(bench: Bench) -> None:
    bench.must_append(of_producer(1, 0, 0, b"aborted", transactional=True))
    bench.partition.end_transaction(1, 0, commit=False)
    bench.must_append(of_producer(2, 0, 0, b"committed", transactional=True))
    bench.partition.end_transaction(2, 0, commit=True)
    bench.must_append(of_producer(3, 0, 0, b"open", transactional=True))
    before = (bench.partition.producers.aborted, bench.partition.producers.open, bench.partition.stable_end)

    partition = bench.crash_and_reopen()

    assert (partition.producers.aborted, partition.producers.open, partition.stable_end) == before
    assert partition.stable_end == 4
