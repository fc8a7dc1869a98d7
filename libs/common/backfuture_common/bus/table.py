"""A compacted topic as a dictionary that follows it."""

import asyncio
import time
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Generic, NoReturn, Self, cast

from typing_extensions import TypeVar

from backfuture_common.bus.reader import Reader
from backfuture_common.bus.records import Incoming
from backfuture_common.bus.settings import KafkaSettings
from backfuture_common.bus.source import OnPoison, refuse_poison
from backfuture_common.errors import Fatal
from backfuture_common.messages.codec import Message
from backfuture_common.topics import Topic

_FILL_S = 120.0

M = TypeVar("M", bound=Message, default=Message)


class Table(Generic[M]):
    """The newest message under each key of ``topic``. Entering fills it; :meth:`run` keeps it fresh.

    The caller names the type: ``Table[Instrument](kafka, MARKET_INSTRUMENTS)``. ``on_change`` is called with each
    record after it has been applied (also while filling). Keys are looked up over all partitions; where one key
    stands in several (the engine's checkpoints), use :meth:`partition`.
    """

    def __init__(
        self,
        kafka: KafkaSettings,
        topic: Topic,
        on_change: Callable[[Incoming], None] | None = None,
        *,
        on_poison: OnPoison = refuse_poison,
        fill_deadline_s: float = _FILL_S,
    ) -> None:
        self._topic = topic
        self._reader = Reader(kafka, (topic,), on_poison=on_poison)
        self._on_change = on_change
        self._fill_deadline_s = fill_deadline_s
        self._partitions: dict[int, dict[str, M]] = {}
        self._step_lock = asyncio.Lock()  # run() and reach() may both want to read

    async def __aenter__(self) -> Self:
        await self._reader.__aenter__()
        try:
            await self._reach(lambda: self._reader.caught_up, self._fill_deadline_s)
        except BaseException:
            await self._reader.__aexit__(None, None, None)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._reader.__aexit__(kind, error, trace)

    def get(self, key: str) -> M | None:
        """Return the message under the key, None when there is none."""
        return next((rows[key] for rows in self._partitions.values() if key in rows), None)

    def partition(self, number: int) -> dict[str, M]:
        """Return a copy of one partition's rows."""
        return dict(self._partitions.get(number, {}))

    def items(self) -> Iterator[tuple[str, M]]:
        for rows in self._partitions.values():
            yield from rows.items()

    def values(self) -> Iterator[M]:
        for rows in self._partitions.values():
            yield from rows.values()

    def __len__(self) -> int:
        return sum(len(rows) for rows in self._partitions.values())

    async def run(self) -> NoReturn:
        """Follow the topic until cancelled; :class:`Fatal` when that fails."""
        while True:
            await self._step(0.5)

    async def reach_end(self, deadline_s: float, partition: int | None = None) -> None:
        """Return once everything is in the table that is committed now, in one partition or in all.

        The barrier of a take-over: fence first, then reach the end, then trust the rows.
        """
        ends = await self._reader.end_offsets()
        wanted = {where: end for where, end in ends.items() if partition is None or where[1] == partition}

        def reached() -> bool:
            positions = self._reader.positions()
            return all(positions[where] >= end for where, end in wanted.items())

        await self._reach(reached, deadline_s)

    async def _reach(self, reached: Callable[[], bool], deadline_s: float) -> None:
        until_s = time.monotonic() + deadline_s
        while not reached():
            if time.monotonic() > until_s:
                raise Fatal("kafka.timeout", f"table {self._topic.name} not caught up within {deadline_s:g} s")
            await self._step(0.1)

    async def _step(self, timeout_s: float) -> None:
        async with self._step_lock:
            for record in await self._reader.poll(timeout_s, max_records=5_000):
                self._apply(record)

    def _apply(self, record: Incoming) -> None:
        rows = self._partitions.setdefault(record.partition, {})
        if record.value is None:
            rows.pop(record.key, None)
        else:
            rows[record.key] = cast("M", record.value)  # the topic's decoder lets nothing else through
        if self._on_change is not None:
            self._on_change(record)
