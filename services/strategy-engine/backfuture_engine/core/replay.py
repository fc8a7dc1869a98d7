"""A journal read again: its facts folded, and every decision taken once more from the recorded inputs."""

from collections.abc import Iterable
from typing import NamedTuple

from backfuture_common.messages.bots import BotState
from backfuture_common.messages.journal import Fact, JournalRecord

from backfuture_engine.core.step import apply, step


class Difference(NamedTuple):
    """A record whose recorded facts this code would not come to."""

    seq: int
    recorded: tuple[Fact, ...]
    decided: tuple[Fact, ...]


class Replayed(NamedTuple):
    """One bot's journal, read again. ``state`` is the fold of what was recorded."""

    state: BotState | None
    differences: tuple[Difference, ...]


def fold(records: Iterable[JournalRecord]) -> BotState | None:
    """Return the state after one bot's records, without deciding anything. ValueError when one is missing."""
    state: BotState | None = None
    for record in records:
        state = _next(state, record)
    return state


def replay(records: Iterable[JournalRecord]) -> Replayed:
    """Decide everything in one bot's journal once more; no differences: the code is deterministic, and the same.

    ValueError when a record is missing.
    """
    state: BotState | None = None
    differences: list[Difference] = []
    for record in records:
        decided = step(state, record.event, record.context).facts
        if decided != record.facts:
            differences.append(Difference(record.seq, record.facts, decided))
        state = _next(state, record)
    return Replayed(state, tuple(differences))


def _next(state: BotState | None, record: JournalRecord) -> BotState:
    expected = 1 if state is None else state.seq + 1
    if record.seq != expected:
        raise ValueError(f"the journal of {record.bot_id} goes on with record {record.seq} where {expected} is due")
    return apply(state, record.facts)
