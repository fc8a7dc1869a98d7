"""A connection test, shown step by step while it runs."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from rich.live import Live
from rich.table import Table
from rich.text import Text

from backfuture_cli.api.client import Gateway
from backfuture_cli.api.views import Connection, Step
from backfuture_cli.exits import CliError, Exit
from backfuture_cli.output import console

_EVERY_S = 0.25
_KEY_CODES = frozenset({
    "KEY_UNKNOWN", "SECRET_WRONG", "PASSPHRASE_WRONG", "IP_NOT_ALLOWED", "TRADE_RIGHT_MISSING", "READ_RIGHT_MISSING",
    "KEY_EXPIRED", "AMBIGUOUS_AUTH", "PERMISSIONS_UNVERIFIABLE", "KEY_STORE_UNAVAILABLE",
})  # fmt: skip
_REFUSALS = frozenset({"WITHDRAW_ENABLED", "TRANSFER_ENABLED"})
_MARKS = {
    "pending": ("·", "dim"), "running": ("…", "cyan"), "passed": ("✓", "green"), "warned": ("!", "yellow"),
    "failed": ("✗", "red"), "skipped": ("–", "dim"),
}  # fmt: skip
STEP_WORDS = {
    "reachable": "the exchange answers",
    "key": "the key is valid",
    "rights": "its rights can be read",
    "no_withdrawal": "it cannot withdraw",
    "trade_right": "it may trade",
    "ip_list": "it is bound to addresses",
    "balance": "the balance can be read",
    "orders": "orders can be read",
}
STATUS_STYLES = {"online": "green", "testing": "cyan", "attention": "yellow", "refused": "bold red", "removed": "dim"}


@dataclass(frozen=True, slots=True)
class TestRun:
    """Follows one test to its end."""

    __test__ = False  # not a pytest class

    gateway: Gateway
    connection_id: str
    test_id: str

    def follow(self, within_s: float, seen: Callable[[Connection], None]) -> Connection:
        """Ask until the test has ended and hand each state to ``seen``; :class:`CliError` (time-out) when it takes too
        long.
        """
        begun = time.monotonic()
        while True:
            now = self.gateway.get(f"/connections/{self.connection_id}", Connection)
            seen(now)
            if now.test_id == self.test_id and now.status != "testing" and now.code is not None:
                return now
            if time.monotonic() - begun > within_s:
                raise CliError(
                    f"the test has not ended within {within_s:.0f} s; it goes on in the background",
                    f"look again with `backfuture connections show {self.connection_id}`, or see `backfuture doctor`",
                    exit_code=Exit.TIMEOUT,
                )
            time.sleep(_EVERY_S)

    def follow_silently(self, within_s: float) -> Connection:
        """Follow without showing anything."""
        return self.follow(within_s, lambda _: None)

    def follow_live(self, within_s: float) -> Connection:
        """Follow and show the steps as they run."""
        out = console()
        if not out.is_terminal:
            ended = self.follow_silently(within_s)
            out.print(steps_table(ended.steps))
            return ended
        with Live(console=out, auto_refresh=False) as live:
            return self.follow(within_s, lambda state: live.update(steps_table(state.steps), refresh=True))


def steps_table(steps: list[Step]) -> Table:
    """Return the steps of a test as a picture."""
    table = Table.grid(padding=(0, 1))
    for _ in range(2):
        table.add_column(no_wrap=True)
    table.add_column(justify="right", style="dim", no_wrap=True)
    table.add_column(style="dim")
    for step in steps:
        mark, style = _MARKS.get(step.status, ("?", ""))
        took = f"{step.took_ms} ms" if step.took_ms is not None else ""
        table.add_row(Text(f" {mark}", style=style), STEP_WORDS.get(step.name, step.name), took, Text(step.detail))
    return table


def verdict_line(connection: Connection) -> Text:
    """Return how a connection stands, in one or two lines."""
    line = Text(f"{connection.status}", style=STATUS_STYLES.get(connection.status, ""))
    line.append(f"  {connection.code or ''}  ", style="dim")
    line.append(connection.message, style="")
    if connection.hint:
        line.append(f"\n  → {connection.hint}", style="cyan")
    return line


def exit_code_of(connection: Connection) -> Exit:
    """Return the exit code that a test's end stands for."""
    if connection.status == "online":
        return Exit.OK
    if connection.code in _REFUSALS or connection.status == "refused":
        return Exit.REFUSED
    return Exit.KEY_PROBLEM if connection.code in _KEY_CODES else Exit.ERROR
