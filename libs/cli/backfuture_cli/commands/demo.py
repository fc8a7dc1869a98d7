"""demo: set up a paper connection and a bot on each paper exchange."""

import sys
from typing import Annotated

import msgspec
import typer

from backfuture_cli.api.client import Gateway
from backfuture_cli.api.session import SessionFile
from backfuture_cli.context import gateway, gateway_url, paper_url, state_home
from backfuture_cli.demo_setup import set_up_demo
from backfuture_cli.exits import CliError, Exit
from backfuture_cli.output import print_line


class _Login(msgspec.Struct):
    username: str = ""
    password: str = ""

    def __repr__(self) -> str:
        return "_Login(…)"


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command("demo", rich_help_panel="On this machine")(demo)


def demo(*, login_stdin: Annotated[bool, typer.Option("--login-stdin", hidden=True)] = False) -> int:
    """Set up the demo for the logged-in user: what `backfuture up` does at the first start. Does what is missing."""
    if login_stdin:
        return _for_the_launcher()
    set_up_demo(gateway(), paper_url(), print_line)
    return Exit.OK


def _for_the_launcher() -> int:
    """Set the demo up and say in one line how that went."""
    sessions = SessionFile(state_home() / "secrets" / "demo-session.json")
    try:
        api = _logged_in(sessions)
        set_up_demo(api, paper_url(), lambda _: None)
        api.logout()
    except CliError as problem:
        print_line(f"{problem}; {problem.info.hint}" if problem.info.hint else str(problem))
        return problem.exit_code
    print_line("the demo runs: a bot on each paper exchange. Log in as the demo user to see it")
    return Exit.OK


def _logged_in(sessions: SessionFile) -> Gateway:
    """Log in with what the launcher gives, else go on with the session of an interrupted set-up."""
    login = msgspec.json.decode(sys.stdin.buffer.read() or b"{}", type=_Login)
    api = Gateway(gateway_url(), sessions)
    if login.password:
        api.login(login.username, login.password)
    elif sessions.load() is None:
        raise CliError(
            "its set-up was interrupted",
            "go on with it: backfuture login --user demo && backfuture demo",
            exit_code=Exit.ERROR,
        )
    return api
