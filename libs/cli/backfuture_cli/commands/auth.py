"""login, logout, whoami."""

import sys
from typing import Annotated

import typer

from backfuture_cli.api.views import Me
from backfuture_cli.context import gateway
from backfuture_cli.exits import CliError, Exit
from backfuture_cli.output import AsJson, print_json, print_line


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    panel = "Who you are"
    for command in (login, logout, whoami):
        app.command(rich_help_panel=panel)(command)


def login(
    username: Annotated[str, typer.Option("--user", "-u", prompt="User", help="Your user name.")],
    *,
    password_stdin: Annotated[bool, typer.Option(help="Read the password from standard input.")] = False,
    as_json: AsJson = False,
) -> None:
    """Log in. Tokens are kept in a file that only you can read; the password is not kept."""
    session = gateway().login(username, _password(from_stdin=password_stdin))
    if as_json:
        print_json({"user": session.user, "gateway": session.gateway})
    else:
        print_line(f"logged in as {session.user} at {session.gateway}")


def logout(*, as_json: AsJson = False) -> None:
    """End the login, at the gateway and here."""
    gateway().logout()
    if as_json:
        print_json({"logged_out": True})
    else:
        print_line("logged out")


def whoami(*, as_json: AsJson = False) -> None:
    """Show who is logged in."""
    me = gateway().get("/me", Me)
    if as_json:
        print_json(me)
    else:
        print_line(f"{me.name} ({me.role}, {me.id})")


def _password(*, from_stdin: bool) -> str:
    if from_stdin:
        password = sys.stdin.readline().rstrip("\n")
    elif sys.stdin.isatty():
        password = str(typer.prompt("Password", hide_input=True))
    else:
        raise CliError(
            "there is no terminal to ask for the password",
            "give it on standard input: backfuture login --user NAME --password-stdin",
            exit_code=Exit.BAD_INPUT,
        )
    if not password:
        raise CliError("the password is empty", exit_code=Exit.BAD_INPUT)
    return password
