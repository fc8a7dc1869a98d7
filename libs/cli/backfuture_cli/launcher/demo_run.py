"""The demo as ``backfuture up`` runs it: a process of its own, once, resumed when it was interrupted."""

import json
import sys
from collections.abc import Callable

from rich.console import RenderableType

from backfuture_cli.launcher import firststart
from backfuture_cli.launcher.catalogue import Catalogue
from backfuture_cli.launcher.firststart import NewUser
from backfuture_cli.launcher.home import Home
from backfuture_cli.launcher.readiness import run_to_end

_WITHIN_S = 180.0


async def run_demo(
    home: Home, catalogue: Catalogue, users: list[NewUser], say: Callable[[RenderableType], None]
) -> None:
    """Set up the demo unless that is done. A failure is told and ends nothing; the next start tries again."""
    notes = firststart.read_notes(home)
    if notes.demo_done:
        return
    say("setting up the demo: a paper connection and a bot on each paper exchange …")
    demo = next((user for user in users if user.name == firststart.DEMO), None)
    login = json.dumps({"username": demo.name, "password": demo.password}).encode() if demo else b"{}"
    command = (sys.executable, "-m", "backfuture_cli", "demo", "--login-stdin")
    code, said = await run_to_end(command, catalogue.demo_environment(), _WITHIN_S, stdin=login)
    if code != 0:
        say(f"the demo is not set up yet: {said}")
        return
    notes.demo_done = True
    firststart.write_notes(home, notes)
    say(said)
