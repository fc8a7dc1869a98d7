"""One ``backfuture up`` for each state folder."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from backfuture_cli.exits import CliError
from backfuture_cli.launcher.home import Home


@contextmanager
def held(home: Home) -> Iterator[None]:
    """Hold the state folder; :class:`CliError` when another ``up`` does. The kernel lets go when the process ends."""
    with home.lock_file.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pid = home.lock_file.read_text().strip()
            raise CliError(
                f"the platform already runs from {home.root} (process {pid or 'unknown'})",
                "look with `backfuture status`, end it with `backfuture down`",
                code="already_running",
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield
        file.truncate(0)


def holder(home: Home) -> int | None:
    """Return the process id of the ``up`` that holds the state folder, None when none does."""
    path: Path = home.lock_file
    if not path.exists():
        return None
    with path.open("r") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            text = file.read().strip()
            return int(text) if text.isdigit() else None
        return None
