"""Clients of the broker in memory, shaped as those of ``backfuture_common.bus``: the code under test gets them."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from backfuture_common.bus import Assigned, Incoming, KafkaSettings, Outgoing, Revoked
from backfuture_common.errors import Fatal
from backfuture_common.topics import Topic

from tests.simulation.fate import Fate
from tests.simulation.kafka import Broker, Log, Where
from tests.simulation.loop import Process, current_process


@dataclass(frozen=True, slots=True, kw_only=True)
class SimKafka(KafkaSettings):
    """Settings that lead to the broker in memory."""

    broker: Broker
    now_ms: Callable[[], int]


def sim(kafka: KafkaSettings) -> SimKafka:
    assert isinstance(kafka, SimKafka)
    return kafka


async def ask(broker: Broker, what: str, deadline_s: float) -> None:
    """One request: it takes its time; :class:`Fatal` when the broker does not answer before the deadline."""
    await asyncio.sleep(broker.fate.amount("bus way", 0.02))
    if not broker.up.is_set():
        try:
            async with asyncio.timeout(deadline_s):
                await broker.up.wait()
        except TimeoutError:
            raise Fatal("kafka.timeout", f"{what} took too long") from None


async def strike(broker: Broker, where: str) -> None:
    """A point at which the process may die, or stand still, by fate."""
    await strike_process(broker.fate, where)


async def strike_process(fate: Fate, where: str) -> None:
    process = current_process()
    blow = fate.pick(f"{process.name} {where}", "", ("die", "die", "sleep"))
    if blow == "die":
        process.kill()
    elif blow == "sleep":
        process.pause()
    if blow:
        await asyncio.sleep(0)


class _Client:
    """What all clients have: they are entered and left."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return


class SimPublisher(_Client):
    def __init__(self, kafka: KafkaSettings) -> None:
        self._kafka = sim(kafka)
        self._broker = self._kafka.broker

    async def publish(self, record: Outgoing) -> int:
        return (await self.publish_all([record]))[0]

    async def publish_all(self, records: Sequence[Outgoing]) -> list[int]:
        await ask(self._broker, "publishing", 15.0)
        return [self._broker.append(record, self._kafka.now_ms()) for record in records]

    async def bury(self, poison: object) -> None:
        raise AssertionError(f"nobody writes poison here: {poison}")


class SimCommitter(_Client):
    def __init__(self, kafka: KafkaSettings, transactional_id: str) -> None:
        self._kafka = sim(kafka)
        self._broker = self._kafka.broker
        self._id = transactional_id
        self._usable = True
        self.epoch = -1

    async def __aenter__(self) -> Self:
        await ask(self._broker, "fencing", 30.0)
        self.epoch = self._broker.fence(self._id)
        await strike(self._broker, "after fencing")
        return self

    async def commit(self, records: Sequence[Outgoing]) -> None:
        if not records:
            return
        if not self._usable:
            raise Fatal("kafka.committer_unusable", self._id)
        self._usable = False
        await strike(self._broker, "before its transaction")
        try:
            async with asyncio.timeout(5.0):
                await self._commit(records)
        except TimeoutError:
            raise Fatal("kafka.timeout", f"committing as {self._id}") from None
        await strike(self._broker, "after its transaction")
        self._usable = True

    async def _commit(self, records: Sequence[Outgoing]) -> None:
        transaction = self._broker.begin(self._id, self.epoch)
        for record in records:
            self._broker.append(record, self._kafka.now_ms(), transaction)
        await strike(self._broker, "in its transaction")
        await ask(self._broker, "deciding", 10.0)
        self._broker.commit(transaction)
        if self._broker.fate.pick("commit unanswered", good=False, bad=[True], factor=0.3):
            raise Fatal("kafka.timeout", "committed, and the answer was lost")


class SimReader(_Client):
    """All partitions of some topics, without a group."""

    def __init__(
        self, kafka: KafkaSettings, topics: Sequence[Topic], start: Any = "beginning", **_more: object
    ) -> None:
        self._kafka = sim(kafka)
        self._broker = self._kafka.broker
        self._names = [topic.name for topic in topics]
        counts = [(t, p) for t in topics for p in range(kafka.partitions_of(t))]
        self._logs = {(topic.name, number): self._broker.log(topic, number) for topic, number in counts}
        self._start = start
        self._positions: dict[Where, int] = {}
        self._targets: dict[Where, int] = {}

    async def __aenter__(self) -> Self:
        await ask(self._broker, "starting a reader", 30.0)
        self._targets = {where: log.stable_end for where, log in self._logs.items()}
        self._positions = dict(self._targets) if self._start == "end" else dict.fromkeys(self._logs, 0)
        return self

    @property
    def caught_up(self) -> bool:
        return all(self._positions[where] >= end for where, end in self._targets.items())

    async def poll(self, timeout_s: float = 0.5, max_records: int = 500) -> list[Incoming]:
        if not self._behind():
            await self._broker.news(self._names)
        found = self._take(max_records)
        if not self._broker.up.is_set():
            await ask(self._broker, "reading", 30.0)
        return found

    async def catch_up(self, deadline_s: float) -> list[Incoming]:
        found: list[Incoming] = []
        async with asyncio.timeout(deadline_s):
            while not self.caught_up:
                found += await self.poll()
        return found

    async def end_offsets(self) -> dict[Where, int]:
        await ask(self._broker, "asking for ends", 15.0)
        return {where: log.stable_end for where, log in self._logs.items()}

    def positions(self) -> dict[Where, int]:
        return dict(self._positions)

    def _behind(self) -> bool:
        return any(self._positions[where] < log.stable_end for where, log in self._logs.items())

    def _take(self, most: int) -> list[Incoming]:
        found: list[Incoming] = []
        for where, log in self._logs.items():
            if self._positions[where] < len(log.slots):
                records, self._positions[where] = log.read(self._positions[where], most)
                found += records
        return found


