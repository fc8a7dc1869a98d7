# mypy: untyped-calls-exclude=aiokafka
"""Reads all partitions of some topics, without a group."""

import time
from types import TracebackType
from typing import Literal, Self

from aiokafka import TopicPartition

from backfuture_common.bus import profiles
from backfuture_common.bus.failures import fatal_on_failure
from backfuture_common.bus.records import Incoming, Positions
from backfuture_common.bus.settings import KafkaSettings
from backfuture_common.bus.source import START_S, OnPoison, Source, refuse_poison
from backfuture_common.errors import Fatal
from backfuture_common.topics import Topic

Start = Literal["beginning", "end"] | Positions
_REBUILD = "the topic was cut or made anew: restore it, or rebuild the state of its reader"


class Reader:
    """Committed records of all partitions of ``topics``, from where ``start`` says; those it does not name start at
    the beginning.

    A position that the log no longer (or not yet) holds is :class:`Fatal` (``kafka.position_lost``); with
    ``skip_lost`` a too old one moves to the oldest record there is (for data whose age makes it worthless).
    Undecodable records go to ``on_poison``, by default Fatal.
    """

    def __init__(
        self,
        kafka: KafkaSettings,
        topics: tuple[Topic, ...] | list[Topic],
        start: Start = "beginning",
        *,
        on_poison: OnPoison = refuse_poison,
        skip_lost: bool = False,
    ) -> None:
        self._start = start
        self._skip_lost = skip_lost
        self._source = Source(profiles.consumer(kafka), tuple(topics), on_poison)
        self._targets: dict[TopicPartition, int] = {}
        """End offsets at start that have not been reached yet."""

    async def __aenter__(self) -> Self:
        try:
            async with fatal_on_failure("starting a reader", START_S):
                await self._open()
        except BaseException:
            await self._source.stop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._source.stop()

    async def poll(self, timeout_s: float = 0.5, max_records: int = 500) -> list[Incoming]:
        """Return the next records, in order within each partition; empty when none came in time."""
        records = await self._source.poll(timeout_s, max_records)
        self._source.watch()
        return records

    @property
    def caught_up(self) -> bool:
        """Whether everything has been returned that was committed when the reader started."""
        self._targets = {p: end for p, end in self._targets.items() if self._source.position(p) < end}
        return not self._targets

    async def catch_up(self, deadline_s: float) -> list[Incoming]:
        """Return everything up to the end offsets seen at start; Fatal (``kafka.timeout``) past the deadline."""
        incoming: list[Incoming] = []
        until_s = time.monotonic() + deadline_s
        while not self.caught_up:
            if time.monotonic() > until_s:
                raise Fatal("kafka.timeout", f"not caught up within {deadline_s:g} s")
            incoming += await self.poll(timeout_s=0.2, max_records=5_000)
        return incoming

    async def end_offsets(self) -> dict[tuple[str, int], int]:
        """Return where the committed records of each partition end now."""
        ends = await self._source.end_offsets(self._source.consumer.assignment())
        return {(p.topic, p.partition): end for p, end in ends.items()}

    def positions(self) -> dict[tuple[str, int], int]:
        """Return the offset of the next record of each partition."""
        assigned = self._source.consumer.assignment()
        return {(p.topic, p.partition): self._source.position(p) for p in assigned}

    async def _open(self) -> None:
        source = self._source
        await source.start()
        partitions = source.partitions()
        beginnings = await source.beginning_offsets(partitions)
        ends = await source.end_offsets(partitions)
        first = first_offsets(self._start, beginnings, ends, skip_lost=self._skip_lost)
        source.consumer.assign(partitions)
        for partition, offset in first.items():
            source.consumer.seek(partition, offset)
        self._targets = ends


Offsets = dict[TopicPartition, int]


def first_offsets(start: Start, beginnings: Offsets, ends: Offsets, *, skip_lost: bool) -> Offsets:
    """Return where each partition is read from; Fatal (``kafka.position_lost``) outside of what the log holds."""
    if start == "beginning":
        return beginnings
    if start == "end":
        return ends
    first = dict(beginnings)
    for where, offset in start.items():
        partition = TopicPartition(*where)
        if partition in beginnings:
            first[partition] = max(offset, beginnings[partition]) if skip_lost else offset
    for partition, offset in first.items():
        where_text = f"{partition.topic}/{partition.partition}"
        if offset < beginnings[partition]:
            raise Fatal("kafka.position_lost", f"{where_text}: {offset} is older than anything kept", _REBUILD)
        if offset > ends[partition]:
            raise Fatal("kafka.position_lost", f"{where_text}: {offset} is beyond the end", _REBUILD)
    return first
