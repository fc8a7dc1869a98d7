"""Journals that earlier versions wrote, decided once more."""

import io
from pathlib import Path

import msgspec
import pytest
from backfuture_common.contracts.backtest import Answer, Failed, ReplayResult
from backfuture_engine.rereading import answer

GOLDEN = sorted((Path(__file__).parents[2] / "golden").glob("*.jsonl"))


def replayed(journal: bytes) -> ReplayResult | Failed:
    sink = io.BytesIO()
    answer(io.BytesIO(journal), sink)
    told = msgspec.json.decode(sink.getvalue(), type=Answer)
    assert isinstance(told, ReplayResult | Failed)
    return told


def test_there_are_golden_journals() -> None:
    assert len(GOLDEN) >= 2


@pytest.mark.parametrize("journal", GOLDEN, ids=lambda path: path.stem)
def test_every_decision_falls_as_it_fell_then(journal: Path) -> None:
    told = replayed(journal.read_bytes())
    assert isinstance(told, ReplayResult)
    assert told.records > 50
    assert told.differences == ()


def test_the_first_difference_is_shown() -> None:
    lines = GOLDEN[0].read_text().splitlines()
    changed = next(number for number, line in enumerate(lines) if '"verdict":"ADD_ON"' in line)
    forged = [line.replace('"verdict":"ADD_ON"', '"verdict":"EXIT"') if at == changed else line
              for at, line in enumerate(lines)]  # fmt: skip
    told = replayed("\n".join(forged).encode())
    assert isinstance(told, ReplayResult)
    assert told.difference_count >= 1
    assert told.differences[0].seq == msgspec.json.decode(lines[changed])["seq"]


@pytest.mark.parametrize(
    ("journal", "code"),
    [(b"", "replay.empty"), (b"{}\n", "replay.unreadable"), (b"no", "replay.unreadable")],
)
def test_what_is_no_journal_is_refused(journal: bytes, code: str) -> None:
    told = replayed(journal)
    assert isinstance(told, Failed)
    assert told.error.code == code


def test_a_journal_that_lacks_its_beginning_is_refused() -> None:
    told = replayed(b"\n".join(GOLDEN[0].read_bytes().splitlines()[4:]))
    assert isinstance(told, Failed)
    assert told.error.code == "replay.missing_record"
