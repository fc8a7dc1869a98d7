"""The engine process: which partitions are ours, the take-over that makes them so, and what keeps them going."""

import asyncio
import gc
from collections.abc import Iterable
from contextlib import AsyncExitStack

from backfuture_common.bus import (
    Assigned,
    Committer,
    GroupReader,
    Incoming,
    KafkaSettings,
    Poison,
    Publisher,
    Revoked,
    ensure_topics,
)
from backfuture_common.domain.ids import ConnectionId
from backfuture_common.errors import Fatal
from backfuture_common.runtime.service import Runtime
from backfuture_common.topics import BOT_COMMANDS, FIXED_TOPICS, Topic

from backfuture_engine.settings import EngineSettings
from backfuture_engine.shell.crash import CrashPoints, MortalCommitter
from backfuture_engine.shell.feeds import Feeds
from backfuture_engine.shell.measures import measure
from backfuture_engine.shell.owned import Owned
from backfuture_engine.shell.restore import INPUTS, restore
from backfuture_engine.shell.worker import Restored, Worker

GROUP = "strategy-engine"
_TIME_EVERY_S = 0.1
_MEASURE_EVERY_S = 2.0
_RELEASE_S = 5.0
_MOST_POISON = 20


def transactional_id(partition: int) -> str:
    """Return the identity that belongs to a partition, whichever process owns it."""
    return f"backfuture.strategy-engine.{partition}"


