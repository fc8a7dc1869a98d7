"""The ``backfuture`` command: all commands in one tree, and every failure as message, hint and exit code."""

import json
import sys
from typing import NoReturn

import msgspec
import typer
from rich.console import Console
from rich.text import Text
from typer.exceptions import Abort, TyperException

from backfuture_cli.commands.activity import register as activity
from backfuture_cli.commands.auth import register as auth
from backfuture_cli.commands.backtest import register as backtest
from backfuture_cli.commands.bots import register as bots
from backfuture_cli.commands.connections import register as connections
from backfuture_cli.commands.demo import register as demo
from backfuture_cli.commands.groups import register as groups
from backfuture_cli.commands.health import register as health
from backfuture_cli.commands.paper import register as paper
from backfuture_cli.commands.platform import register as platform
from backfuture_cli.commands.replay import register as replay
from backfuture_cli.commands.watch import register as watch
from backfuture_cli.exits import CliError, Exit

_HELP = "BackFuture on this machine: start it (`up`), look at it (`status`, `doctor`), and use it."


def build() -> typer.Typer:
    """Return the whole command tree."""
    app = typer.Typer(help=_HELP, no_args_is_help=True, rich_markup_mode="rich", pretty_exceptions_enable=False)
    for register in (platform, auth, connections, paper, bots, groups, activity, watch, health, demo, backtest, replay):
        register(app)
    return app


def main() -> NoReturn:
    """Run the command line and end the process with one of :class:`Exit`'s codes."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command line; return its exit code. A user's mistake never shows a traceback."""
    as_json = "--json" in arguments
    try:
        code = build()(arguments, prog_name="backfuture", standalone_mode=False)
    except CliError as problem:
        return _tell(problem, as_json=as_json)
    except TyperException as error:
        hint = "see `backfuture --help`, or --help after the command"
        return _tell(CliError(error.format_message(), hint, exit_code=Exit.BAD_INPUT), as_json=as_json)
    except (Abort, KeyboardInterrupt):
        return _tell(CliError("interrupted"), as_json=False)
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output has gone: nothing is left to be said
        return Exit.OK
    return int(code) if isinstance(code, int) else Exit.OK


def _tell(problem: CliError, *, as_json: bool) -> int:
    if as_json:
        body = {"error": msgspec.to_builtins(problem.info), "exit_code": int(problem.exit_code)}
        sys.stdout.write(json.dumps(body) + "\n")
        return problem.exit_code
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    console.print(Text("backfuture: ", style="bold red") + Text(problem.info.message))
    if problem.info.hint:
        console.print(Text("  → " + problem.info.hint, style="cyan"))
    return problem.exit_code
