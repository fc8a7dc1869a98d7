"""replay: a journal decided once more by the code of this version."""

from pathlib import Path
from typing import Annotated

import typer
from backfuture_common.contracts.backtest import ReplayResult
from rich.text import Text

from backfuture_cli.exits import CliError, Exit
from backfuture_cli.offline import ask
from backfuture_cli.output import AsJson, print_json, print_line, when

Journal = Annotated[Path, typer.Argument(help="Journal records as JSON lines, as `backtest --journal` writes them.")]


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command(rich_help_panel="Without the platform")(replay)


def replay(journal: Journal, *, as_json: AsJson = False) -> int:
    """Take every decision of a journal once more, and say whether the same facts follow."""
    if not journal.is_file():
        raise CliError(f"there is no file {journal}", exit_code=Exit.NOT_FOUND)
    result = ask("backfuture_engine.rereading", journal)
    if not isinstance(result, ReplayResult):
        raise CliError("the engine answered something else than a replay")
    if as_json:
        print_json(result)
    else:
        _print(result)
    return Exit.ERROR if result.difference_count else Exit.OK


def _print(result: ReplayResult) -> None:
    about = f"{result.records} records of {result.bots} bots"
    if not result.difference_count:
        print_line(Text(f"identical: {about}", style="green"))
        return
    print_line(Text(f"{result.difference_count} of {about} differ; the first:", style="bold red"))
    first = result.differences[0]
    print_line(f"{first.bot_id}, record {first.seq}, {when(first.at_ms)}")
    for title, facts in (("recorded", first.recorded), ("now", first.decided)):
        print_line(Text(title, style="bold"))
        for fact in facts or ("nothing",):
            print_line(f"  {fact}")
