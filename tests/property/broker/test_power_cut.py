"""A power cut at any moment, with every answer forced to the disk: what was answered is there, nothing is half there.

The disk is simulated at its mean best: of every file, as much survives as was forced, plus any part of what was written
since, each file on its own and in no order.
"""

import asyncio
import os
import random
import shutil
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from backfuture_broker.broker import Broker, Options
from backfuture_broker.clock import SystemClock
from backfuture_broker.errors import Code
from backfuture_broker.log.partition import Partition
from backfuture_broker.state import OffsetRow

from tests.unit.broker.build import decoded, of_producer, split

CONFIGS = {"segment.bytes": "700"}  # so that segments are closed all the time
STEPS = 15


class ForcedBytes:
    """Remembers of every file how much was forced, instead of forcing it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._by_file: dict[int, int] = {}
        self._open = os.open
        monkeypatch.setattr(os, "open", self._opened)
        monkeypatch.setattr(os, "fdatasync", self._remember)

    def _opened(self, path: str, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        descriptor = self._open(path, flags, mode, dir_fd=dir_fd)
        status = os.fstat(descriptor)
        if not status.st_size:
            self._by_file.pop(status.st_ino, None)  # a number that an older file had
        return descriptor

    def _remember(self, descriptor: int) -> None:
        status = os.fstat(descriptor)
        self._by_file[status.st_ino] = status.st_size

    def power_cut(self, folder: Path, after: Path, chance: random.Random) -> None:
        """Copy a folder as it is found when the power is back."""
        shutil.copytree(folder, after, copy_function=lambda source, target: self._copy(source, target, chance))

    def _copy(self, source: str, target: str, chance: random.Random) -> None:
        path = Path(source)
        data, forced = path.read_bytes(), self._by_file.get(path.stat().st_ino, 0)
        if path.name in ("broker.json", "lock"):
            forced = len(data)
        Path(target).write_bytes(data[: chance.choice([forced, chance.randint(forced, len(data)), len(data)])])


@dataclass
class Client:
    """A transactional producer that writes each number to two partitions, and what it was answered."""

    broker: Broker
    transactional_id: str
    group: str
    producer_id: int = -1
    epoch: int = -1
    number: int = 0
    sequence: int = 0
    answered: dict[int, bool] = field(default_factory=dict)  # number -> committed

    def initialise(self) -> None:
        error, self.producer_id, self.epoch = self.broker.transactions.initialise(self.transactional_id, 60_000)
        assert error == Code.NONE
        self.sequence = 0

    async def transaction(self, *, commit: bool) -> None:
        places = [("t", 0), ("t", 1)]
        transactions = self.broker.transactions
        who = (self.transactional_id, self.producer_id, self.epoch)
        assert transactions.add_partitions(*who, places) == Code.NONE
        transactions.add_group(*who, self.group)
        await self._answered()
        for place in places:
            value = f"{self.transactional_id}:{self.number}".encode()
            batch = of_producer(self.producer_id, self.epoch, self.sequence, value, transactional=True)
            partition = self.broker.partition(*place)
            assert partition is not None
            appended = partition.produce(memoryview(batch), transactions.check(self.transactional_id, place))
            assert appended.error == Code.NONE
        self.sequence += 1
        transactions.commit_offsets(*who, self.group, [OffsetRow("t", 0, self.number, "")])
        await self._answered()
        ended: asyncio.Future[Code] = asyncio.get_running_loop().create_future()
        transactions.end(*who, lambda code: self.broker.disk.after_sync(lambda: ended.set_result(code)), commit=commit)
        assert await ended == Code.NONE
        self.answered[self.number] = commit
        self.number += 1

    async def _answered(self) -> None:
        """Wait as long as the answer to the last request would have to."""
        safe = asyncio.Event()
        self.broker.disk.after_sync(safe.set)
        await safe.wait()


def committed_values(partition: Partition) -> list[str]:
    """Read as a client does that skips what was aborted."""
    found: list[str] = []
    position = partition.start
    while True:
        fetched = partition.read(position, 1 << 20, committed=True, at_least_one=True)
        assert fetched.error == Code.NONE
        if not fetched.data:
            return found
        aborted = partition.producers.aborted
        for data in split(fetched.data):
            for record in decoded(data):
                skipped = any(
                    each.first <= record.offset < each.marker for each in aborted if _of(each.producer_id, data)
                )
                if record.value is not None and b":" in record.value and not skipped:
                    found.append(record.value.decode())
                position = record.offset + 1


def _of(producer_id: int, data: bytes) -> bool:
    return int.from_bytes(data[43:51], "big") == producer_id


def check(after: Path, clients: list[Client]) -> None:
    broker = Broker(after, "cluster", Options(fsync_ms=0), SystemClock())
    if broker.topics.get("t") is None:
        assert not any(client.answered for client in clients)
        return
    for client in clients:
        assert broker.transactions.initialise(client.transactional_id, 60_000)[0] == Code.NONE
    partitions = [broker.partition("t", 0), broker.partition("t", 1)]
    values = [committed_values(partition) for partition in partitions if partition is not None]
    assert all(partition is not None and partition.stable_end == partition.end for partition in partitions)
    for client in clients:
        mine = [[value for value in each if value.startswith(f"{client.transactional_id}:")] for each in values]
        assert mine[0] == mine[1], "in both partitions or in none"
        numbers = [int(value.split(":")[1]) for value in mine[0]]
        assert numbers == sorted(set(numbers)), "in order and once"
        for number, commit in client.answered.items():
            assert (number in numbers) == commit, f"{number} was answered {commit}"
        offsets = broker.store.state.offsets.get(client.group, {})
        assert (offsets[("t", 0)].offset if offsets else None) == (numbers[-1] if numbers else None)
    broker.close()


@pytest.mark.parametrize("seed", range(6))
async def test_after_a_power_cut_every_answer_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - a test that can be repeated
    forced = ForcedBytes(monkeypatch)
    folder = tmp_path / "before"
    folder.mkdir()
    broker = Broker(folder, "cluster", Options(fsync_ms=0), SystemClock())
    broker.topics.create("t", 2, CONFIGS)
    clients = [Client(broker, f"tx-{number}", f"g-{number}") for number in range(3)]
    cuts = 0

    async def work(client: Client) -> None:
        client.initialise()
        for _ in range(STEPS):
            await client.transaction(commit=chance.random() < 0.7)

    async def cut_now_and_then(working: "list[asyncio.Task[None]]") -> None:
        nonlocal cuts
        while not all(task.done() for task in working):
            for _ in range(chance.randint(20, 120)):
                await asyncio.sleep(0)
            known = [Client(**{**vars(client), "answered": dict(client.answered)}) for client in clients]
            after = tmp_path / f"after-{cuts}"
            forced.power_cut(folder, after, chance)
            check(after, known)
            shutil.rmtree(after)
            cuts += 1
        broker.disk.stop()

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(broker.disk.run())
        await asyncio.sleep(0)
        working = [tasks.create_task(work(client)) for client in clients]
        tasks.create_task(cut_now_and_then(working))
    assert cuts
    broker.close()
