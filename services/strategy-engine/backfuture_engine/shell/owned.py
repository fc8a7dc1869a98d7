"""A partition that is ours: its worker, and the transactions that make the worker's decisions true."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable

from backfuture_common.bus import Committer
from backfuture_common.runtime import metrics
from backfuture_common.runtime.clock import Clock
from backfuture_common.topics import Topic

from backfuture_engine.shell.crash import CrashPoints
from backfuture_engine.shell.worker import Worker

CHECKPOINT_EVERY_S = 10.0

MakeTopics = Callable[[Iterable[Topic]], Awaitable[None]]
MOST_UNCOMMITTED = 5_000


class Owned:
    """Commits what the worker has decided, one transaction after another, until it is to end.

    While one is under way the worker goes on deciding; what it decides meanwhile is the next one. Nobody sees anything
    of a decision before its transaction.
    """

    def __init__(
        self, worker: Worker, committer: Committer, clock: Clock, crash: CrashPoints, make_topics: MakeTopics
    ) -> None:
        self.worker = worker
        self._committer = committer
        self._clock = clock
        self._crash = crash
        self._make_topics = make_topics
        self._news = asyncio.Event()
        self._news.set()  # the first checkpoint puts our epoch on record
        self._committed = asyncio.Event()
        self._ending = False
        self._abandoned = False
        self._ended = asyncio.Event()

    def look(self) -> None:
        """Commit soon if there is anything to commit."""
        if self.worker.urgent:
            self._news.set()

    def finish(self) -> None:
        """End when everything is committed."""
        self._ending = True
        self._news.set()

    def abandon(self) -> None:
        """End after the transaction under way; what is not in it is the next owner's to find out again."""
        self._abandoned = True
        self._news.set()

    async def room(self) -> None:
        """Return when not too much waits to be committed: decisions must not pile up behind a slow broker."""
        while self.full and not self._abandoned:
            self._committed.clear()
            await self._committed.wait()

    @property
    def full(self) -> bool:
        """Whether the worker is to decide nothing more for now."""
        return self.worker.uncommitted > MOST_UNCOMMITTED

    async def ended(self) -> None:
        """Return when nothing more is committed."""
        await self._ended.wait()

    async def run(self) -> None:
        """Commit until told to end, then close the committer. :class:`Fatal` when a transaction fails."""
        try:
            while not self._abandoned:
                await self._wait()
                if self._abandoned:
                    break
                if self.worker.urgent or self.worker.moved:
                    await self._commit()
                elif self._ending:
                    break
        finally:
            await self._committer.__aexit__(None, None, None)
        self._ended.set()

    async def _wait(self) -> None:
        if self.worker.urgent or self._ending:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CHECKPOINT_EVERY_S):
                await self._news.wait()
        self._news.clear()

    async def _commit(self) -> None:
        batch = self.worker.take(self._clock.now_ms())
        await self._make_topics({record.topic for record in batch.records})
        self._crash.reach("before_begin")
        await self._committer.commit(batch.records)
        self._crash.reach("after_commit")
        self._committed.set()
        committed_s = self._clock.monotonic_s()
        for received_s in batch.received_s:
            metrics.DECISION_SECONDS.observe(committed_s - received_s)
