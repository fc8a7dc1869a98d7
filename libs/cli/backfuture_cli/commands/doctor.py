"""doctor: looks at everything that can be wrong, says what is, and what to do about it."""

import asyncio
from collections.abc import Iterator

import msgspec
from rich.table import Table
from rich.text import Text

from backfuture_cli.checks import connectors, machine, parts
from backfuture_cli.checks.finding import Finding
from backfuture_cli.commands.options import HomeOption
from backfuture_cli.exits import Exit
from backfuture_cli.launcher import lock, settings
from backfuture_cli.launcher.home import Home
from backfuture_cli.launcher.settings import LauncherSettings
from backfuture_cli.launcher.statusfile import read_status
from backfuture_cli.output import AsJson, console, print_json

_MARKS = {"ok": ("✓", "green"), "warn": ("!", "yellow"), "fail": ("✗", "bold red")}


def doctor(*, home: HomeOption = None, as_json: AsJson = False) -> int:
    """Look at everything that can be wrong and say what to do. Exit code 0: nothing fails, 3: nothing runs, 1 else."""
    chosen = settings.load(home=home)
    state = Home(chosen.home)
    findings = list(_look(chosen, state))
    if as_json:
        print_json({"findings": [msgspec.to_builtins(finding) for finding in findings]})
    else:
        _print(findings)
    if lock.holder(state) is None:
        return Exit.NOT_RUNNING
    return Exit.ERROR if any(finding.state == "fail" for finding in findings) else Exit.OK


def _look(chosen: LauncherSettings, state: Home) -> Iterator[Finding]:
    yield machine.python()
    yield machine.disk(state, chosen.min_free_mb)
    yield machine.clock()
    if lock.holder(state) is None:
        yield Finding("platform", "fail", f"nothing runs from {state.root}", "start it: backfuture up")
        yield machine.ports(chosen)
        return
    status = read_status(state)
    yield from parts.processes(status)
    yield asyncio.run(parts.broker(chosen))
    yield parts.vault(chosen, state)
    exchanges = [part.name.removeprefix("connector-") for part in status.parts if part.name.startswith("connector-")]
    for exchange in exchanges:
        yield connectors.reachable(exchange, chosen)
        yield connectors.feed(exchange, chosen)


def _print(findings: list[Finding]) -> None:
    table = Table.grid(padding=(0, 1))
    for finding in findings:
        mark, style = _MARKS[finding.state]
        table.add_row(Text(f" {mark}", style=style), finding.about, Text(finding.detail, style="dim"))
        if finding.hint and finding.state != "ok":
            table.add_row("", "", Text(f"→ {finding.hint}", style="cyan"))
    console().print(table)
