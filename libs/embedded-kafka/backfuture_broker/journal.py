"""The journal: one sealed line for each change of the state, written before the change is made."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from backfuture_broker.disk import Disk, append_or_undo, force, open_file, sealed, sync_folder, unsealed
from backfuture_broker.errors import CannotStartError, StorageFullError
from backfuture_broker.report import warn
from backfuture_broker.state import Change, State, decode, encode

_REWRITE_FROM_BYTES = 8 << 20
_REWRITE_AT_GROWTH = 4


class Store:
    """State and journal together: what is recorded is in the journal before it is in memory."""

    def __init__(self, path: Path, disk: Disk) -> None:
        """Read the journal, or begin one, and write it anew and short."""
        self.state = State()
        self._path, self._disk = path, disk
        for change in _read(path):
            self.state.apply(change)
        self._descriptor = -1
        self._size = self._rewrite_at = 0
        self._rewrite()

    def record(self, change: Change) -> None:
        """Journal a change and make it. StorageFullError: it is neither written nor made."""
        line = sealed(encode(change))
        append_or_undo(self._descriptor, line, self._size)
        self._disk.wrote(self._descriptor)
        self._size += len(line)
        self.state.apply(change)
        if self._size > self._rewrite_at:
            self._shorten()

    def _shorten(self) -> None:
        try:
            self._rewrite()
        except StorageFullError:
            self._rewrite_at += _REWRITE_FROM_BYTES  # the long one is still good; try again later

    def _rewrite(self) -> None:
        """Write the state anew, so that the journal stays in proportion to the state and not to its history."""
        temporary = self._path.with_suffix(".tmp")
        descriptor = open_file(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND)
        try:
            size = _write_all(descriptor, self.state.changes())
            force(descriptor)
        except StorageFullError:
            os.close(descriptor)
            temporary.unlink()
            raise
        temporary.replace(self._path)
        sync_folder(self._path.parent)
        if self._descriptor >= 0:
            self._disk.forget(self._descriptor)
            os.close(self._descriptor)
        self._descriptor, self._size = descriptor, size
        self._rewrite_at = max(_REWRITE_FROM_BYTES, size * _REWRITE_AT_GROWTH)

    def close(self) -> None:
        force(self._descriptor)
        self._disk.forget(self._descriptor)
        os.close(self._descriptor)


def _write_all(descriptor: int, changes: Iterable[Change]) -> int:
    size = 0
    for change in changes:
        line = sealed(encode(change))
        append_or_undo(descriptor, line, size)
        size += len(line)
    return size


def _read(path: Path) -> Iterator[Change]:
    """Yield the changes up to the first line that is not whole. A torn last line was never acknowledged."""
    data = path.read_bytes() if path.exists() else b""
    position = 0
    while position < len(data):
        end = data.find(b"\n", position) + 1 or len(data)
        text = unsealed(data[position:end])
        if text is None:
            if end < len(data):
                _set_aside(path, data, position)
            return
        try:
            yield decode(text)
        except (KeyError, TypeError, ValueError) as problem:
            raise CannotStartError(f"{path} was written by another version of the broker") from problem
        position = end


def _set_aside(path: Path, data: bytes, position: int) -> None:
    aside = path.with_suffix(f".damaged-{position}")
    aside.write_bytes(data[position:])
    warn(f"{path} is damaged after byte {position}: {len(data) - position} bytes were set aside as {aside.name}")
