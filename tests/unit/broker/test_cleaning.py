"""Retention and compaction: what has to go goes, what has to stay stays, also over crashes in between."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from backfuture_broker.batch import header_at, seal
from backfuture_broker.errors import Code
from backfuture_broker.log import swap
from backfuture_broker.log.cleaner import clean

from tests.unit.broker.build import Bench, KeyValue, batch_of, of_producer, one

MANY = [(b"key-%d" % (n % 7), b"%04d" % n * 20) for n in range(300)]


def compacted(folder: Path, **configs: str) -> Bench:
    return Bench(folder, **{"cleanup_policy": "compact", "segment_bytes": "4000", **configs})


def latest(records: Sequence[KeyValue]) -> dict[bytes | None, bytes | None]:
    return dict(records)


def read_state(bench: Bench, **options: bool) -> dict[bytes | None, bytes | None]:
    return {key: value for _, key, value in bench.records(**options)}


async def test_old_segments_leave_after_the_retention_time(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "p", retention_ms="60000", segment_bytes="1000")
    bench.fill((b"k", b"old" * 50) for _ in range(10))
    bench.clock.pass_ms(50_000)
    bench.fill((b"k", b"new" * 50) for _ in range(10))
    bench.clock.pass_ms(20_000)

    await clean(bench.partition)

    assert 8 <= bench.partition.start <= 10
    assert bench.values(10) == [b"new" * 50] * 10
    assert bench.crash_and_reopen().start == bench.partition.start


async def test_the_last_segment_leaves_too_once_all_of_it_is_too_old(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "p", retention_ms="60000")
    bench.must_append(one(b"old"))
    bench.clock.pass_ms(60_001)

    await clean(bench.partition)

    assert (bench.partition.start, bench.partition.end) == (1, 1)
    assert bench.must_append(one(b"next")) == 1


async def test_no_more_is_kept_than_the_retention_size(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "p", retention_bytes="5000", segment_bytes="1000")
    bench.fill((b"k", b"x" * 200) for _ in range(100))

    await clean(bench.partition)

    assert 5000 <= sum(segment.size for segment in bench.partition.segments) <= 6100
    assert bench.partition.end == 100


async def test_only_the_latest_record_of_each_key_stays(tmp_path: Path) -> None:
    bench = compacted(tmp_path / "p")
    bench.fill(MANY)

    await clean(bench.partition)

    assert read_state(bench) == latest(MANY)
    assert len(bench.records()) < 60
    offsets = [offset for offset, _, _ in bench.records()]
    assert offsets == sorted(offsets)
    assert all(MANY[offset] == (key, value) for offset, key, value in bench.records())
    assert bench.must_append(one(b"next")) == 300


async def test_compaction_changes_nothing_for_who_opens_the_log_again(tmp_path: Path) -> None:
    bench = compacted(tmp_path / "p")
    bench.fill(MANY)
    await clean(bench.partition)
    before = bench.records()

    bench.crash_and_reopen()
    assert bench.records() == before

    bench.fill(MANY)
    await clean(bench.partition)
    assert read_state(bench) == latest(MANY)


async def test_compaction_waits_until_enough_is_new(tmp_path: Path) -> None:
    bench = compacted(tmp_path / "p", min_cleanable_dirty_ratio="0.9")
    bench.fill((b"key-%d" % n, b"%04d" % n * 20) for n in range(300))
    await clean(bench.partition)
    before = [segment.base for segment in bench.partition.segments]

    bench.fill((b"key-0", b"again" * 20) for _ in range(50))
    await clean(bench.partition)

    assert [segment.base for segment in bench.partition.segments][: len(before)] == before


async def test_young_records_are_left_alone_as_long_as_the_topic_says(tmp_path: Path) -> None:
    bench = compacted(tmp_path / "p", min_compaction_lag_ms="60000")
    bench.fill(MANY)
    await clean(bench.partition)
    assert len(bench.records()) == 300

    bench.clock.pass_ms(60_001)
    await clean(bench.partition)
    assert len(bench.records()) < 60


async def test_a_tombstone_removes_its_key_at_once_and_itself_only_after_its_time(tmp_path: Path) -> None:
    bench = compacted(tmp_path / "p", delete_retention_ms="60000", min_cleanable_dirty_ratio="0")
    bench.fill([(b"gone", b"v" * 500), (b"gone", None), *MANY])
    bench.clock.time_ms = int((tmp_path / "p").stat().st_mtime * 1000) + 1000

    await clean(bench.partition)
    assert [value for _, key, value in bench.records() if key == b"gone"] == [None]

    bench.clock.pass_ms(50_000)
    bench.fill(MANY)
    await clean(bench.partition)
    assert [value for _, key, value in bench.records() if key == b"gone"] == [None]

    bench.clock.pass_ms(20_000)
    bench.fill(MANY)
    await clean(bench.partition)
    assert [value for _, key, value in bench.records() if key == b"gone"] == []
    assert read_state(bench) == latest(MANY)


async def test_of_transactions_only_committed_records_stay_and_no_marker(tmp_path: Path) -> None:
    bench = compacted(tmp_path / "p")
    sequence = 0
    for n in range(100):
        commit = n % 3 != 0
        value = b"%s-%03d" % (b"good" if commit else b"bad", n)
        bench.must_append(of_producer(5, 0, sequence, value * 10, key=b"key-%d" % (n % 5), transactional=True))
        sequence += 1
        bench.partition.end_transaction(5, 0, commit=commit)
    bench.fill(MANY)

    await clean(bench.partition)

    batches = [header_at(data, 0) for data in bench.all_batches()]
    kept = {key: value for _, key, value in bench.records() if value is not None and b"-" in value}
    assert not any(value.startswith(b"bad") for value in kept.values())
    closed_end = bench.partition.segments[-1].base
    assert not any(batch.is_control or batch.is_transactional for batch in batches if batch.base_offset < closed_end)
    assert read_state(bench, committed=True) == latest(MANY)
    assert bench.crash_and_reopen().producers.open == {}
    assert bench.append(of_producer(5, 0, sequence, b"next", transactional=True)).error == Code.NONE


async def test_the_winner_of_a_key_is_never_an_aborted_record(tmp_path: Path) -> None:
    bench = compacted(tmp_path / "p")
    bench.must_append(one(b"good" * 100, key=b"mine"))
    bench.must_append(of_producer(5, 0, 0, b"bad" * 100, key=b"mine", transactional=True))
    bench.partition.end_transaction(5, 0, commit=False)
    bench.fill(MANY)

    await clean(bench.partition)

    assert [value for _, key, value in bench.records() if key == b"mine"] == [b"good" * 100]


async def test_nothing_behind_an_open_transaction_is_compacted(tmp_path: Path) -> None:
    bench = compacted(tmp_path / "p")
    bench.must_append(of_producer(5, 0, 0, b"open", key=b"mine", transactional=True))
    bench.fill(MANY)

    await clean(bench.partition)
    assert len(bench.records()) == 301

    bench.partition.end_transaction(5, 0, commit=True)
    await clean(bench.partition)
    assert len(bench.records()) < 60
    assert read_state(bench)[b"mine"] == b"open"


async def test_idempotence_survives_the_removal_of_a_producers_last_batch(tmp_path: Path) -> None:
    bench = compacted(tmp_path / "p")
    for n in range(5):
        bench.must_append(of_producer(5, 0, n, b"early", key=b"key-0"))
    bench.fill(MANY)
    await clean(bench.partition)
    assert not any(header_at(data, 0).producer_id == 5 for data in bench.all_batches())

    bench.crash_and_reopen()

    assert bench.append(of_producer(5, 0, 4, b"early", key=b"key-0")).offset == 4, "a duplicate"
    assert bench.append(of_producer(5, 0, 5, b"next", key=b"key-0")).error == Code.NONE
    assert bench.append(of_producer(5, 0, 9, b"gap", key=b"key-0")).error == Code.OUT_OF_ORDER_SEQUENCE


async def test_records_that_cannot_be_decoded_stay(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "p", segment_bytes="4000")
    strange = bytearray(batch_of([(b"k", b"v" * 200)], codec=4))
    strange[61:] = bytes(len(strange) - 61)
    seal(strange)
    bench.must_append(bytes(strange))
    bench.config.set({"cleanup.policy": "compact", "segment.bytes": "4000"})
    bench.fill(MANY)

    await clean(bench.partition)

    assert bench.all_batches()[0][61:] == bytes(strange)[61:]


@pytest.mark.parametrize("steps_until_closed", [1, 150, 305, 350, 400, 550])
async def test_a_log_that_is_closed_while_it_is_compacted_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, steps_until_closed: int
) -> None:
    bench = compacted(tmp_path / "p")
    bench.fill(MANY)
    monkeypatch.setattr("backfuture_broker.log.compaction._SLICE_S", -1.0)
    steps = 0

    async def then_close(_seconds: float) -> None:
        nonlocal steps
        steps += 1
        if steps == steps_until_closed:
            bench.partition.close()

    monkeypatch.setattr("backfuture_broker.log.compaction.asyncio.sleep", then_close)
    await clean(bench.partition)

    assert steps >= steps_until_closed
    bench.crash_and_reopen()
    assert read_state(bench) == latest(MANY)
    assert bench.must_append(one(b"next")) == 300


@pytest.mark.parametrize("crash_at", ["before", "committed", "one removed", "all removed"])
async def test_a_crash_in_a_swap_leaves_either_the_old_or_the_new_segments(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, crash_at: str
) -> None:
    bench = compacted(tmp_path / "p", segment_bytes="6000")
    bench.fill(MANY)
    removed = 0

    class CrashError(Exception):
        """The process is gone."""

    def crashing_finish(committed: Path) -> Path:
        nonlocal removed
        if crash_at == "before":
            committed.rename(committed.with_suffix(".cleaning"))
        base, end = (int(part) for part in committed.stem.split("-"))
        for path in sorted(committed.parent.glob("*.log")):
            wanted = {"one removed": 1, "all removed": 1000}.get(crash_at, 0)
            if base <= int(path.stem) < end and removed < wanted:
                path.unlink()
                removed += 1
        raise CrashError

    with monkeypatch.context() as patch:
        patch.setattr(swap, "_finish", crashing_finish)
        with pytest.raises(CrashError):
            await clean(bench.partition)

    bench.crash_and_reopen()

    assert read_state(bench) == latest(MANY)
    assert bench.must_append(one(b"next")) == 300
    assert not list(bench.folder.glob("*.swap")) + list(bench.folder.glob("*.cleaning"))
