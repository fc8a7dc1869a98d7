"""What one partition knows of the producers that wrote to it: sequence numbers and transactions.

The state is a fold of the batches in the log, so it can always be built anew from them; a snapshot only saves time, and
keeps what compaction has removed the batches of.
"""

import json
from collections import deque
from dataclasses import dataclass, field
from typing import NamedTuple

from backfuture_broker.batch import SEQUENCE_MASK, Batch
from backfuture_broker.errors import Code

_REMEMBERED_BATCHES = 5  # as many as an idempotent producer may have under way


class Written(NamedTuple):
    """A batch that was accepted: its sequence numbers, and where it was put."""

    first: int
    last: int
    offset: int


class Aborted(NamedTuple):
    """A transaction that read_committed readers must skip: its first offset, and the offset of its marker."""

    producer_id: int
    first: int
    marker: int


@dataclass(slots=True)
class Producer:
    epoch: int
    seen_ms: int  # when it last wrote, or when the broker started
    written: deque[Written] = field(default_factory=lambda: deque(maxlen=_REMEMBERED_BATCHES))


class Producers:
    """Every producer of one partition, the transactions open in it and those that were aborted."""

    def __init__(self) -> None:
        self._known: dict[int, Producer] = {}
        self.open: dict[int, int] = {}  # producer id -> first offset of its open transaction
        self.aborted: list[Aborted] = []

    def verdict(self, batch: Batch) -> Code:
        """Judge an idempotent producer's batch, which is no duplicate: NONE to append it, or why not."""
        known = self._known.get(batch.producer_id)
        if known is None:
            return Code.NONE
        if batch.producer_epoch < known.epoch:
            return Code.FENCED_PRODUCER
        if batch.producer_epoch > known.epoch:
            return Code.NONE if batch.base_sequence == 0 else Code.OUT_OF_ORDER_SEQUENCE
        if not known.written:
            return Code.NONE
        return Code.NONE if batch.base_sequence == self._next(known) else Code.OUT_OF_ORDER_SEQUENCE

    def offset_of_duplicate(self, batch: Batch) -> int | None:
        """Return where the very same batch already is, if it is one of the last few of its producer."""
        known = self._known.get(batch.producer_id)
        if known is None or known.epoch != batch.producer_epoch:
            return None
        numbers = (batch.base_sequence, batch.last_sequence)
        return next((written.offset for written in known.written if written[:2] == numbers), None)

    @staticmethod
    def _next(known: Producer) -> int:
        return (known.written[-1].last + 1) & SEQUENCE_MASK

    def wrote(self, batch: Batch, now_ms: int) -> None:
        """Take note of a data batch that now is in the log."""
        known = self._known.get(batch.producer_id)
        if known is None or known.epoch != batch.producer_epoch:
            known = self._known[batch.producer_id] = Producer(batch.producer_epoch, now_ms)
        known.seen_ms = now_ms
        if batch.base_sequence >= 0:
            known.written.append(Written(batch.base_sequence, batch.last_sequence, batch.base_offset))
        if batch.is_transactional:
            self.open.setdefault(batch.producer_id, batch.base_offset)

    def ended(self, marker: Batch, now_ms: int, *, commit: bool) -> None:
        """Take note of a marker that now is in the log."""
        first = self.open.pop(marker.producer_id, None)
        if first is not None and not commit:
            self.aborted.append(Aborted(marker.producer_id, first, marker.base_offset))
        known = self._known.get(marker.producer_id)
        if known is None or known.epoch < marker.producer_epoch:
            self._known[marker.producer_id] = Producer(marker.producer_epoch, now_ms)
        else:
            known.seen_ms = now_ms

    def epoch_of(self, producer_id: int) -> int:
        """Return the epoch of a producer that has a transaction open here."""
        return self._known[producer_id].epoch

    def aborted_between(self, first: int, end: int) -> list[Aborted]:
        """Return the aborted transactions that have records in [first, end)."""
        return [each for each in self.aborted if each.marker >= first and each.first < end]

    def forget_before(self, start: int) -> None:
        """Drop aborted transactions that lie wholly before the start of the log."""
        self.aborted = [each for each in self.aborted if each.marker >= start]

    def expire(self, before_ms: int) -> None:
        """Forget producers that have been idle since ``before_ms`` and have no transaction open."""
        idle = [pid for pid, known in self._known.items() if known.seen_ms < before_ms and pid not in self.open]
        for producer_id in idle:
            del self._known[producer_id]

    def dump(self) -> str:
        known = [[pid, each.epoch, list(each.written)] for pid, each in self._known.items()]
        return json.dumps([known, list(self.open.items()), self.aborted], separators=(",", ":"))

    @classmethod
    def load(cls, text: str, now_ms: int) -> "Producers":
        """Read what ``dump`` wrote. The idle time of everybody starts anew."""
        known, open_, aborted = json.loads(text)
        loaded = cls()
        for producer_id, epoch, written in known:
            producer = loaded._known[producer_id] = Producer(epoch, now_ms)
            producer.written.extend(Written(*each) for each in written)
        loaded.open = dict(open_)
        loaded.aborted = [Aborted(*each) for each in aborted]
        return loaded
