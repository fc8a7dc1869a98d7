"""What ``backfuture up`` shows: a picture in a terminal, plain lines elsewhere."""

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from backfuture_cli.durations import duration
from backfuture_cli.launcher.part import PartStatus, State

STYLES: Mapping[State, str] = {
    "waiting": "dim",
    "starting": "cyan",
    "ready": "green",
    "not ready": "yellow",
    "restarting": "yellow",
    "failing": "bold red",
    "stopping": "yellow",
    "stopped": "dim",
}
_MARKS: Mapping[State, str] = {
    "ready": "✓", "failing": "✗", "not ready": "!", "restarting": "↻", "waiting": "·", "stopping": "…", "stopped": "·",
}  # fmt: skip


class View(Protocol):
    """Shows the progress to a person."""

    def changed(self, status: PartStatus) -> None:
        """A part is in another state."""

    def say(self, message: RenderableType) -> None:
        """Show something once, and leave it there."""

    def draw(self, statuses: Iterable[PartStatus], trouble: str, *, started: bool) -> None:
        """Bring the picture up to date."""

    def close(self) -> None:
        """Leave the terminal as it was."""


class PlainView:
    """For logs and pipes: one line for each change that matters."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._born = time.monotonic()
        self._told: dict[str, tuple[State, str]] = {}

    def changed(self, status: PartStatus) -> None:
        now = (status.state, status.detail if status.state in {"restarting", "failing", "not ready"} else "")
        if self._told.get(status.name) == now or status.state in {"waiting", "stopping", "stopped"}:
            return
        self._told[status.name] = now
        took = f" ({status.took_s} s)" if status.state == "ready" and status.took_s is not None else ""
        detail = f": {now[1]}" if now[1] else ""
        self.say(f"{time.monotonic() - self._born:6.1f} s  {status.title:<26} {status.state}{took}{detail}")

    def say(self, message: RenderableType) -> None:
        self._console.print(message, highlight=False, soft_wrap=isinstance(message, str), markup=False)
        self._console.file.flush()

    def draw(self, statuses: Iterable[PartStatus], trouble: str, *, started: bool) -> None:
        """Nothing moves in a log."""

    def close(self) -> None:
        """Nothing was changed."""


class LiveView:
    """For a terminal: the picture is redrawn in place. Drawn by the caller's loop, so that no thread is needed."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, auto_refresh=False, transient=True)
        self._live.start()
        self._spinner = Spinner("dots", style="cyan")
        self._born = time.monotonic()
        self._starting_since: dict[str, float] = {}

    def changed(self, status: PartStatus) -> None:
        if status.state == "starting":
            self._starting_since.setdefault(status.name, time.monotonic())

    def say(self, message: RenderableType) -> None:
        self._live.console.print(message, highlight=False, markup=False)

    def draw(self, statuses: Iterable[PartStatus], trouble: str, *, started: bool) -> None:
        picture = status_table(statuses) if started else self._progress(statuses)
        hint = Text(" Ctrl-C stops everything", style="dim") if started else Text()
        self._live.update(Group(picture, Text(f" {trouble}", style="bold red") if trouble else hint), refresh=True)

    def close(self) -> None:
        self._live.stop()

    def _progress(self, statuses: Iterable[PartStatus]) -> RenderableType:
        table = Table.grid(padding=(0, 1))
        table.add_column(width=1)
        table.add_column(min_width=26)
        table.add_column(justify="right", min_width=7)
        table.add_column(overflow="ellipsis", no_wrap=True)
        for status in statuses:
            mark: RenderableType = Text(_MARKS.get(status.state, ""), style=STYLES[status.state])
            if status.state == "starting":
                mark = self._spinner
            name = Text(status.title, style="dim" if status.state == "waiting" else "")
            table.add_row(mark, name, self._seconds(status), Text(status.detail, style="dim"))
        return table

    def _seconds(self, status: PartStatus) -> str:
        if status.took_s is not None:
            return f"{status.took_s:.1f} s"
        since = self._starting_since.get(status.name)
        return f"{time.monotonic() - since:.1f} s" if since is not None else ""


class SturdyView:
    """Shows through another view. When the terminal (or the reader of a pipe) has gone, calls ``lost`` and goes on: the
    platform must not end, and above all must be stopped in order, whether or not anybody watches.
    """

    def __init__(self, view: View, lost: Callable[[], None]) -> None:
        self._view = view
        self._lost = lost

    def changed(self, status: PartStatus) -> None:
        self._try(lambda: self._view.changed(status))

    def say(self, message: RenderableType) -> None:
        self._try(lambda: self._view.say(message))

    def draw(self, statuses: Iterable[PartStatus], trouble: str, *, started: bool) -> None:
        self._try(lambda: self._view.draw(statuses, trouble, started=started))

    def close(self) -> None:
        self._try(self._view.close)

    def _try(self, show: Callable[[], None]) -> None:
        try:
            show()
        except OSError:
            self._lost()


def status_table(statuses: Iterable[PartStatus], now_ms: int | None = None) -> RenderableType:
    """Return the table of all parts: state, process, uptime, restarts, memory; and below it what is wrong."""
    now = now_ms if now_ms is not None else time.time_ns() // 1_000_000
    table = Table(box=None, header_style="bold", padding=(0, 1))
    for title in ("Part", "State"):
        table.add_column(title, no_wrap=True)
    for title in ("PID", "Up", "Restarts", "Memory"):
        table.add_column(title, justify="right", no_wrap=True)
    troubles = []
    for status in statuses:
        style = STYLES[status.state]
        table.add_row(
            status.title,
            Text(f"{_MARKS.get(status.state, '…')} {status.state}", style=style),
            str(status.pid or ""),
            duration((now - status.since_ms) / 1000) if status.since_ms else "",
            Text(str(status.restarts), style="yellow" if status.restarts else "dim"),
            f"{status.memory_mb} MB" if status.memory_mb is not None else "",
        )
        if status.detail:
            troubles.append(Text(f" {status.title}: {status.detail}", style=style))
    return Group(table, *troubles)


def addresses_panel(addresses: Mapping[str, str], seconds: float, *, all_ready: bool) -> Panel:
    """Return the box with the addresses, shown once everything has started."""
    table = Table.grid(padding=(0, 2))
    for title, address in addresses.items():
        table.add_row(
            Text(title), Text(address, style=f"bold link {address}" if address.startswith("http") else "bold")
        )
    title = f"BackFuture is running ({seconds:.0f} s)" if all_ready else "BackFuture runs, but not every part is ready"
    return Panel(table, title=title, border_style="green" if all_ready else "yellow", expand=False, padding=(1, 2))