class Engine:
    """Reads the inputs of its partitions and all prices, and hands them to the partitions' workers."""

    def __init__(self, runtime: Runtime[EngineSettings], kafka: KafkaSettings) -> None:
        settings = runtime.settings
        self._runtime = runtime
        self._clock = runtime.clock
        self._kafka = kafka
        self._crash = CrashPoints(settings.crash_at if settings.chaos else "")
        self._publisher = Publisher(kafka)
        self._feeds = Feeds(kafka, runtime.clock, self._on_change)
        self._inputs = GroupReader(
            kafka, INPUTS, GROUP, instance_id=f"{GROUP}-{settings.instance}", on_poison=self._on_poison
        )
        self._owned: dict[int, Owned] = {}
        self._topics = {topic.name for topic in FIXED_TOPICS}
        self._poison = 0

    async def run(self) -> None:
        """Work until the process is to stop, then commit the rest. :class:`Fatal` when anything underneath breaks."""
        self._measure()
        async with self._publisher, self._feeds, self._inputs, asyncio.TaskGroup() as commits:
            await self._runtime.until_stopped(
                self._read_inputs(commits),
                self._read_prices(),
                self._keep_time(),
                self._keep_measuring(),
                self._feeds.follow_tables(),
            )
            for owned in self._owned.values():
                owned.finish()

    # ------------------------------------------------------------------ inputs

    async def _read_inputs(self, commits: asyncio.TaskGroup) -> None:
        while True:
            for item in await self._inputs.poll(timeout_s=0.5, max_records=500):
                match item:
                    case Assigned():
                        await self._take_over(item, commits)
                    case Revoked():
                        await self._release(item)
                    case Incoming() if item.partition in self._owned:
                        self._owned[item.partition].worker.on_record(item, self._clock.now_ms())
            await self._turns()
            for owned in list(self._owned.values()):
                await owned.room()

    async def _read_prices(self) -> None:
        while True:
            for market, tick in await self._feeds.next_prices():
                for owned in self._owned.values():
                    owned.worker.on_price(market, tick.bid, tick.ask)
            await self._turns()

    async def _keep_time(self) -> None:
        while True:
            await asyncio.sleep(_TIME_EVERY_S)
            for owned in self._owned.values():
                owned.worker.on_time(self._clock.now_ms())
            await self._turns()

    async def _turns(self) -> None:
        """Let workers deal with what has woken their bots, a little of each in turn, and commit what they decide."""
        more = True
        while more:
            more = False
            for owned in self._owned.values():
                if not owned.full:
                    more |= owned.worker.turn(self._clock.now_ms())
                owned.look()
            await asyncio.sleep(0)

    def _on_change(self, *, connection: ConnectionId | None = None, market: str | None = None) -> None:
        for owned in self._owned.values():
            owned.worker.on_change(self._clock.now_ms(), connection=connection, market=market)

    async def _on_poison(self, poison: Poison) -> None:
        """Put an unreadable user's command aside; unreadable news of an order is money we would lose sight of: stop."""
        self._poison += 1
        if poison.topic.name != BOT_COMMANDS.name or self._poison > _MOST_POISON:
            raise Fatal("engine.poison", f"{poison.topic.name}/{poison.partition}@{poison.offset}: {poison.reason}")
        self._runtime.log.error("command.unreadable", offset=poison.offset, reason=poison.reason)
        await self._publisher.bury(poison)

    # ------------------------------------------------------------------ ownership

    async def _take_over(self, assigned: Assigned, commits: asyncio.TaskGroup) -> None:
        """First fence, then read: what the old owners have committed is all there is, and they can add nothing."""
        partitions = sorted({partition for _, partition in assigned.partitions})
        async with AsyncExitStack() as unfinished:
            committers = {p: await unfinished.enter_async_context(self._committer(p)) for p in partitions}
            self._crash.reach("after_fencing")
            restored = await restore(self._kafka, self._inputs, partitions)
            self._crash.reach("after_restore")
            unfinished.pop_all()
        for partition, committer in committers.items():
            self._begin(partition, committer, restored[partition], commits)
        gc.collect()
        gc.freeze()  # bots live long: later collections need not look at those that are there now
        self._measure()

    def _committer(self, partition: int) -> Committer:
        if self._runtime.settings.chaos:
            return MortalCommitter(self._kafka, transactional_id(partition), self._crash)
        return Committer(self._kafka, transactional_id(partition))

    def _begin(self, partition: int, committer: Committer, restored: Restored, commits: asyncio.TaskGroup) -> None:
        worker = Worker(partition, committer.epoch, restored, self._feeds, self._clock.now_ms())
        owned = Owned(worker, committer, self._clock, self._crash, self._make_topics)
        self._owned[partition] = owned
        commits.create_task(owned.run())
        positions = {(topic, partition): offset for topic, offset in restored.positions.items()}
        self._inputs.seek(positions)
        self._inputs.resume(positions)
        self._runtime.log.info(
            "partition.taken_over",
            partition=partition,
            epoch=committer.epoch,
            bots=len(worker.bots),
            sent_again=worker.uncommitted,
        )

    async def _release(self, revoked: Revoked) -> None:
        """Let go: a transaction under way may end, nothing new begins; the rest the new owner finds out again."""
        gone = [self._owned.pop(p) for p in sorted({p for _, p in revoked.partitions}) if p in self._owned]
        for owned in gone:
            owned.abandon()
        try:
            async with asyncio.timeout(_RELEASE_S):
                for owned in gone:
                    await owned.ended()
        except TimeoutError as error:
            raise Fatal("engine.release_stuck", f"a transaction did not end within {_RELEASE_S:g} s") from error
        self._measure()

    async def _make_topics(self, topics: Iterable[Topic]) -> None:
        """See to it that these exist before the first record is written to them."""
        missing = [topic for topic in topics if topic.name not in self._topics]
        if missing:
            await ensure_topics(self._kafka, missing)
            self._topics.update(topic.name for topic in missing)

    # ------------------------------------------------------------------ measures

    async def _keep_measuring(self) -> None:
        while True:
            await asyncio.sleep(_MEASURE_EVERY_S)
            self._measure()
            stored = {
                (topic, partition): offset
                for partition, owned in self._owned.items()
                for topic, offset in owned.worker.stored.items()
            }
            if stored:  # for lag dashboards alone: nothing ever reads them back
                await self._inputs.commit_positions(stored)

    def _measure(self) -> None:
        workers = [owned.worker for owned in self._owned.values()]
        measure(workers, self._feeds, self._clock, self._runtime.health)
