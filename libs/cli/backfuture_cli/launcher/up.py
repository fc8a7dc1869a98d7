"""``backfuture up``: look before starting, start, show, keep running, stop in order."""

import asyncio
import os
import sys
import time
from collections.abc import Callable
from contextlib import suppress

from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from backfuture_cli.exits import CliError, Exit
from backfuture_cli.launcher import firststart, lock, preflight
from backfuture_cli.launcher.catalogue import PAPER_EXCHANGES, Catalogue
from backfuture_cli.launcher.demo_run import run_demo
from backfuture_cli.launcher.home import Home
from backfuture_cli.launcher.leftovers import end_leftovers
from backfuture_cli.launcher.settings import LauncherSettings
from backfuture_cli.launcher.signals import Signals
from backfuture_cli.launcher.supervisor import Supervisor
from backfuture_cli.launcher.view import LiveView, PlainView, SturdyView, View, addresses_panel

_STARTING_FRAME_S = 0.1
_RUNNING_FRAME_S = 1.0
_DEMO_NEEDS = ("gateway", "engine", "paper-exchange", *(f"connector-{exchange}" for exchange in PAPER_EXCHANGES))

Started = Callable[[], None]


def up(settings: LauncherSettings, console: Console, *, plain: bool, started: Started) -> Exit:
    """Run the platform until it is told to stop. ``started`` is called once, when start-up is over.

    Raises :class:`CliError` when a look before the start finds something wrong; nothing is then left running.
    """
    preflight.check_python()
    home = Home(settings.home)
    home.create()
    with lock.held(home):
        preflight.check_writable(home)
        preflight.check_disk(home, settings.min_free_mb)
        left = end_leftovers(home.pids)
        if left:
            console.print(f"ended what an earlier run left behind: {', '.join(left)}", highlight=False)
        catalogue = Catalogue(settings, home)
        parts = catalogue.parts()
        preflight.check_programs(parts)
        preflight.check_ports(parts)
        if settings.live:
            _warn_live(console, settings)
        view = SturdyView(PlainView(console) if plain else LiveView(console), lambda: leave_terminal(home))
        platform = _Platform(settings, home, catalogue, view, started)
        return asyncio.run(platform.run())


class _Platform:
    def __init__(
        self, settings: LauncherSettings, home: Home, catalogue: Catalogue, view: View, started: Started
    ) -> None:
        self._settings = settings
        self._home = home
        self._catalogue = catalogue
        self._view = view
        self._started = started
        self._born = time.monotonic()
        self._supervisor = Supervisor(home, catalogue.parts(), catalogue.addresses(), view.changed)

    async def run(self) -> Exit:
        signals = Signals(self._supervisor.kill)
        signals.listen()
        try:
            async with asyncio.TaskGroup() as group:
                work = [
                    group.create_task(self._supervisor.keep()),
                    group.create_task(self._draw()),
                    group.create_task(self._after_start()),
                ]
                await signals.stop.wait()
                for task in work:
                    task.cancel()
        finally:
            self._view.close()
            await self._stop()
        return Exit.OK

    async def _stop(self) -> None:
        told = SturdyView(PlainView(Console()), lambda: leave_terminal(self._home))
        told.say("stopping … (Ctrl-C again ends everything at once)")
        begun = time.monotonic()

        def say(title: str, ended_itself: bool) -> None:
            told.say(f"  {title:<26} {'stopped' if ended_itself else 'had to be killed'}")

        await self._supervisor.stop(say)
        told.say(f"stopped in {time.monotonic() - begun:.1f} s; start again with `backfuture up`, it continues")

    async def _draw(self) -> None:
        while True:
            running = self._supervisor.phase != "starting"
            self._view.draw(self._supervisor.statuses, self._supervisor.trouble, started=running)
            await asyncio.sleep(_RUNNING_FRAME_S if running else _STARTING_FRAME_S)

    async def _after_start(self) -> None:
        """Wait for the parts, make the users of a first start, show the addresses, set up the demo."""
        users = await self._make_users() if await self._supervisor.ready("gateway") else []
        all_ready = await self._supervisor.settled()
        seconds = time.monotonic() - self._born
        self._view.say(addresses_panel(self._catalogue.addresses(), seconds, all_ready=all_ready))
        for status in self._supervisor.statuses:
            if status.state != "ready":
                self._view.say(
                    f"{status.title} is {status.state}: {status.detail} — see `backfuture logs {status.name}`"
                )
        self._supervisor.phase = "running"
        if self._settings.demo and all(self._is_ready(name) for name in _DEMO_NEEDS):
            await run_demo(self._home, self._catalogue, users, self._view.say)
        self._started()

    def _is_ready(self, name: str) -> bool:
        return any(status.name == name and status.state == "ready" for status in self._supervisor.statuses)

    async def _make_users(self) -> list[firststart.NewUser]:
        try:
            return await firststart.make_users(
                self._home,
                self._catalogue.create_user_command,
                self._catalogue.gateway_environment(),
                lambda users: self._view.say(credentials_panel(users)),
                demo=self._settings.demo,
            )
        except CliError as problem:
            self._view.say(f"{problem}. {problem.info.hint}")
            return []


def credentials_panel(users: list[firststart.NewUser]) -> Panel:
    """Return the box that shows generated passwords, once."""
    table = Table.grid(padding=(0, 2))
    for user in users:
        table.add_row(Text(user.role, style="dim"), Text(user.name, style="bold"), Text(user.password, style="bold"))
    return Panel(
        table,
        title="Your users — shown once, kept nowhere: write them down",
        border_style="yellow",
        expand=False,
        padding=(1, 2),
    )


def leave_terminal(home: Home) -> None:
    """Send what this process says from now on to the launcher's own log, so that the terminal can be closed."""
    sys.stdout.flush()
    sys.stderr.flush()
    log = os.open(home.logs / "launcher.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for stream in (1, 2):
        os.dup2(log, stream)
    with suppress(OSError):
        os.close(log)


def _warn_live(console: Console, settings: LauncherSettings) -> None:
    venues = " and ".join(settings.live)
    console.print(
        Panel(
            f"Live connectors for {venues} are started. Bots on their connections trade with real money.\n"
            "Use keys that may trade and may not withdraw; others are refused.",
            title="Real money",
            border_style="bold red",
            expand=False,
        )
    )
