"""One child process: born with a clean environment and no terminal, remembered by a pid file, ended with a deadline."""

import asyncio
import contextlib
import ctypes
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

import msgspec
import psutil

from backfuture_cli.launcher.home import write_atomically

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
POLL_S = 0.1


class PidFile(msgspec.Struct, frozen=True):
    """Who a process is: a number may be given anew, number and birth together are not."""

    pid: int
    created: float


class Child:
    """A running process of a part, the leader of its own session and process group."""

    def __init__(self, popen: "subprocess.Popen[bytes]", pid_file: Path) -> None:
        self._popen = popen
        self._pid_file = pid_file
        self._gone = False
        self.pid = popen.pid
        self.started_ms = time.time_ns() // 1_000_000
        self.born = time.monotonic()

    @property
    def exit_code(self) -> int | None:
        """Return None while it runs, the exit code (or the negative signal) afterwards."""
        code = self._popen.poll()
        if code is not None and not self._gone:
            self._gone = True
            self._pid_file.unlink(missing_ok=True)
        return code

    @property
    def age_s(self) -> float:
        return time.monotonic() - self.born

    def memory_mb(self) -> int | None:
        """Return the resident memory, None when the process has gone."""
        try:
            return int(psutil.Process(self.pid).memory_info().rss // 1_000_000)
        except psutil.Error:
            return None

    async def wait(self) -> int:
        """Return the exit code when the process has ended; no deadline, a part may run for months."""
        while (code := self.exit_code) is None:  # noqa: ASYNC110 (no event: a process ends without telling)
            await asyncio.sleep(POLL_S)
        return code

    async def stop(self, within_s: float) -> bool:
        """Ask the process to end, kill its group when it is late; say whether it ended by itself."""
        if self.exit_code is not None:
            return True
        self._popen.terminate()
        try:
            async with asyncio.timeout(within_s):
                await self.wait()
            return True
        except TimeoutError:
            self.kill()
            await self.wait()
            return False

    def kill(self) -> None:
        """End the process and all it started, now."""
        if self.exit_code is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)


def spawn(command: Sequence[str], environment: Mapping[str, str], log: IO[bytes], pid_file: Path) -> Child:
    """Start a process. It sees ``environment`` and nothing else, reads nothing, writes to ``log``, and gets SIGTERM
    when this process ends in whatever way. Raises OSError when the program cannot be started.
    """
    popen = subprocess.Popen(
        list(command),
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        start_new_session=True,
        preexec_fn=_tie_to(os.getpid()),  # noqa: PLW1509  (the launcher has no threads)
    )
    child = Child(popen, pid_file)
    try:
        record = PidFile(pid=popen.pid, created=psutil.Process(popen.pid).create_time())
        write_atomically(pid_file, msgspec.json.encode(record).decode())
    except psutil.NoSuchProcess:
        pass  # it has ended already: there is nobody to be found later
    except OSError:
        child.kill()  # what could not be found again after a crash must not run
        raise
    return child


def _tie_to(launcher: int) -> Callable[[], None]:
    """Return what the child does before it becomes the program: die with the launcher, leave no core dump."""

    def tie() -> None:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if _LIBC is None:
            return
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        if os.getppid() != launcher:  # it died before the line above took effect
            os._exit(1)

    return tie
