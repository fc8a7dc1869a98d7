"""What ``up`` shows: the table, the plain lines, and a terminal that goes away."""

import io

from backfuture_cli.launcher.part import PartStatus
from backfuture_cli.launcher.view import PlainView, SturdyView, status_table
from rich.console import Console

SECOND_MS = 1_000


class Gone(io.StringIO):
    """A terminal that has been closed."""

    def write(self, _text: str) -> int:
        raise OSError(5, "Input/output error")


def test_plain_lines_tell_each_change_once() -> None:
    out = io.StringIO()
    view = PlainView(Console(file=out, width=200))
    status = PartStatus(name="engine", title="strategy engine", state="starting")
    view.changed(status)
    view.changed(status)
    status.state, status.took_s = "ready", 1.5
    view.changed(status)
    status.state, status.detail = "restarting", "was ended by signal 9"
    view.changed(status)
    lines = [line.split(" s  ", 1)[1] for line in out.getvalue().splitlines()]
    assert [" ".join(line.split()) for line in lines] == [
        "strategy engine starting",
        "strategy engine ready (1.5 s)",
        "strategy engine restarting: was ended by signal 9",
    ]


def test_the_table_shows_uptime_memory_restarts_and_below_it_what_is_wrong() -> None:
    out = io.StringIO()
    statuses = [
        PartStatus(name="a", title="broker", state="ready", pid=7, since_ms=SECOND_MS, restarts=2, memory_mb=31),
        PartStatus(name="b", title="gateway", state="failing", detail="[Errno 98] address in use"),
    ]
    Console(file=out, width=100).print(status_table(statuses, now_ms=62 * SECOND_MS))
    table, below = out.getvalue().split("gateway", 1)
    assert "broker" in table
    assert [word in table for word in ("7", "1 m 1 s", "2", "31 MB")] == [True] * 4
    assert "gateway: [Errno 98] address in use" in below


def test_a_terminal_that_goes_away_is_left_and_nothing_else_happens() -> None:
    lost: list[bool] = []
    view = SturdyView(PlainView(Console(file=Gone())), lambda: lost.append(True))
    view.changed(PartStatus(name="engine", title="engine", state="ready"))
    view.say("stopping")
    view.close()
    assert lost == [True, True]
