"""health: every part as the gateway sees it."""

import msgspec
import typer
from rich.text import Text

from backfuture_cli.context import gateway
from backfuture_cli.durations import duration
from backfuture_cli.exits import Exit
from backfuture_cli.output import AsJson, left, print_json, print_table, right


class _Part(msgspec.Struct):
    name: str
    ready: bool
    detail: str
    age_ms: int | None


class _Health(msgspec.Struct):
    ready: bool
    parts: list[_Part]


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command("health", rich_help_panel="Trading")(health)


def health(*, as_json: AsJson = False) -> int:
    """Show every part as the gateway sees it. Exit code 0 only when all are ready."""
    found = gateway().get("/health", _Health)
    if as_json:
        print_json(found)
    else:
        rows = [
            (part.name, Text("✓ ready", style="green") if part.ready else Text("✗ not ready", style="red"),
             f"{duration(part.age_ms / 1000)} ago" if part.age_ms is not None else "never", part.detail)
            for part in found.parts
        ]  # fmt: skip
        print_table([*left("Part", "State"), *right("Answered"), *left("Detail")], rows, "no parts")
    return Exit.OK if found.ready else Exit.ERROR
