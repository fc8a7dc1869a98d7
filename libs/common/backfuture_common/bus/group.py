# mypy: untyped-calls-exclude=aiokafka
"""Reads the partitions that a consumer group gives this process."""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from aiokafka import TopicPartition
from aiokafka.abc import ConsumerRebalanceListener
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError

from backfuture_common.bus import profiles
from backfuture_common.bus.failures import fatal_on_failure
from backfuture_common.bus.records import Incoming, Positions
from backfuture_common.bus.settings import KafkaSettings
from backfuture_common.bus.source import QUERY_S, START_S, OnPoison, Source, refuse_poison
from backfuture_common.errors import Fatal
from backfuture_common.runtime.logging import get_logger
from backfuture_common.topics import Topic

_log = get_logger("backfuture.bus.group")

_JOIN_S = 120.0
"""More than a dead member's session and a slow member's rebalance together."""

Where = tuple[str, int]
"""(topic name, partition)"""


@dataclass(frozen=True, slots=True)
class Assigned:
    """These partitions are ours now, all of them paused: seek each to its position, then resume."""

    partitions: frozenset[Where]


@dataclass(frozen=True, slots=True)
class Revoked:
    """These partitions are no longer ours; the new owner may already be at work. Nothing of them follows."""

    partitions: frozenset[Where]


class GroupReader:
    """A member of a consumer group. Positions are the owner's business: nothing is read before it says from where.

    Every change of the group takes all partitions away and gives them anew (the client knows no other way).
    With ``instance_id`` (unique by construction, stable over restarts) membership is static: a restart within the
    session time-out of 30 s gets its partitions back at once and disturbs nobody.
    """

    def __init__(
        self,
        kafka: KafkaSettings,
        topics: tuple[Topic, ...] | list[Topic],
        group: str,
        instance_id: str | None = None,
        *,
        on_poison: OnPoison = refuse_poison,
    ) -> None:
        consumer = profiles.consumer(kafka, group=group, instance_id=instance_id)
        self._source = Source(consumer, tuple(topics), on_poison)
        self._hand_over = _HandOver(self._source)

    async def __aenter__(self) -> Self:
        try:
            async with fatal_on_failure("starting a group reader", START_S):
                await self._source.start()
                names = [topic.name for topic in self._source.topics]
                self._source.consumer.subscribe(names, listener=self._hand_over)
        except BaseException:
            await self._source.stop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._source.stop()

    async def poll(self, timeout_s: float = 0.5, max_records: int = 500) -> list[Incoming | Assigned | Revoked]:
        """Return records and changes of the assignment in the order in which they happened."""
        items: list[Incoming | Assigned | Revoked] = [*self._hand_over.take()]
        if items:
            return items
        if self._hand_over.owning:
            items += await self._source.poll(timeout_s, max_records)
            self._source.watch()
        else:
            self._check_membership()
            await self._hand_over.wait(timeout_s)
        return [*items, *self._hand_over.take()]

    def seek(self, positions: Positions) -> None:
        """Say where reading goes on.

        Here and below, partitions that are not ours any more are left out: their :class:`Revoked` is on its way.
        """
        for partition in self._ours(positions):
            self._source.consumer.seek(partition, positions[partition.topic, partition.partition])

    def pause(self, partitions: Iterable[Where]) -> None:
        """Return nothing more of these until they are resumed. No record is lost by it."""
        self._source.consumer.pause(*self._ours(partitions))

    def resume(self, partitions: Iterable[Where]) -> None:
        """Read on; the owner has sought each of them since it became ours."""
        self._source.consumer.resume(*self._ours(partitions))

    @property
    def assignment(self) -> frozenset[Where]:
        """The partitions that are ours, changes not yet handed over by :meth:`poll` included."""
        return frozenset((p.topic, p.partition) for p in self._source.consumer.assignment())

    async def end_offsets(self, partitions: Iterable[Where]) -> dict[Where, int]:
        """Return where the committed records of these partitions end now."""
        ends = await self._source.end_offsets(TopicPartition(*where) for where in partitions)
        return {(p.topic, p.partition): end for p, end in ends.items()}

    async def beginning_offsets(self, partitions: Iterable[Where]) -> dict[Where, int]:
        """Return the oldest offsets that still exist."""
        found = await self._source.beginning_offsets(TopicPartition(*where) for where in partitions)
        return {(p.topic, p.partition): offset for p, offset in found.items()}

    async def committed_positions(self, partitions: Iterable[Where]) -> dict[Where, int]:
        """Return what :meth:`commit_positions` stored last; partitions never stored are left out."""
        found: dict[Where, int] = {}
        async with fatal_on_failure("asking for committed positions", QUERY_S):
            for where in partitions:
                offset = await self._source.consumer.committed(TopicPartition(*where))
                if offset is not None:
                    found[where] = offset
        return found

    async def commit_positions(self, positions: Positions) -> bool:
        """Store next offsets with the group; False when the group has changed meanwhile (the new owner's are right).

        Raises :class:`Fatal` when the broker does not answer.
        """
        ours = self.assignment
        offsets = {TopicPartition(*where): offset for where, offset in positions.items() if where in ours}
        if len(offsets) < len(positions):
            return False
        try:
            async with fatal_on_failure("committing positions", QUERY_S):
                await self._source.consumer.commit(offsets)
        except Fatal as error:
            if isinstance(error.__cause__, CommitFailedError | IllegalStateError):
                return False
            raise
        return True

    def _check_membership(self) -> None:
        """Raise when joining the group has failed (the client only tells when asked) or takes too long."""
        if self._hand_over.waiting_s > _JOIN_S:
            raise Fatal("kafka.silent", f"no partitions were given to us for {_JOIN_S:g} s")
        try:
            self._source.check_membership()
        except KafkaError as error:
            raise Fatal("kafka.group_failed", f"joining failed: {type(error).__name__} {error}".rstrip()) from error

    def _ours(self, partitions: Iterable[Where]) -> list[TopicPartition]:
        names = {topic.name for topic in self._source.topics}
        assignment = self.assignment
        ours = []
        for where in partitions:
            if where[0] not in names:
                raise Fatal("bus.not_subscribed", f"this reader does not read {where[0]}")
            if where in assignment:
                ours.append(TopicPartition(*where))
        return ours


