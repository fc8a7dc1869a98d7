"""What the broker remembers besides records: topics, committed offsets, transactions. A fold of changes.

Live work and start-up go through the same ``apply``, so memory and journal cannot tell different stories.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal, NamedTuple

TopicPartition = tuple[str, int]
Decision = Literal["", "commit", "abort"]


class Committed(NamedTuple):
    offset: int
    metadata: str | None


class OffsetRow(NamedTuple):
    topic: str
    partition: int
    offset: int
    metadata: str | None


class TopicSet(NamedTuple):
    """A topic is there, with so many partitions and these settings."""

    name: str
    partitions: int
    configs: Mapping[str, str]


class TopicDeleted(NamedTuple):
    """A topic is gone, and with it the offsets committed on it."""

    name: str


class OffsetsCommitted(NamedTuple):
    group: str
    rows: tuple[OffsetRow, ...]


class GroupDeleted(NamedTuple):
    group: str


class ProducerIdTaken(NamedTuple):
    producer_id: int


class Transaction(NamedTuple):
    """The state of one transactional id. A decision is to be carried out as long as there are partitions or groups."""

    id: str
    producer_id: int
    epoch: int
    timeout_ms: int
    decision: Decision = ""
    partitions: tuple[TopicPartition, ...] = ()
    groups: tuple[str, ...] = ()
    offsets: tuple[tuple[str, OffsetRow], ...] = ()  # (group, row): committed with the transaction

    @property
    def has_content(self) -> bool:
        return bool(self.partitions or self.groups)

    @property
    def is_open(self) -> bool:
        return self.has_content and not self.decision

    @property
    def is_ending(self) -> bool:
        return self.has_content and bool(self.decision)


class TransactionDone(NamedTuple):
    """The decision on a transaction is carried out in every partition; its offsets count from now on."""

    id: str


Change = TopicSet | TopicDeleted | OffsetsCommitted | GroupDeleted | ProducerIdTaken | Transaction | TransactionDone

_FIRST_PRODUCER_ID = 1000


class State:
    """The fold of all changes. Read it freely; it changes by ``apply`` only."""

    def __init__(self) -> None:
        self.topics: dict[str, TopicSet] = {}
        self.offsets: defaultdict[str, dict[TopicPartition, Committed]] = defaultdict(dict)  # by group
        self.transactions: dict[str, Transaction] = {}
        self.next_producer_id = _FIRST_PRODUCER_ID

    def apply(self, change: Change) -> None:
        match change:
            case TopicSet():
                self.topics[change.name] = change
            case TopicDeleted():
                self._delete_topic(change.name)
            case OffsetsCommitted():
                for row in change.rows:
                    self._commit(change.group, row)
            case GroupDeleted():
                self.offsets.pop(change.group, None)
            case ProducerIdTaken():
                self.next_producer_id = max(self.next_producer_id, change.producer_id + 1)
            case Transaction():
                self.transactions[change.id] = change
                self.next_producer_id = max(self.next_producer_id, change.producer_id + 1)
            case TransactionDone():
                self._finish_transaction(self.transactions[change.id])

    def _commit(self, group: str, row: OffsetRow) -> None:
        self.offsets[group][row.topic, row.partition] = Committed(row.offset, row.metadata)

    def _finish_transaction(self, transaction: Transaction) -> None:
        if transaction.decision == "commit":
            for group, row in transaction.offsets:
                self._commit(group, row)
        self.transactions[transaction.id] = transaction._replace(partitions=(), groups=(), offsets=())

    def _delete_topic(self, name: str) -> None:
        self.topics.pop(name, None)
        for committed in self.offsets.values():
            for key in [key for key in committed if key[0] == name]:
                del committed[key]
        for each in list(self.transactions.values()):
            self.transactions[each.id] = each._replace(
                partitions=tuple(partition for partition in each.partitions if partition[0] != name),
                offsets=tuple(pending for pending in each.offsets if pending[1].topic != name),
            )

    def changes(self) -> Iterator[Change]:
        """Yield changes whose fold is this state."""
        yield from self.topics.values()
        for group, committed in self.offsets.items():
            yield OffsetsCommitted(group, tuple(OffsetRow(*key, *value) for key, value in committed.items()))
        yield from self.transactions.values()
        yield ProducerIdTaken(self.next_producer_id - 1)


# -- as text: a list of a tag and the fields

_TAGS: Mapping[type[Change], str] = {
    TopicSet: "topic",
    TopicDeleted: "topic-deleted",
    OffsetsCommitted: "offsets",
    GroupDeleted: "group-deleted",
    ProducerIdTaken: "producer-id",
    Transaction: "transaction",
    TransactionDone: "transaction-done",
}


def encode(change: Change) -> str:
    return json.dumps([_TAGS[type(change)], *change], separators=(",", ":"), ensure_ascii=False)


def decode(text: str) -> Change:
    """Read what ``encode`` wrote. ValueError, KeyError or TypeError if it did not."""
    tag, *fields = json.loads(text)
    return _DECODERS[tag](*fields)


def _rows(rows: list[list[Any]]) -> tuple[OffsetRow, ...]:
    return tuple(OffsetRow(*row) for row in rows)


def _transaction(*fields: Any) -> Transaction:
    partitions, groups, offsets = fields[5:]
    return Transaction(*fields[:5])._replace(
        partitions=tuple((topic, index) for topic, index in partitions),
        groups=tuple(groups),
        offsets=tuple((group, OffsetRow(*row)) for group, row in offsets),
    )


_DECODERS: Mapping[str, Callable[..., Change]] = {
    "topic": TopicSet,
    "topic-deleted": TopicDeleted,
    "offsets": lambda group, rows: OffsetsCommitted(group, _rows(rows)),
    "group-deleted": GroupDeleted,
    "producer-id": ProducerIdTaken,
    "transaction": _transaction,
    "transaction-done": TransactionDone,
}
