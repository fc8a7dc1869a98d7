"""Writing wholly or not at all, and what waits for the disk."""

import asyncio
import errno
import os
import resource
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

import pytest
from backfuture_broker import disk as disk_module
from backfuture_broker.disk import Disk, append_or_undo, replace_file, sealed, unsealed
from backfuture_broker.errors import BrokenStorageError, StorageFullError


@contextmanager
def no_file_larger_than(size: int) -> Iterator[None]:
    """Have the system refuse to let any file grow beyond a size, as a full disk would."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    previous = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, previous)


@pytest.fixture
def descriptor(tmp_path: Path) -> Iterator[int]:
    opened = os.open(tmp_path / "file", os.O_RDWR | os.O_CREAT | os.O_APPEND)
    yield opened
    with suppress(OSError):
        os.close(opened)


async def until(condition: Callable[[], bool]) -> None:
    deadline_s = asyncio.get_running_loop().time() + 5
    while not condition():
        assert asyncio.get_running_loop().time() < deadline_s
        await asyncio.sleep(0.001)


@asynccontextmanager
async def running(disk: Disk) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(disk.run())
        await asyncio.sleep(0)
        yield
        disk.stop()


def test_an_append_that_does_not_fit_is_undone(descriptor: int) -> None:
    append_or_undo(descriptor, b"x" * 900, 0)

    with no_file_larger_than(1000), pytest.raises(StorageFullError):
        append_or_undo(descriptor, b"y" * 200, 900)
    assert os.pread(descriptor, 2000, 0) == b"x" * 900

    append_or_undo(descriptor, b"z" * 200, 900)
    assert os.fstat(descriptor).st_size == 1100


def test_a_disk_that_fails_is_not_taken_for_a_full_one(descriptor: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(_descriptor: int, _data: bytes) -> int:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "write", failing)

    with pytest.raises(BrokenStorageError):
        append_or_undo(descriptor, b"x", 0)


def test_a_file_that_cannot_be_replaced_stays(tmp_path: Path) -> None:
    path = tmp_path / "note"
    replace_file(path, b"old", durable=True)

    with no_file_larger_than(100), pytest.raises(StorageFullError):
        replace_file(path, b"x" * 200, durable=True)

    assert path.read_bytes() == b"old"
    assert [each.name for each in tmp_path.iterdir()] == ["note"]


def test_a_sealed_line_opens_only_whole() -> None:
    line = sealed("täxt")

    assert unsealed(line) == "täxt"
    assert all(unsealed(line[:end]) is None for end in range(len(line)))
    assert unsealed(line.replace(b"x", b"y")) is None


@pytest.mark.parametrize("fsync_ms", [-1, 50])
async def test_nobody_waits_unless_every_answer_is_to_be_safe(descriptor: int, fsync_ms: int) -> None:
    disk = Disk(fsync_ms)
    called: list[int] = []
    async with running(disk):
        disk.wrote(descriptor)
        disk.after_sync(lambda: called.append(1))
        assert called == [1]


async def test_callbacks_wait_for_the_sync_of_what_was_written_before_and_keep_their_order(
    descriptor: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[str] = []
    monkeypatch.setattr(disk_module, "force", lambda _: events.append("forced"))
    disk = Disk(0)
    async with running(disk):
        disk.after_sync(lambda: events.append("nothing written"))
        disk.wrote(descriptor)
        disk.after_sync(lambda: events.append("first"))
        disk.after_sync(lambda: events.append("second"))
        assert events == ["nothing written"]
        await until(lambda: len(events) == 4)
    assert events == ["nothing written", "forced", "first", "second"]


async def test_a_file_may_be_closed_while_it_waits_to_be_forced(descriptor: int) -> None:
    disk = Disk(0)
    called: list[int] = []
    async with running(disk):
        disk.wrote(descriptor)
        disk.after_sync(lambda: called.append(1))
        disk.forget(descriptor)
        os.close(descriptor)
        await until(lambda: bool(called))


async def test_a_disk_that_fails_to_force_ends_the_run(descriptor: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(_descriptor: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fdatasync", failing)
    disk = Disk(0)
    called: list[int] = []

    async def write() -> None:
        async with running(disk):
            disk.wrote(descriptor)
            disk.after_sync(lambda: called.append(1))
            await asyncio.sleep(5)

    with pytest.raises(BaseExceptionGroup) as caught:
        await write()

    assert caught.group_contains(BrokenStorageError)
    assert called == [], "nobody is told that it is safe"


async def test_closed_files_are_forced_in_the_background_in_every_mode(descriptor: int) -> None:
    disk = Disk(-1)
    called: list[int] = []
    async with running(disk):
        disk.settle(descriptor, lambda: called.append(1))
        assert called == []
        await until(lambda: bool(called))


async def test_what_recovery_wrote_before_serving_began_holds_up_no_answer(descriptor: int) -> None:
    disk = Disk(fsync_ms=0)
    disk.wrote(descriptor)
    answered: list[str] = []

    async with running(disk):
        disk.after_sync(lambda: answered.append("answer"))
        await until(lambda: answered == ["answer"])
