"""All parts together: started as their needs allow, kept running, stopped in reverse order."""

import asyncio
import os
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import msgspec

from backfuture_cli.launcher.home import Home, write_atomically
from backfuture_cli.launcher.part import Part, PartStatus, PlatformStatus
from backfuture_cli.launcher.watch import Watch

_STATUS_EVERY_S = 1.0

Changed = Callable[[PartStatus], None]


class Supervisor:
    """Runs the parts. ``changed`` is told each change of a part's state, in the order in which they happen."""

    def __init__(self, home: Home, parts: Sequence[Part], addresses: Mapping[str, str], changed: Changed) -> None:
        self._home = home
        self._addresses = dict(addresses)
        self._watches = {part.name: Watch(part, home, changed) for part in parts}
        self._started_ms = time.time_ns() // 1_000_000
        self.phase: Literal["starting", "running", "stopping"] = "starting"
        self.trouble = ""

    @property
    def statuses(self) -> list[PartStatus]:
        return [watch.status for watch in self._watches.values()]

    async def ready(self, name: str) -> bool:
        """Wait until a part is ready, or known to be in trouble; say which."""
        watch = self._watches[name]
        while not self._is_settled(watch):  # noqa: ASYNC110 (many events)
            await asyncio.sleep(0.05)
        return watch.ready.is_set()

    def snapshot(self) -> PlatformStatus:
        """Return how the platform is now."""
        return PlatformStatus(
            pid=os.getpid(),
            started_ms=self._started_ms,
            written_ms=time.time_ns() // 1_000_000,
            phase=self.phase,
            addresses=self._addresses,
            parts=self.statuses,
        )

    async def keep(self) -> None:
        """Keep all parts running and the status file fresh, until cancelled; :meth:`stop` then ends the processes."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._write_status())
            for watch in self._watches.values():
                needs = [self._watches[need] for need in watch.part.needs if need in self._watches]
                group.create_task(watch.keep(needs))

    async def settled(self) -> bool:
        """Wait until every part is ready or known to be in trouble (what needs such a part is in trouble too); say
        whether all are ready.
        """
        while not all(self._is_settled(watch) for watch in self._watches.values()):  # noqa: ASYNC110 (many events)
            await asyncio.sleep(0.05)
        return all(watch.ready.is_set() for watch in self._watches.values())

    async def stop(self, told: Callable[[str, bool], None]) -> None:
        """Stop the processes in reverse order, each within its deadline; ``told`` hears who, and whether by itself.

        To be called after :meth:`keep` has been cancelled, so that nothing is started again.
        """
        self.phase = "stopping"
        for watch in reversed(self._watches.values()):
            if watch.status.pid is not None:
                told(watch.part.title, await watch.stop())
        self._home.status_file.unlink(missing_ok=True)

    def kill(self) -> None:
        """End all processes now."""
        for watch in self._watches.values():
            watch.kill()

    def _is_settled(self, watch: Watch) -> bool:
        if watch.settled.is_set():
            return True
        needs = [self._watches[need] for need in watch.part.needs if need in self._watches]
        return any(self._is_settled(need) and not need.ready.is_set() for need in needs)

    async def _write_status(self) -> None:
        while True:
            for watch in self._watches.values():
                watch.measure()
            try:
                write_atomically(self._home.status_file, msgspec.json.encode(self.snapshot()).decode())
                self.trouble = ""
            except OSError as error:  # a full disk: the parts go on for as long as they can
                self.trouble = f"the state folder cannot be written: {error.strerror}"
            await asyncio.sleep(_STATUS_EVERY_S)
