"""Kafka in memory, as our bus sees it: transactions, fencing by epoch, committed reads, compaction, groups."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

from backfuture_common.bus import Incoming, Outgoing, partition_of
from backfuture_common.errors import Fatal
from backfuture_common.topics import Topic

from tests.simulation.fate import Fate
from tests.simulation.loop import Process, as_nobody, current_process

Where = tuple[str, int]
TRANSACTION_TIMEOUT_S = 10.0
SESSION_S = 10.0


class Transaction:
    """Records of one producer that are not decided yet."""

    def __init__(self, owner: str, epoch: int) -> None:
        self.owner = owner
        self.epoch = epoch
        self.begun_s = 0.0
        self.state = "open"


@dataclass(slots=True)
class Slot:
    """One place in a log; the record of an aborted transaction keeps its offset and is never read."""

    record: Incoming
    transaction: Transaction | None


class Log:
    """One partition."""

    def __init__(self) -> None:
        self.slots: list[Slot | None] = []
        self.open: dict[Transaction, int] = {}

    @property
    def stable_end(self) -> int:
        """Return where committed reading ends: at the first undecided record."""
        return min(self.open.values()) if self.open else len(self.slots)

    def read(self, start: int, most: int) -> tuple[list[Incoming], int]:
        """Return committed records from ``start``, and where to go on."""
        found: list[Incoming] = []
        end = self.stable_end
        while start < end and len(found) < most:
            slot = self.slots[start]
            if slot is not None and (slot.transaction is None or slot.transaction.state == "committed"):
                found.append(slot.record)
            start += 1
        return found, start

    def compact(self) -> None:
        """Forget all but the newest committed record of each key."""
        newest: set[str] = set()
        for offset in range(self.stable_end - 1, -1, -1):
            slot = self.slots[offset]
            if slot is None or (slot.transaction is not None and slot.transaction.state == "aborted"):
                continue
            if slot.record.key in newest:
                self.slots[offset] = None
            newest.add(slot.record.key)


class GroupMember(Protocol):
    """A reader that is given partitions."""

    instance_id: str

    def give(self, partitions: frozenset[int]) -> None: ...


@dataclass(slots=True)
class Member:
    """A member of a consumer group, known by its static name."""

    reader: GroupMember
    process: Process


@dataclass(slots=True)
class Group:
    members: dict[str, Member] = field(default_factory=dict)
    positions: dict[Where, int] = field(default_factory=dict)


class Broker:
    """What all processes share. ``fencing`` False plants the fault that stale producers are not noticed."""

    def __init__(self, fate: Fate, partitions: int) -> None:
        self.fate = fate
        self.partitions = partitions
        self.fencing = True
        self.logs: dict[Where, Log] = {}
        self.topics: dict[str, Topic] = {}
        self.up = asyncio.Event()
        self.up.set()
        self._epochs: dict[str, int] = {}
        self._open: dict[str, Transaction] = {}
        self._touched: dict[Transaction, list[tuple[str, Log]]] = {}
        self._waiting: dict[str, list[asyncio.Future[None]]] = {}
        self.groups: dict[str, Group] = {}

    # ------------------------------------------------------------------ writing

    def log(self, topic: Topic, partition: int) -> Log:
        self.topics[topic.name] = topic
        where = (topic.name, partition)
        if where not in self.logs:
            self.logs[where] = Log()
        return self.logs[where]

    def append(self, record: Outgoing, now_ms: int, transaction: Transaction | None = None) -> int:
        """Write one record; without a transaction it counts at once."""
        count = self.partitions if record.topic.owner_partitioned else record.topic.partitions
        partition = record.partition if record.partition is not None else partition_of(record.key, count)
        log = self.log(record.topic, partition)
        offset = len(log.slots)
        if transaction is not None:
            log.open.setdefault(transaction, offset)
            self._touched[transaction].append((record.topic.name, log))
        log.slots.append(Slot(Incoming(record.topic, partition, offset, record.key, record.value, now_ms), transaction))
        if transaction is None:
            self._tell(record.topic.name)
        return offset

    def fence(self, transactional_id: str) -> int:
        """Give the id to a new owner: the older ones' open transaction ends, they can write nothing more."""
        epoch = self._epochs[transactional_id] = self._epochs.get(transactional_id, -1) + 1
        old = self._open.pop(transactional_id, None)
        if old is not None and self.fencing:
            self._decide(old, "aborted")
        return epoch

    def begin(self, transactional_id: str, epoch: int) -> Transaction:
        self.check(transactional_id, epoch)
        transaction = self._open[transactional_id] = Transaction(transactional_id, epoch)
        transaction.begun_s = asyncio.get_running_loop().time()
        self._touched[transaction] = []
        return transaction

    def commit(self, transaction: Transaction) -> None:
        self.check(transaction.owner, transaction.epoch)
        if transaction.state != "open":
            raise Fatal("kafka.failed", "the transaction was aborted by the broker")
        self._open.pop(transaction.owner, None)
        self._decide(transaction, "committed")

    def check(self, transactional_id: str, epoch: int) -> None:
        if self.fencing and self._epochs[transactional_id] != epoch:
            raise Fatal("kafka.failed", f"{transactional_id} was fenced")

    def sweep(self) -> None:
        """End transactions that are open for too long, and fence their owners."""
        now_s = asyncio.get_running_loop().time()
        for transaction in list(self._touched):
            if now_s - transaction.begun_s > TRANSACTION_TIMEOUT_S:
                self._epochs[transaction.owner] += 1
                self._open.pop(transaction.owner, None)
                self._decide(transaction, "aborted")

    def _decide(self, transaction: Transaction, state: str) -> None:
        transaction.state = state
        for name, log in self._touched.pop(transaction):
            if log.open.pop(transaction, None) is not None:
                self._tell(name)

    # ------------------------------------------------------------------ reading

    async def news(self, topics: Iterable[str]) -> None:
        """Return when one of the topics may have something new. Idle time costs nothing here, so there is no limit."""
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        for topic in topics:
            self._waiting.setdefault(topic, []).append(waiter)
        await waiter

    def _tell(self, topic: str) -> None:
        for waiter in self._waiting.pop(topic, ()):
            _resolve(waiter)

    def go_away(self, for_s: float) -> None:
        """Answer nobody for a while."""
        self.up.clear()
        self.wake_readers()
        asyncio.get_running_loop().call_later(for_s, self.up.set, context=as_nobody())

    def wake_readers(self) -> None:
        for topic in list(self._waiting):
            self._tell(topic)

    def records(self, topic: Topic) -> list[Incoming]:
        """Return everything committed on a topic, partition by partition."""
        return [
            record
            for (name, _), log in sorted(self.logs.items())
            if name == topic.name
            for record in log.read(0, len(log.slots))[0]
        ]

    def compact(self) -> None:
        """Compact every compacted topic now."""
        for (name, _), log in self.logs.items():
            if self.topics[name].compacted:
                log.compact()

    # ------------------------------------------------------------------ groups

    def join(self, group: str, reader: GroupMember) -> None:
        members = self.groups.setdefault(group, Group()).members
        known = reader.instance_id in members
        members[reader.instance_id] = Member(reader, current_process())
        if known:  # static membership: the name gets its partitions back, nobody else is disturbed
            reader.give(self._share(group, reader.instance_id))
        else:
            self._rebalance(group)

    def leave(self, group: str, instance_id: str, process: Process) -> None:
        """Forget a member whose process did not send heartbeats for a session."""
        member = self.groups[group].members.get(instance_id) if group in self.groups else None
        if member is not None and member.process is process:
            del self.groups[group].members[instance_id]
            self._rebalance(group)

    def _rebalance(self, group: str) -> None:
        for name, member in self.groups[group].members.items():
            member.reader.give(self._share(group, name))

    def _share(self, group: str, instance_id: str) -> frozenset[int]:
        names = sorted(self.groups[group].members)
        return frozenset(p for p in range(self.partitions) if names[p % len(names)] == instance_id)


def _resolve(waiter: "asyncio.Future[None]") -> None:
    if not waiter.done():
        waiter.set_result(None)
