"""A state folder and stand-in parts (real processes) for the launcher."""

import asyncio
import contextlib
import os
import socket
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from backfuture_cli.launcher.home import Home
from backfuture_cli.launcher.part import Part, PartStatus
from backfuture_cli.launcher.readiness import http_ready
from backfuture_cli.launcher.supervisor import Supervisor

STAND_IN = Path(__file__).with_name("part_stand_in.py")


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path / "state")
    made.create()
    return made


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    path = tmp_path / "journal"
    path.touch()
    return path


MakePart = Callable[..., Part]


@pytest.fixture
def make_part(journal: Path) -> MakePart:
    def make(name: str, *needs: str, manner: str = "", stop_within_s: float = 5) -> Part:
        port = free_port()
        return Part(
            name=name,
            title=f"the {name}",
            command=(sys.executable, str(STAND_IN), name, str(port), str(journal), manner),
            environment={"PATH": os.environ["PATH"]},
            probe=http_ready(f"http://127.0.0.1:{port}"),
            needs=needs,
            stop_within_s=stop_within_s,
            ports={"http": port},
        )

    return make


class Running:
    """A supervisor at work; what it told is in ``changes``."""

    def __init__(self, home: Home, *parts: Part) -> None:
        self.changes: list[tuple[str, str]] = []
        self.supervisor = Supervisor(home, parts, {}, self._changed)
        self._task: asyncio.Task[None] | None = None
        self.stopped: list[tuple[str, bool]] = []

    def _changed(self, status: PartStatus) -> None:
        self.changes.append((status.name, status.state))

    def status(self, name: str) -> PartStatus:
        return next(status for status in self.supervisor.statuses if status.name == name)

    async def until(self, condition: Callable[[], bool], within_s: float = 15) -> None:
        async with asyncio.timeout(within_s):
            while not condition():  # noqa: ASYNC110 (conditions of other processes have no event)
                await asyncio.sleep(0.02)

    async def __aenter__(self) -> "Running":
        self._task = asyncio.create_task(self.supervisor.keep())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        await self.supervisor.stop(lambda title, by_itself: self.stopped.append((title, by_itself)))


@pytest.fixture
async def watch_parts(home: Home) -> AsyncIterator[Callable[..., Running]]:
    runs: list[Running] = []

    def start(*parts: Part) -> Running:
        runs.append(Running(home, *parts))
        return runs[-1]

    yield start
    for run in runs:
        run.supervisor.kill()
