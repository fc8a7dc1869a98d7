"""Idempotence: the same batch once, no gap, no older epoch; and transactions in one partition."""

from pathlib import Path

import pytest
from backfuture_broker.errors import Code
from backfuture_broker.log.producers import Producers

from tests.unit.broker.build import Bench, of_producer, one

DAY_MS = 86_400_000


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "p")


def test_a_repeated_batch_gets_the_offset_it_has_and_is_stored_once(bench: Bench) -> None:
    batches = [of_producer(5, 0, n * 2, b"%d" % n, b"%d" % n) for n in range(8)]
    offsets = [bench.must_append(batch) for batch in batches]

    repeated = [bench.append(batch) for batch in batches[-5:]]

    assert [(each.error, each.offset) for each in repeated] == [(Code.NONE, offset) for offset in offsets[-5:]]
    assert bench.partition.end == 16


def test_a_gap_or_an_old_batch_is_refused(bench: Bench) -> None:
    for n in range(10):
        bench.must_append(of_producer(5, 0, n, b"v"))

    assert bench.append(of_producer(5, 0, 11, b"gap")).error == Code.OUT_OF_ORDER_SEQUENCE
    assert bench.append(of_producer(5, 0, 2, b"forgotten")).error == Code.OUT_OF_ORDER_SEQUENCE
    assert bench.append(of_producer(5, 0, -1, b"none")).error == Code.INVALID_RECORD


def test_a_new_epoch_begins_at_zero_and_fences_the_old(bench: Bench) -> None:
    bench.must_append(of_producer(5, 0, 0, b"old"))

    assert bench.append(of_producer(5, 1, 7, b"not zero")).error == Code.OUT_OF_ORDER_SEQUENCE
    bench.must_append(of_producer(5, 1, 0, b"new"))
    assert bench.append(of_producer(5, 0, 1, b"zombie")).error == Code.FENCED_PRODUCER


def test_sequence_numbers_start_again_after_the_largest(bench: Bench) -> None:
    bench.must_append(of_producer(5, 0, 0x7FFFFFFE, b"last", b"but one"))

    assert bench.append(of_producer(5, 0, 0, b"first")).error == Code.NONE


def test_a_markers_epoch_fences_too(bench: Bench) -> None:
    bench.must_append(of_producer(5, 0, 0, b"open", transactional=True))
    bench.partition.end_transaction(5, 1, commit=False)

    assert bench.append(of_producer(5, 0, 1, b"zombie", transactional=True)).error == Code.FENCED_PRODUCER


def test_committed_readers_stop_before_the_first_open_transaction(bench: Bench) -> None:
    bench.must_append(one(b"before"))
    bench.must_append(of_producer(5, 0, 0, b"in it", transactional=True))
    bench.must_append(one(b"after"))

    assert bench.values(committed=True) == [b"before"]
    assert bench.values() == [b"before", b"in it", b"after"]

    bench.partition.end_transaction(5, 0, commit=True)
    assert bench.values(committed=True) == [b"before", b"in it", b"after"]


def test_aborted_transactions_are_named_to_those_who_read_over_them(bench: Bench) -> None:
    bench.must_append(one(b"before"))
    bench.must_append(of_producer(5, 0, 0, b"in it", transactional=True))
    bench.partition.end_transaction(5, 0, commit=False)
    bench.must_append(one(b"after"))

    producers = bench.partition.producers
    assert [(each.producer_id, each.first) for each in producers.aborted_between(0, 4)] == [(5, 1)]
    assert producers.aborted_between(3, 4) == []
    assert producers.aborted_between(0, 1) == []


def test_a_producer_that_may_not_write_to_a_transaction_is_refused(bench: Bench) -> None:
    batch = memoryview(of_producer(5, 0, 0, b"v", transactional=True))

    appended = bench.partition.produce(batch, lambda _id, _epoch: Code.INVALID_TXN_STATE)

    assert appended.error == Code.INVALID_TXN_STATE
    assert bench.partition.end == 0


def test_idle_producers_are_forgotten_but_never_one_with_an_open_transaction(bench: Bench) -> None:
    bench.must_append(of_producer(5, 0, 0, b"idle"))
    bench.must_append(of_producer(6, 0, 0, b"open", transactional=True))
    bench.clock.pass_ms(DAY_MS)
    bench.must_append(of_producer(7, 0, 0, b"busy"))

    bench.partition.producers.expire(bench.clock.now_ms() - DAY_MS + 1)

    kept = Producers.load(bench.partition.producers.dump(), 0)
    assert bench.append(of_producer(5, 0, 9, b"begins anew")).error == Code.NONE
    assert bench.append(of_producer(7, 0, 9, b"gap")).error == Code.OUT_OF_ORDER_SEQUENCE
    assert kept.open == {6: 1}
    assert kept.epoch_of(6) == 0
