"""The journal: memory and disk tell the same story, whatever is cut off."""

from pathlib import Path

import pytest
from backfuture_broker import journal as journal_module
from backfuture_broker.disk import Disk, sealed
from backfuture_broker.errors import CannotStartError, StorageFullError
from backfuture_broker.journal import Store
from backfuture_broker.state import (
    Change,
    Committed,
    GroupDeleted,
    OffsetRow,
    OffsetsCommitted,
    ProducerIdTaken,
    State,
    TopicDeleted,
    TopicSet,
    Transaction,
    TransactionDone,
    decode,
    encode,
)  # fmt: skip

CHANGES: list[Change] = [
    TopicSet("a", 3, {"retention.ms": "1"}),
    TopicSet("b-ä", 1, {}),
    OffsetsCommitted("g", (OffsetRow("a", 0, 7, "meta\n\"'"), OffsetRow("b-ä", 0, 8, None))),
    OffsetsCommitted("gone", (OffsetRow("a", 1, 7, ""),)),
    GroupDeleted("gone"),
    ProducerIdTaken(1005),
    Transaction("t", 1006, 2, 60_000, "", (("a", 0), ("b-ä", 0)), ("g",), (("g", OffsetRow("a", 2, 9, "")),)),
    Transaction("t", 1006, 2, 60_000, "commit", (("a", 0),), ("g",), (("g", OffsetRow("a", 2, 9, "")),)),
    TransactionDone("t"),
    Transaction("u", 1007, 0, 60_000, "", (("a", 0), ("b-ä", 0)), ("g",), (("g", OffsetRow("b-ä", 0, 9, "")),)),
    TopicDeleted("b-ä"),
    TopicSet("a", 5, {}),
]


def same(left: State, right: State) -> bool:
    return vars(left) == vars(right)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal"


def filled(path: Path) -> State:
    store = Store(path, Disk())
    for change in CHANGES:
        store.record(change)
    store.close()
    return store.state


@pytest.mark.parametrize("change", CHANGES)
def test_every_change_reads_back_as_it_was(change: Change) -> None:
    again = decode(encode(change))

    assert again == change
    assert type(again) is type(change)


def test_the_state_is_the_same_after_every_start(path: Path) -> None:
    state = filled(path)

    for _ in range(2):
        store = Store(path, Disk())
        assert same(store.state, state)
        store.close()


def test_the_changes_mean_what_they_say(path: Path) -> None:
    state = filled(path)

    assert state.topics == {"a": TopicSet("a", 5, {})}
    assert state.offsets == {"g": {("a", 0): Committed(7, "meta\n\"'"), ("a", 2): Committed(9, "")}}
    assert state.next_producer_id == 1008
    assert state.transactions["t"] == Transaction("t", 1006, 2, 60_000, "commit")
    assert state.transactions["u"].partitions == (("a", 0),)
    assert state.transactions["u"].offsets == ()


def test_an_aborted_transaction_commits_no_offsets() -> None:
    state = State()
    state.apply(Transaction("t", 1, 0, 1, "abort", (("a", 0),), ("g",), (("g", OffsetRow("a", 0, 9, "")),)))

    state.apply(TransactionDone("t"))

    assert not state.offsets.get("g")
    assert not state.transactions["t"].is_ending


def test_a_torn_last_line_is_dropped_at_every_byte(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [sealed(encode(change)) for change in CHANGES[:3]]
    expected = State()
    for change in CHANGES[:2]:
        expected.apply(change)
    for kept in range(len(lines[2])):
        path.write_bytes(lines[0] + lines[1] + lines[2][:kept])

        store = Store(path, Disk())

        assert same(store.state, expected)
        store.close()
    assert capsys.readouterr().err == ""


def test_damage_before_the_end_is_kept_aside_and_told(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [sealed(encode(change)) for change in CHANGES[:3]]
    path.write_bytes(lines[0] + lines[1][:-5] + b"xxxx\n" + lines[2])

    store = Store(path, Disk())

    assert list(store.state.topics) == ["a"]
    (aside,) = path.parent.glob("journal.damaged-*")
    assert aside.read_bytes().endswith(lines[2])
    assert "damaged" in capsys.readouterr().err


def test_a_line_of_another_version_stops_the_start(path: Path) -> None:
    path.write_bytes(sealed('["moon-phase",1]'))

    with pytest.raises(CannotStartError, match="another version"):
        Store(path, Disk())


def test_the_journal_stays_in_proportion_to_the_state(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_module, "_REWRITE_FROM_BYTES", 4000)
    store = Store(path, Disk())

    for offset in range(2000):
        store.record(OffsetsCommitted("g", (OffsetRow("a", 0, offset, ""),)))

    assert path.stat().st_size < 5000
    store.close()
    assert Store(path, Disk()).state.offsets["g"] == {("a", 0): Committed(1999, "")}


def test_what_a_full_disk_refuses_is_neither_written_nor_remembered(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(path, Disk())
    store.record(CHANGES[0])
    before = path.read_bytes()

    def full(_descriptor: int, _data: bytes, _size: int) -> None:
        raise StorageFullError

    with monkeypatch.context() as patch:
        patch.setattr(journal_module, "append_or_undo", full)
        with pytest.raises(StorageFullError):
            store.record(CHANGES[1])

    assert list(store.state.topics) == ["a"]
    assert path.read_bytes() == before
    store.record(CHANGES[1])
    store.close()
    assert list(Store(path, Disk()).state.topics) == ["a", "b-ä"]