class SimGroupReader(_Client):
    """A member of a group; whatever it is given, the owner says from where."""

    def __init__(
        self,
        kafka: KafkaSettings,
        topics: Sequence[Topic],
        group: str,
        instance_id: str | None = None,
        **_more: object,
    ) -> None:
        self._kafka = sim(kafka)
        self._broker = self._kafka.broker
        self._topics = list(topics)
        self._names = [topic.name for topic in topics]
        self._group = group
        self.instance_id = instance_id or "only"
        self._items: list[Assigned | Revoked] = []
        self._ours: dict[Where, Log] = {}
        self._positions: dict[Where, int] = {}
        self._reading: set[Where] = set()
        self._process: Process | None = None

    async def __aenter__(self) -> Self:
        await ask(self._broker, "joining", 30.0)
        self._process = current_process()
        self._broker.join(self._group, self)
        return self

    def give(self, partitions: frozenset[int]) -> None:
        """Be told of a new assignment; it is heard of at the next poll."""
        if self._ours:
            self._items.append(Revoked(frozenset(self._ours)))
        self._reading.clear()
        self._ours = {
            (topic.name, number): self._broker.log(topic, number)
            for topic in self._topics
            for number in range(self._kafka.partitions_of(topic))
            if not topic.owner_partitioned or number in partitions
        }
        if not any(topic.owner_partitioned for topic in self._topics) and not partitions:
            self._ours = {}
        if self._ours:
            self._items.append(Assigned(frozenset(self._ours)))
        self._broker.wake_readers()

    async def poll(self, timeout_s: float = 0.5, max_records: int = 500) -> list[Incoming | Assigned | Revoked]:
        if not self._items:
            found = self._take(max_records)
            if found:
                await asyncio.sleep(0)
                return [*found, *self._handed_over()]
            await self._broker.news(self._names)
            if not self._broker.up.is_set():
                await ask(self._broker, "reading", 30.0)
        self._check_membership()
        return [*self._handed_over(), *([] if self._items else self._take(max_records))]

    def seek(self, positions: dict[Where, int]) -> None:
        self._positions |= {where: offset for where, offset in positions.items() if where in self._ours}

    def resume(self, partitions: Iterable[Where]) -> None:
        self._reading |= {where for where in partitions if where in self._ours}

    async def beginning_offsets(self, partitions: Iterable[Where]) -> dict[Where, int]:
        await ask(self._broker, "asking for beginnings", 15.0)
        return dict.fromkeys(partitions, 0)

    async def committed_positions(self, partitions: Iterable[Where]) -> dict[Where, int]:
        await ask(self._broker, "asking for positions", 15.0)
        known = self._broker.groups[self._group].positions
        return {where: known[where] for where in partitions if where in known}

    async def commit_positions(self, positions: dict[Where, int]) -> bool:
        await ask(self._broker, "committing positions", 15.0)
        member = self._broker.groups[self._group].members.get(self.instance_id)
        if member is None or member.reader is not self:
            return False
        self._broker.groups[self._group].positions |= positions
        return True

    def _check_membership(self) -> None:
        member = self._broker.groups[self._group].members.get(self.instance_id)
        if member is None:  # the session is over: join again
            self._broker.join(self._group, self)
        elif member.reader is not self and not self._broker.fate.pick("double unnoticed", good=False, bad=[True]):
            raise Fatal("kafka.group_failed", "another process has our name")

    def _handed_over(self) -> list[Assigned | Revoked]:
        items, self._items = self._items, []
        return items

    def _take(self, most: int) -> list[Incoming]:
        found: list[Incoming] = []
        for where in sorted(self._reading):
            records, self._positions[where] = self._ours[where].read(self._positions[where], most)
            found += records
        return found


async def no_topics(*_given: object, **_more: object) -> None:
    """Topics exist as soon as somebody writes to them."""
