"""When written bytes are forced to the disk, and what waits for that.

Three modes (``fsync_ms``):

* ``-1``: never while serving. What was acknowledged survives the death of the broker, not a power cut.
* ``N > 0``: everything written is forced every N ms; a power cut costs at most that much.
* ``0``: nothing leaves the broker before everything written up to then, records and journal, is on the disk. So what a
  client was told, and what a consumer was shown, survives a power cut, provided the disk keeps its own promises.
"""

import asyncio
import errno
import os
import zlib
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from backfuture_broker.errors import BrokenStorageError, StorageFullError

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_NO_MORE_FILES = _FULL | {errno.EMFILE, errno.ENFILE}
_SYNC_THREADS = 4


class Disk:
    """Keeps track of what is written and not yet forced, and calls back when it is.

    ``run`` has to be running for callbacks to come; without it (start-up, unit tests) syncing happens inline.
    """

    def __init__(self, fsync_ms: int = -1) -> None:
        self.fsync_ms = fsync_ms
        self._dirty: set[int] = set()
        self._written = self._synced = 0
        self._waiting: deque[tuple[int, Callable[[], None]]] = deque()
        self._settling: deque[tuple[int, Callable[[], None]]] = deque()
        self._stopping = False
        self._wanted: asyncio.Event | None = None  # there while ``run`` runs; set when something is to be done

    @property
    def durable(self) -> bool:
        """Whether directories and rewritten files are forced too, so that a power cut cannot undo them."""
        return self.fsync_ms >= 0

    def wrote(self, descriptor: int) -> None:
        """Note that a file has grown."""
        if self.fsync_ms < 0:
            return
        self._dirty.add(descriptor)
        self._written += 1
        if self.fsync_ms == 0 and self._wanted is not None:
            self._wanted.set()

    def forget(self, descriptor: int) -> None:
        """Note that a file is about to be closed for good."""
        self._dirty.discard(descriptor)

    def after_sync(self, then: Callable[[], None]) -> None:
        """Call ``then`` once everything written up to now is as safe as the mode promises; keeps the order of calls."""
        if self.fsync_ms == 0 and self._wanted is None:
            self.finish()
        if self.fsync_ms != 0 or (self._synced == self._written and not self._waiting):
            then()
        else:
            self._waiting.append((self._written, then))

    def settle(self, descriptor: int, then: Callable[[], None]) -> None:
        """Force a file that will not grow any more, in the background and in every mode, and then call ``then``."""
        if self._wanted is None:
            force(descriptor)
            then()
        else:
            self._settling.append((os.dup(descriptor), then))
            self._wanted.set()

    async def run(self) -> None:
        """Serve until stopped, then force what is left. BrokenStorageError when the disk fails: nobody is told then."""
        self._wanted = asyncio.Event()
        self._wanted.set()  # recovery may have written already, and answers would wait for that
        with ThreadPoolExecutor(_SYNC_THREADS, "sync") as threads:
            while not self._stopping:
                await self._until_wanted(self._wanted)
                await self._sync(threads)
                await self._settle_one(threads)
        self._wanted = None
        self.finish()

    def stop(self) -> None:
        """Let ``run`` come to its end."""
        self._stopping = True
        if self._wanted is not None:
            self._wanted.set()

    def finish(self) -> None:
        """Force, inline, everything that still waits for it."""
        for descriptor in self._dirty:
            force(descriptor)
        self._dirty.clear()
        self._synced = self._written
        self._release()
        while self._settling:
            descriptor, then = self._settling.popleft()
            _force_and_close(descriptor)
            then()

    async def _until_wanted(self, wanted: asyncio.Event) -> None:
        if not self._settling:
            try:
                await asyncio.wait_for(wanted.wait(), self.fsync_ms / 1000 if self.fsync_ms > 0 else None)
            except TimeoutError:
                return
        wanted.clear()

    async def _sync(self, threads: ThreadPoolExecutor) -> None:
        if self._synced == self._written:
            return
        mark = self._written
        # duplicates, because a file may be closed, and its number reused, while a thread is at it
        duplicates = [os.dup(descriptor) for descriptor in self._dirty]
        self._dirty.clear()
        loop = asyncio.get_running_loop()
        await asyncio.gather(*(loop.run_in_executor(threads, _force_and_close, each) for each in duplicates))
        self._synced = mark
        self._release()

    def _release(self) -> None:
        while self._waiting and self._waiting[0][0] <= self._synced:
            self._waiting.popleft()[1]()

    async def _settle_one(self, threads: ThreadPoolExecutor) -> None:
        if self._settling:
            descriptor, then = self._settling.popleft()
            await asyncio.get_running_loop().run_in_executor(threads, _force_and_close, descriptor)
            then()


def force(descriptor: int) -> None:
    """Force one file to the disk. BrokenStorageError: afterwards nobody knows what of it is there."""
    try:
        os.fdatasync(descriptor)
    except OSError as problem:
        raise BrokenStorageError(f"the disk refused to store what was written: {problem}") from problem


def _force_and_close(descriptor: int) -> None:
    try:
        force(descriptor)
    finally:
        os.close(descriptor)


def open_file(path: Path, flags: int) -> int:
    """Open a file, readable by nobody else. StorageFullError when the disk or this process can hold no more of them."""
    try:
        return os.open(path, flags | os.O_CLOEXEC, 0o600)
    except OSError as problem:
        if problem.errno in _NO_MORE_FILES:
            raise StorageFullError(f"no further file can be opened: {problem.strerror}") from problem
        raise


def append_or_undo(descriptor: int, data: bytes | bytearray, size: int) -> None:
    """Append to a file that is ``size`` bytes long, wholly or not at all (StorageFullError)."""
    cause: OSError | None = None
    written = -1
    try:
        written = os.write(descriptor, data)
    except OSError as problem:
        cause = problem
    if written == len(data):
        return
    try:
        os.ftruncate(descriptor, size)
    except OSError as problem:
        raise BrokenStorageError(f"a half-written file could not be cut back: {problem}") from problem
    if cause is not None and cause.errno not in _FULL:
        raise BrokenStorageError(f"the disk refused a write: {cause}") from cause
    raise StorageFullError("no room left on the disk")


def replace_file(path: Path, data: bytes, *, durable: bool) -> None:
    """Write a small file so that a crash leaves either the old or the new one. StorageFullError leaves the old one."""
    temporary = path.with_name(path.name + ".tmp")
    descriptor = open_file(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    try:
        append_or_undo(descriptor, data, 0)
        if durable:
            force(descriptor)
    except StorageFullError:
        temporary.unlink()
        raise
    finally:
        os.close(descriptor)
    temporary.replace(path)
    if durable:
        sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Force the names in a folder: files made, renamed and removed."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sealed(text: str) -> bytes:
    """Return one line that carries its own checksum."""
    data = text.encode()
    return b"%08x %s\n" % (zlib.crc32(data), data)


def unsealed(line: bytes) -> str | None:
    """Return the text of a line made by ``sealed``, or None if it is not whole."""
    if len(line) < 10 or line[8:9] != b" " or not line.endswith(b"\n"):
        return None
    data = line[9:-1]
    return data.decode() if line[:8] == b"%08x" % zlib.crc32(data) else None
