"""Commands about the platform on this machine: up, down, status, logs, doctor."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from typing import Annotated

import typer
from rich.console import Console
from rich.live import Live
from rich.text import Text

from backfuture_cli.commands import doctor
from backfuture_cli.commands.options import BasePort, HomeOption
from backfuture_cli.durations import duration
from backfuture_cli.exits import CliError, Exit
from backfuture_cli.launcher import firststart, lock, settings
from backfuture_cli.launcher.catalogue import Catalogue
from backfuture_cli.launcher.home import Home
from backfuture_cli.launcher.logfile import follow, last_lines, plain_line
from backfuture_cli.launcher.readiness import run_to_end
from backfuture_cli.launcher.settings import LIVE_EXCHANGES, LauncherSettings
from backfuture_cli.launcher.statusfile import read_status
from backfuture_cli.launcher.up import leave_terminal, up
from backfuture_cli.launcher.view import status_table
from backfuture_cli.output import AsJson, console, print_json, print_line

_DOWN_WITHIN_S = 120.0


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    panel = "On this machine"
    app.command("up", rich_help_panel=panel)(start)
    app.command("down", rich_help_panel=panel)(stop)
    app.command("status", rich_help_panel=panel)(status)
    app.command("logs", rich_help_panel=panel)(logs)
    app.command("doctor", rich_help_panel=panel)(doctor.doctor)
    app.command("reset-password", rich_help_panel=panel)(reset_password)


def start(
    *,
    home: HomeOption = None,
    base_port: BasePort = None,
    live: Annotated[str, typer.Option(help="Real exchanges, e.g. kucoin,mexc: bots there trade real money.")] = "",
    demo: Annotated[bool | None, typer.Option("--demo/--no-demo", help="Set up a demo at the first start.")] = None,
    detach: Annotated[bool, typer.Option("--detach", "-d", help="Start, then give the terminal back.")] = False,
    plain: Annotated[bool, typer.Option("--plain", help="Plain lines instead of a live picture.")] = False,
    background: Annotated[bool, typer.Option("--background", hidden=True)] = False,
) -> int:
    """Start the platform: all parts as processes on this machine. Running it again continues where it stopped."""
    settings.refuse_unknown(os.environ)
    chosen = settings.load(home=home, base_port=base_port, live=_live(live), demo=demo)
    if detach:
        return _detach(chosen)
    out = Console(highlight=False)
    state = Home(chosen.home)
    return up(
        chosen,
        out,
        plain=plain or background or not out.is_terminal,
        started=(lambda: leave_terminal(state)) if background else (lambda: None),
    )


def stop(*, home: HomeOption = None, as_json: AsJson = False) -> None:
    """Stop the platform that runs from the state folder, all parts in order."""
    state = Home(settings.load(home=home).home)
    pid = _holder(state)
    if not as_json:
        print_line(f"stopping the platform (process {pid}) …")
    os.kill(pid, signal.SIGTERM)
    begun = time.monotonic()
    while lock.holder(state) is not None:
        if time.monotonic() - begun > _DOWN_WITHIN_S:
            raise CliError(
                f"process {pid} has not ended within {_DOWN_WITHIN_S:.0f} s",
                "see `backfuture status`; `backfuture down` again ends everything at once",
                exit_code=Exit.TIMEOUT,
            )
        time.sleep(0.1)
    if as_json:
        print_json({"stopped": True, "pid": pid})
    else:
        print_line(f"stopped in {time.monotonic() - begun:.1f} s")


def status(
    *,
    home: HomeOption = None,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Keep showing it.")] = False,
    as_json: AsJson = False,
) -> int:
    """Show every part: state, process, uptime, restarts, memory. Exit code 0 only when all are ready."""
    state = Home(settings.load(home=home).home)
    found = read_status(state)
    if as_json:
        print_json(found)
        return Exit.OK if found.ready else Exit.ERROR
    if watch:
        with Live(console=console(), auto_refresh=False) as live:
            while True:
                live.update(status_table(read_status(state).parts), refresh=True)
                time.sleep(1)
    out = console()
    out.print(status_table(found.parts))
    ready = sum(part.state == "ready" for part in found.parts)
    uptime = duration((found.written_ms - found.started_ms) / 1000)
    places = "   ".join(
        f"{title} {address}" for title, address in found.addresses.items() if address.startswith("http")
    )
    out.print(Text(f"\n {ready} of {len(found.parts)} parts are ready, up for {uptime}   {places}", style="dim"))
    return Exit.OK if found.ready else Exit.ERROR


def logs(
    part: Annotated[str, typer.Argument(help="Name of the part, as in the status table's --json: gateway, broker …")],
    *,
    home: HomeOption = None,
    follow_on: Annotated[bool, typer.Option("--follow", "-f", help="Keep showing what is added.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", min=1, help="How many of the last lines.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="Show the lines as they are written.")] = False,
) -> None:
    """Show what a part has logged."""
    state = Home(settings.load(home=home).home)
    path = state.logs / f"{part}.log"
    if not path.is_file() or path.parent != state.logs:
        known = ", ".join(sorted(file.stem for file in state.logs.glob("*.log"))) if state.logs.is_dir() else ""
        raise CliError(
            f"there is no log of a part named {part}",
            f"there are: {known}" if known else "nothing was started from this state folder yet",
            exit_code=Exit.NOT_FOUND,
        )
    for line in follow(path, lines) if follow_on else last_lines(path, lines):
        sys.stdout.write((line if as_json else plain_line(line)) + "\n")
        sys.stdout.flush()


def reset_password(
    name: Annotated[str, typer.Argument(help="Name of the user.")], *, home: HomeOption = None, as_json: AsJson = False
) -> None:
    """Give a user of this machine's platform a new password, shown once, and end the user's logins everywhere."""
    chosen = settings.load(home=home)
    password = firststart.new_password()
    catalogue = Catalogue(chosen, Home(chosen.home))
    code, said = asyncio.run(
        run_to_end(
            (*catalogue.set_password_command, "--name", name), catalogue.gateway_environment(), 60,
            stdin=password.encode() + b"\n",
        )
    )  # fmt: skip
    if code != 0:
        missing = "user.not_found" in said
        raise CliError(
            f"there is no user {name}" if missing else f"the password could not be set: {said}",
            "has the platform been started from this state folder?",
            exit_code=Exit.NOT_FOUND if missing else Exit.ERROR,
        )
    print_json({"user": name, "password": password}) if as_json else print_line(f"{name}  {password}")


def _live(text: str) -> tuple[str, ...] | None:
    chosen = tuple(name.strip() for name in text.split(",") if name.strip())
    wrong = [name for name in chosen if name not in LIVE_EXCHANGES]
    if wrong:
        raise CliError(
            f"{', '.join(wrong)} is no exchange that can be started live",
            f"choose from: {', '.join(LIVE_EXCHANGES)}",
            exit_code=Exit.BAD_INPUT,
        )
    return chosen or None


def _holder(state: Home) -> int:
    pid = lock.holder(state)
    if pid is None:
        raise CliError(f"nothing runs from {state.root}", "start it with `backfuture up`", exit_code=Exit.NOT_RUNNING)
    return pid


def _detach(chosen: LauncherSettings) -> int:
    """Start ``up`` as a process of its own session and show what it says until it has started or failed."""
    command = [sys.executable, "-m", "backfuture_cli", "up", "--background", "--home", str(chosen.home)]
    command += ["--base-port", str(chosen.base_port), "--demo" if chosen.demo else "--no-demo"]
    if chosen.live:
        command += ["--live", ",".join(chosen.live)]
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
    )
    if process.stdout is None:
        raise CliError("the launcher cannot be heard")
    for line in process.stdout:
        sys.stdout.buffer.write(line)
        sys.stdout.flush()
    time.sleep(0.1)  # a launcher that failed has closed its output just before it ends
    code = process.poll()
    if code is None:
        print_line("runs in the background: `backfuture status`, `backfuture logs <part>`, `backfuture down`")
        return Exit.OK
    return code
