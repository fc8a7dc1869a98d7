"""The coordinator: fencing, atomic endings, and carrying on after crashes and full disks."""

from pathlib import Path

import pytest
from backfuture_broker.broker import Broker, Options
from backfuture_broker.errors import Code, StorageFullError
from backfuture_broker.log.partition import Partition
from backfuture_broker.log.segment import Segment
from backfuture_broker.state import Committed, OffsetRow

from tests.unit.broker.build import FakeClock, of_producer

PLACES = [("t", 0), ("t", 1)]


class Scene:
    """A broker with a topic of two partitions, and one transactional producer."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder, self.clock = folder, FakeClock()
        self.broker = self._start()
        self.broker.topics.create("t", 2, {})
        self.producer_id, self.epoch = self.initialise()
        self.sequences = dict.fromkeys(PLACES, 0)

    def _start(self) -> Broker:
        return Broker(self.folder, "cluster", Options(), self.clock)

    def restart(self) -> None:
        self.broker.close()
        self.broker = self._start()

    def partition(self, index: int) -> Partition:
        partition = self.broker.partition("t", index)
        assert partition is not None
        return partition

    def initialise(self) -> tuple[int, int]:
        error, producer_id, epoch = self.broker.transactions.initialise("tx", 60_000)
        assert error == Code.NONE
        return producer_id, epoch

    def write(self, index: int, value: bytes = b"v") -> Code:
        place = ("t", index)
        data = of_producer(self.producer_id, self.epoch, self.sequences[place], value, transactional=True)
        error = self.partition(index).produce(memoryview(data), self.broker.transactions.check("tx", place)).error
        if not error:
            self.sequences[place] += 1
        return error

    def add(self, *places: tuple[str, int]) -> Code:
        return self.broker.transactions.add_partitions("tx", self.producer_id, self.epoch, places or PLACES)

    def end(self, *, commit: bool) -> Code:
        return self.end_as("tx", self.producer_id, commit=commit)

    def end_as(self, id_: str, producer_id: int, *, commit: bool) -> Code:
        replies: list[Code] = []
        self.broker.transactions.end(id_, producer_id, self.epoch, replies.append, commit=commit)
        (reply,) = replies
        return reply

    def begin_with_content(self) -> None:
        assert self.add() == Code.NONE
        assert [self.write(0), self.write(1)] == [Code.NONE, Code.NONE]

    def decided(self) -> list[bool]:
        return [self.partition(index).stable_end == self.partition(index).end for index in (0, 1)]

    def aborted(self) -> list[int]:
        return [len(self.partition(index).producers.aborted) for index in (0, 1)]


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path / "data")


def test_a_commit_decides_every_partition_and_counts_the_offsets(scene: Scene) -> None:
    scene.begin_with_content()
    transactions = scene.broker.transactions
    assert transactions.add_group("tx", scene.producer_id, scene.epoch, "g") == Code.NONE
    rows = [OffsetRow("t", 0, 7, "")]
    assert transactions.commit_offsets("tx", scene.producer_id, scene.epoch, "g", rows) == Code.NONE
    assert scene.decided() == [False, False]
    assert not scene.broker.store.state.offsets.get("g")

    assert scene.end(commit=True) == Code.NONE

    assert scene.decided() == [True, True]
    assert scene.aborted() == [0, 0]
    assert scene.broker.store.state.offsets["g"] == {("t", 0): Committed(7, "")}


def test_an_abort_decides_every_partition_and_counts_no_offsets(scene: Scene) -> None:
    scene.begin_with_content()
    transactions = scene.broker.transactions
    transactions.add_group("tx", scene.producer_id, scene.epoch, "g")
    transactions.commit_offsets("tx", scene.producer_id, scene.epoch, "g", [OffsetRow("t", 0, 7, "")])

    assert scene.end(commit=False) == Code.NONE

    assert scene.decided() == [True, True]
    assert scene.aborted() == [1, 1]
    assert not scene.broker.store.state.offsets.get("g")


def test_the_same_question_gets_the_same_answer_and_the_opposite_is_refused(scene: Scene) -> None:
    scene.begin_with_content()
    scene.end(commit=True)

    assert scene.end(commit=True) == Code.NONE
    assert scene.end(commit=False) == Code.INVALID_TXN_STATE
    scene.restart()
    assert scene.end(commit=True) == Code.NONE
    assert scene.end(commit=False) == Code.INVALID_TXN_STATE


def test_writing_needs_the_partition_to_be_in_the_transaction(scene: Scene) -> None:
    assert scene.write(0) == Code.INVALID_TXN_STATE
    scene.add(("t", 0))
    assert scene.write(1) == Code.INVALID_TXN_STATE
    assert scene.write(0) == Code.NONE
    scene.end(commit=True)
    assert scene.write(0) == Code.INVALID_TXN_STATE


def test_offsets_need_their_group_in_the_transaction(scene: Scene) -> None:
    scene.add()
    rows = [OffsetRow("t", 0, 7, "")]

    answer = scene.broker.transactions.commit_offsets("tx", scene.producer_id, scene.epoch, "g", rows)

    assert answer == Code.INVALID_TXN_STATE


def test_a_new_holder_fences_the_old_and_aborts_what_it_left(scene: Scene) -> None:
    scene.begin_with_content()

    producer_id, epoch = scene.initialise()

    assert producer_id == scene.producer_id
    assert epoch > scene.epoch
    assert scene.decided() == [True, True]
    assert scene.aborted() == [1, 1]
    assert scene.write(0) == Code.FENCED_PRODUCER
    assert scene.add() == Code.FENCED_PRODUCER
    assert scene.end(commit=True) == Code.FENCED_PRODUCER


def test_a_stranger_is_refused(scene: Scene) -> None:
    transactions = scene.broker.transactions

    assert transactions.add_partitions("tx", 1, 0, PLACES) == Code.INVALID_PRODUCER_ID_MAPPING
    assert scene.end_as("other", scene.producer_id, commit=True) == Code.INVALID_PRODUCER_ID_MAPPING
    assert transactions.initialise("tx", 0)[0] == Code.INVALID_TRANSACTION_TIMEOUT
    assert transactions.initialise("tx", 900_001)[0] == Code.INVALID_TRANSACTION_TIMEOUT


def test_an_abandoned_transaction_is_aborted_after_its_time_and_its_holder_fenced(scene: Scene) -> None:
    scene.begin_with_content()
    scene.clock.pass_ms(60_000)
    scene.broker.sweep()
    assert scene.decided() == [False, False]

    scene.clock.pass_ms(1)
    scene.broker.sweep()

    assert scene.decided() == [True, True]
    assert scene.aborted() == [1, 1]
    assert scene.end(commit=True) == Code.FENCED_PRODUCER


def test_an_open_transaction_goes_on_after_a_restart_and_still_has_a_deadline(scene: Scene) -> None:
    scene.begin_with_content()
    scene.restart()
    assert scene.write(0) == Code.NONE
    assert scene.end(commit=True) == Code.NONE
    assert scene.decided() == [True, True]

    scene.begin_with_content()
    scene.restart()
    scene.clock.pass_ms(60_001)
    scene.broker.sweep()
    assert scene.aborted() == [1, 1]


def test_a_transaction_that_the_journal_does_not_know_is_aborted_at_the_start(scene: Scene) -> None:
    data = of_producer(4711, 0, 0, b"lost", transactional=True)
    scene.partition(0).produce(memoryview(data), lambda _id, _epoch: Code.NONE)

    scene.restart()

    assert scene.decided() == [True, True]
    assert scene.aborted() == [1, 0]


class FullDiskError(StorageFullError):
    """No room for markers."""


@pytest.mark.parametrize("commit", [True, False])
def test_a_decision_that_a_full_disk_or_a_crash_interrupts_is_carried_out_everywhere(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, *, commit: bool
) -> None:
    scene.begin_with_content()
    append = Segment.append
    room_for = 1

    def nearly_full(segment: Segment, data: bytes, batch: object) -> None:
        nonlocal room_for
        if room_for == 0:
            raise FullDiskError
        room_for -= 1
        append(segment, data, batch)  # type: ignore[arg-type]  # passed on as it came

    with monkeypatch.context() as patch:
        patch.setattr(Segment, "append", nearly_full)
        assert scene.end(commit=commit) == Code.NONE, "the decision stands"
        assert sorted(scene.decided()) == [False, True]
        assert scene.add() == Code.CONCURRENT_TRANSACTIONS
        assert scene.broker.transactions.initialise("tx", 60_000)[0] == Code.CONCURRENT_TRANSACTIONS
        scene.broker.sweep()
        assert sorted(scene.decided()) == [False, True]

    scene.restart()

    assert scene.decided() == [True, True]
    assert scene.aborted() == ([0, 0] if commit else [1, 1])
    assert scene.add() == Code.NONE


def test_a_decision_held_up_by_a_full_disk_goes_on_by_itself(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    scene.begin_with_content()

    def full(_segment: Segment, _data: bytes, _batch: object) -> None:
        raise FullDiskError

    with monkeypatch.context() as patch:
        patch.setattr(Segment, "append", full)
        scene.end(commit=True)
        assert scene.decided() == [False, False]
    scene.broker.sweep()

    assert scene.decided() == [True, True]
    assert scene.add() == Code.NONE


def test_a_decision_that_cannot_be_journaled_is_not_taken(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    scene.begin_with_content()

    def full(_change: object) -> None:
        raise StorageFullError

    with monkeypatch.context() as patch:
        patch.setattr(scene.broker.store, "record", full)
        assert scene.end(commit=True) == Code.COORDINATOR_NOT_AVAILABLE
        assert scene.add() == Code.COORDINATOR_NOT_AVAILABLE
        assert scene.broker.transactions.new_producer()[0] == Code.COORDINATOR_NOT_AVAILABLE
        assert scene.broker.transactions.initialise("tx", 1)[0] == Code.COORDINATOR_NOT_AVAILABLE
    assert scene.decided() == [False, False]

    assert scene.end(commit=True) == Code.NONE
    assert scene.decided() == [True, True]
    assert scene.aborted() == [0, 0]


def test_a_topic_deleted_in_mid_transaction_does_not_hold_up_the_rest(scene: Scene) -> None:
    scene.broker.topics.create("other", 1, {})
    scene.add(("t", 0), ("other", 0))
    scene.write(0)
    other = scene.broker.topics.get("other")
    assert other is not None

    scene.broker.topics.delete(other)

    assert scene.end(commit=True) == Code.NONE
    assert scene.decided()[0]


def test_producer_ids_are_never_given_out_twice(scene: Scene) -> None:
    given = [scene.broker.transactions.new_producer()[1] for _ in range(3)]
    scene.restart()
    given += [scene.broker.transactions.new_producer()[1] for _ in range(3)]
    given += [scene.producer_id]

    assert len(set(given)) == 7
