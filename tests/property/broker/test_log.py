"""Whatever is done to a log, in whatever order: what should be there is there, where it should be."""

import asyncio
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from backfuture_broker.log.cleaner import clean
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.broker.build import Bench, KeyValue, batch_of

KEYS = st.sampled_from([b"a", b"b", b"c", b"d"])
VALUES = st.none() | st.binary(max_size=120)
APPEND = st.tuples(st.just("append"), st.lists(st.tuples(KEYS, VALUES), min_size=1, max_size=5))
CRASH = st.tuples(st.just("crash"), st.none())
CLEAN = st.tuples(st.just("clean"), st.none())
DELETE = st.tuples(st.just("delete"), st.floats(0, 1))
Step = tuple[str, object]

Model = dict[int, KeyValue]  # offset -> record


@contextmanager
def bench(**configs: str) -> Iterator[Bench]:
    with tempfile.TemporaryDirectory() as folder:
        made = Bench(Path(folder) / "p", segment_bytes="500", **configs)
        yield made
        made.partition.close()


def play(made: Bench, steps: list[Step], check: Callable[[Bench, Model], None]) -> None:
    """Do the steps to a log and to its model, and compare after each."""
    model: Model = {}
    for kind, detail in steps:
        if kind == "append":
            assert isinstance(detail, list)
            base = made.must_append(batch_of(detail, time_ms=made.clock.now_ms()))
            assert base == max(model, default=-1) + 1
            model.update(dict(enumerate(detail, base)))
        elif kind == "crash":
            made.crash_and_reopen()
        elif kind == "clean":
            asyncio.run(clean(made.partition))
        else:
            assert isinstance(detail, float)
            made.partition.delete_before(int(made.partition.end * detail))
        assert made.partition.end == max(model, default=-1) + 1
        check(made, model)


def holds_everything_from_its_start(made: Bench, model: Model) -> None:
    start = made.partition.start
    for first in {start, (start + made.partition.end) // 2, made.partition.end}:
        assert made.records(first) == [(offset, *model[offset]) for offset in range(first, made.partition.end)]


def holds_the_latest_of_each_key(made: Bench, model: Model) -> None:
    found = made.records(made.partition.start)
    offsets = [offset for offset, _, _ in found]
    assert offsets == sorted(set(offsets)), "in order and once"
    assert all(model[offset] == (key, value) for offset, key, value in found), "as they were written"
    latest = {key: offset for offset, (key, _) in sorted(model.items())}
    assert set(latest.values()) <= set(offsets)


@settings(max_examples=60, deadline=None)
@given(st.lists(APPEND | CRASH | DELETE, max_size=25))
def test_a_log_holds_every_record_from_its_start_on(steps: list[Step]) -> None:
    with bench() as made:
        play(made, steps, holds_everything_from_its_start)


@settings(max_examples=60, deadline=None)
@given(st.lists(APPEND | CRASH | CLEAN, max_size=30))
def test_a_compacted_log_holds_the_latest_record_of_each_key(steps: list[Step]) -> None:
    with bench(cleanup_policy="compact", min_cleanable_dirty_ratio="0") as made:
        play(made, steps, holds_the_latest_of_each_key)