class _HandOver(ConsumerRebalanceListener):
    """Tells the owner of changes and returns at once: the client sends no heartbeats while its listener runs.

    New partitions are paused at a provisional position, so that nothing is read before the owner has said from where.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._items: deque[Assigned | Revoked] = deque()
        self._changed = asyncio.Event()
        self._waiting_since_s: float | None = time.monotonic()

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        if self.owning:
            self._waiting_since_s = time.monotonic()
        gone = frozenset((p.topic, p.partition) for p in revoked)
        if gone:
            self._tell(Revoked(gone))

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        partitions = list(assigned)
        self._source.consumer.pause(*partitions)
        for partition in partitions:
            self._source.consumer.seek(partition, 0)
        self._waiting_since_s = None
        self._tell(Assigned(frozenset((p.topic, p.partition) for p in partitions)))

    @property
    def owning(self) -> bool:
        """Whether an assignment stands (it may be empty), as opposed to one that is being made."""
        return self._waiting_since_s is None

    @property
    def waiting_s(self) -> float:
        return 0.0 if self._waiting_since_s is None else time.monotonic() - self._waiting_since_s

    def take(self) -> list[Assigned | Revoked]:
        items = list(self._items)
        self._items.clear()
        self._changed.clear()
        return items

    async def wait(self, timeout_s: float) -> None:
        """Return when something has changed, or the time is over."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._changed.wait()

    def _tell(self, item: Assigned | Revoked) -> None:
        _log.info("group.changed", change=type(item).__name__, partitions=len(item.partitions))
        self._items.append(item)
        self._changed.set()
