"""watch: the live feed."""

import json
import sys
import time
from typing import Annotated

import typer
from rich.text import Text

from backfuture_cli.api.events import follow
from backfuture_cli.context import gateway
from backfuture_cli.live import line
from backfuture_cli.output import AsJson, clock, print_line


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command("watch", rich_help_panel="Trading")(watch)


def watch(
    *,
    since: Annotated[str, typer.Option(help="Continue after this event id (see --json).")] = "",
    as_json: AsJson = False,
) -> None:
    """Follow everything as it happens: decisions, orders, groups, connections. Ctrl-C ends it."""
    if not as_json:
        print_line(Text("watching; Ctrl-C ends it", style="dim"))
    last: dict[str, str] = {}
    try:
        for event in follow(gateway(), since):
            if as_json:
                body = {"id": event.id, "kind": event.kind, "data": json.loads(event.data)}
                sys.stdout.write(json.dumps(body, ensure_ascii=False) + "\n")
                sys.stdout.flush()
                continue
            told = line(event)
            if told is not None and last.get(told.about) != told.text.plain:
                last[told.about] = told.text.plain
                print_line(Text(clock(time.time_ns() // 1_000_000) + "  ", style="dim") + told.text)
    except KeyboardInterrupt:
        return
