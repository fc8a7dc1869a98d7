"""The state folder: where everything lives that a running platform keeps."""

import os
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from backfuture_cli.exits import CliError, Exit

MAX_SOCKET_PATH = 100
"""Unix socket paths end at 107 bytes; some room is left for temporary names."""

_LONGEST_SOCKET_NAME = "dispense.sock"
_FOLDERS = ("kafka", "bao", "secrets", "db", "logs", "run", "run/pids", "paper", "prometheus")


@dataclass(frozen=True, slots=True)
class Home:
    """The state folder and the folders in it. ``sockets`` is the short folder of the unix sockets."""

    root: Path

    @property
    def kafka(self) -> Path:
        return self.root / "kafka"

    @property
    def bao(self) -> Path:
        return self.root / "bao"

    @property
    def secrets(self) -> Path:
        return self.root / "secrets"

    @property
    def db(self) -> Path:
        return self.root / "db"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def run(self) -> Path:
        return self.root / "run"

    @property
    def pids(self) -> Path:
        return self.run / "pids"

    @property
    def paper(self) -> Path:
        return self.root / "paper"

    @property
    def prometheus(self) -> Path:
        return self.root / "prometheus"

    @property
    def lock_file(self) -> Path:
        return self.run / "up.lock"

    @property
    def status_file(self) -> Path:
        return self.run / "status.json"

    @property
    def first_start_file(self) -> Path:
        return self.root / "first-start.json"

    @property
    def sockets(self) -> Path:
        """The folder of the unix sockets: ``run``, or the short one that stands in its place."""
        if _fits(self.run):
            return self.run
        note = self._sockets_note
        if note.exists():
            return Path(note.read_text().strip())
        return self.run

    @property
    def _sockets_note(self) -> Path:
        return self.run / "sockets-are-in"

    def create(self) -> None:
        """Make the folders, readable by their owner alone. Raises :class:`CliError` when that cannot be."""
        try:
            for folder in (self.root, *(self.root / name for name in _FOLDERS)):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                if stat.S_IMODE(folder.stat().st_mode) != 0o700:
                    folder.chmod(0o700)
            self._choose_sockets()
        except OSError as error:
            raise CliError(
                f"the state folder {self.root} cannot be written: {error.strerror}",
                "set BACKFUTURE_HOME to a folder that you own",
                exit_code=Exit.BAD_INPUT,
            ) from None

    def _choose_sockets(self) -> None:
        if _fits(self.run) or (self._sockets_note.exists() and _is_private(self.sockets)):
            return
        self._sockets_note.write_text(tempfile.mkdtemp(prefix="backfuture-", dir="/tmp"))


def write_atomically(path: Path, text: str, mode: int = 0o600) -> None:
    """Replace the file's whole content at once, so that a reader or a crash never sees half of it."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
        Path(temporary).chmod(mode)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _fits(folder: Path) -> bool:
    return len(os.fsencode(folder / _LONGEST_SOCKET_NAME)) <= MAX_SOCKET_PATH


def _is_private(folder: Path) -> bool:
    try:
        status = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid() and stat.S_IMODE(status.st_mode) == 0o700
