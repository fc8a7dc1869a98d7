"""The bus in memory keeps Kafka's promises: what the runs prove rests on them."""

import asyncio
from collections.abc import Coroutine
from decimal import Decimal
from typing import Any

import pytest
from backfuture_common.bus import Outgoing
from backfuture_common.errors import Fatal
from backfuture_common.messages.market import Tick, market_key
from backfuture_common.topics import MARKET_INSTRUMENTS, MARKET_TICKS

from tests.simulation.clients import SimCommitter, SimKafka, SimReader
from tests.simulation.fate import Fate
from tests.simulation.kafka import TRANSACTION_TIMEOUT_S, Broker
from tests.simulation.loop import HostClock, Process, SimLoop, run_simulated
from tests.simulation.processes import simulated
from tests.unit.engine.build import ETH, EXCHANGE, instrument


def calm() -> Fate:
    fate = Fate(1)
    fate.relent()
    return fate


def tick(price: int) -> Outgoing:
    value = Tick(exchange=EXCHANGE, symbol=ETH, bid=Decimal(price), ask=Decimal(price), exchange_ms=0, observed_ms=0)
    return Outgoing(MARKET_TICKS, market_key(EXCHANGE, ETH), value)


class Bench:
    def __init__(self) -> None:
        self.broker = Broker(calm(), partitions=1)
        self.kafka: SimKafka = simulated(self.broker, HostClock())

    async def committer(self) -> SimCommitter:
        return await SimCommitter(self.kafka, "id").__aenter__()

    async def read(self) -> list[int]:
        async with SimReader(self.kafka, (MARKET_TICKS,)) as reader:
            values = [record.value for record in await reader.catch_up(1)]
        return [int(value.bid) for value in values if isinstance(value, Tick)]


def as_process(work: Coroutine[Any, Any, None]) -> None:
    async def start() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, SimLoop)
        await loop.start(Process("test"), work)

    run_simulated(start())


def test_a_transaction_is_seen_whole_or_not_at_all() -> None:
    async def story() -> None:
        bench = Bench()
        committer = await bench.committer()
        begun = bench.broker.begin("id", committer.epoch)
        bench.broker.append(tick(1), 0, begun)
        assert await bench.read() == []
        bench.broker.commit(begun)
        assert await bench.read() == [1]

    as_process(story())


def test_an_open_transaction_holds_back_what_was_written_after_it() -> None:
    async def story() -> None:
        bench = Bench()
        begun = bench.broker.begin("id", (await bench.committer()).epoch)
        bench.broker.append(tick(1), 0, begun)
        bench.broker.append(tick(2), 0)
        assert await bench.read() == []
        await asyncio.sleep(TRANSACTION_TIMEOUT_S + 1)
        bench.broker.sweep()
        assert await bench.read() == [2]

    as_process(story())


def test_a_new_owner_fences_the_old_one_and_ends_its_transaction() -> None:
    async def story() -> None:
        bench = Bench()
        old = await bench.committer()
        begun = bench.broker.begin("id", old.epoch)
        bench.broker.append(tick(1), 0, begun)
        new = await bench.committer()
        assert new.epoch > old.epoch
        with pytest.raises(Fatal):
            await old.commit([tick(2)])
        with pytest.raises(Fatal):
            bench.broker.commit(begun)
        await new.commit([tick(3)])
        assert await bench.read() == [3]

    as_process(story())


def test_compaction_keeps_the_newest_of_each_key_and_every_offset() -> None:
    async def story() -> None:
        bench = Bench()
        for _ in range(3):
            bench.broker.append(Outgoing(MARKET_INSTRUMENTS, market_key(EXCHANGE, ETH), instrument()), 0)
        bench.broker.compact()
        assert [record.offset for record in bench.broker.records(MARKET_INSTRUMENTS)] == [2]

    as_process(story())


def test_a_killed_process_takes_not_one_more_step() -> None:
    steps: list[str] = []

    async def victim() -> None:
        try:
            while True:
                await asyncio.sleep(1)
                steps.append("alive")
        finally:
            steps.append("cleaned up")

    async def story() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, SimLoop)
        process = Process("victim")
        loop.start(process, victim())
        await asyncio.sleep(2.5)
        process.pause()
        await asyncio.sleep(5)
        assert steps == ["alive", "alive"]
        loop.wake(process)
        await asyncio.sleep(0.5)
        process.kill()
        await asyncio.sleep(10)

    run_simulated(story())
    assert steps == ["alive", "alive", "alive", "cleaned up"][: len(steps)]
    assert steps.count("alive") == 3
