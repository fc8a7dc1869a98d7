"""What commands print: JSON for programs, tables for people. Figures stand right, times are local."""

import json
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Literal

import msgspec
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from backfuture_cli.exits import CliError, Exit

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]

Column = tuple[str, Literal["left", "right"]]


def console() -> Console:
    """Return where people read; made for each use, so that tests and pipes see the stream of the moment."""
    return Console(highlight=False)


def print_json(value: object) -> None:
    """Print a value as JSON; structs become objects, Decimals stay text."""
    sys.stdout.write(json.dumps(msgspec.to_builtins(value), indent=2, ensure_ascii=False) + "\n")


def print_line(text: str | Text) -> None:
    """Print one line for people."""
    console().print(_plain(text), soft_wrap=True)


def left(*titles: str) -> list[Column]:
    """Return columns of words."""
    return [(title, "left") for title in titles]


def right(*titles: str) -> list[Column]:
    """Return columns of figures."""
    return [(title, "right") for title in titles]


def print_table(columns: Sequence[Column], rows: Iterable[Sequence[str | Text]], empty: str) -> None:
    """Print a table, or one line that says why there is none."""
    lines = list(rows)
    if not lines:
        print_line(Text(empty, style="dim"))
        return
    table = Table(box=None, header_style="bold", padding=(0, 1))
    for title, justify in columns:
        table.add_column(title, justify=justify, overflow="fold")
    for line in lines:
        table.add_row(*map(_plain, line))
    console().print(table)


def when(at_ms: int | None) -> str:
    """Return a local date and time; nothing for none."""
    if not at_ms:
        return ""
    return datetime.fromtimestamp(at_ms / 1000, tz=UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def moment(at_ms: int | None) -> str:
    """Return a local time of today, or date and time of another day."""
    text = when(at_ms)
    today = datetime.now(tz=UTC).astimezone().strftime("%Y-%m-%d ")
    return text.removeprefix(today)


def clock(at_ms: int) -> str:
    """Return a local time of day."""
    return datetime.fromtimestamp(at_ms / 1000, tz=UTC).astimezone().strftime("%H:%M:%S")


def confirm(question: str, *, yes: bool) -> None:
    """Ask before what cannot be taken back; :class:`CliError` when the answer is no, or nobody can be asked."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise CliError(question, "there is no terminal to ask; say it with --yes", exit_code=Exit.BAD_INPUT)
    if not typer.confirm(question):
        raise CliError("nothing was done")


def figure(value: Decimal | None, digits: int | None = None) -> str:
    """Return a number as people read it: ``1,234.50``; all digits it has, or rounded for the eye to ``digits``."""
    if value is None:
        return ""
    if digits is not None:
        return f"{value:,.{digits}f}"
    text = f"{value:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def price_of(value: Decimal | None) -> str:
    """Return a price with as many digits as are worth reading at its size."""
    if value is None:
        return ""
    places = 2 if abs(value) >= 1_000 else 4 if abs(value) >= 1 else 8
    return figure(round(value, places))


def gain(value: Decimal | None, digits: int = 4) -> Text:
    """Return a result with its sign, green or red."""
    if value is None:
        return Text("")
    style = "green" if value > 0 else "red" if value < 0 else "dim"
    return Text(f"{value:+,.{digits}f}" if value else "0", style=style)


def _plain(text: str | Text) -> Text:
    """Return text as it is: names and messages may hold brackets, which rich would take for its own markup."""
    return Text(text) if isinstance(text, str) else text
