"""Processes that an earlier launcher left behind: found by pid file and birth time, ended before anything starts."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import psutil

from backfuture_cli.launcher.process import PidFile

_GRACE_S = 10.0


def end_leftovers(pids: Path, grace_s: float = _GRACE_S) -> list[str]:
    """End every process that a pid file in the folder still names, and remove the files; return the parts' names.

    A process that has the number but another birth time is somebody else's and is left alone.
    """
    found = list(_alive(pids))
    for _, process in found:
        _signal(process, "terminate")
    _, stubborn = psutil.wait_procs([process for _, process in found], timeout=grace_s)
    for process in stubborn:
        _signal(process, "kill")
    psutil.wait_procs(stubborn, timeout=grace_s)
    for file in pids.glob("*.json"):
        file.unlink(missing_ok=True)
    return [name for name, _ in found]


def _alive(pids: Path) -> Iterator[tuple[str, psutil.Process]]:
    for file in sorted(pids.glob("*.json")):
        try:
            record = msgspec.json.decode(file.read_bytes(), type=PidFile)
            process = psutil.Process(record.pid)
            if abs(process.create_time() - record.created) < 0.05 and process.status() != psutil.STATUS_ZOMBIE:
                yield file.stem, process
        except (msgspec.DecodeError, msgspec.ValidationError, psutil.Error):
            continue


def _signal(process: psutil.Process, how: str) -> None:
    try:
        getattr(process, how)()
    except psutil.NoSuchProcess:
        return
