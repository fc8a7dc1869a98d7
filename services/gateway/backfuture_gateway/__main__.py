"""``python -m backfuture_gateway``: serve; or one task of the operator (``--help`` lists them)."""

import argparse
import asyncio
import getpass
import re
import sys
from collections.abc import Coroutine, Sequence

from backfuture_common.errors import PlatformError
from backfuture_common.runtime.logging import configure_logging
from backfuture_common.runtime.service import run

from backfuture_gateway import administration
from backfuture_gateway.settings import GatewaySettings
from backfuture_gateway.users.schemas import USER_NAME_PATTERN


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve, or do one task of the operator and say in one word how it ended."""
    given = _parser().parse_args(arguments)
    settings = GatewaySettings.load()
    if given.task is None:
        from backfuture_gateway.bootstrap import SERVICE, serve  # noqa: PLC0415 - slow, and the tasks need none of it

        run(SERVICE, settings, serve, http=False)
    configure_logging("WARNING", "console")
    try:
        sys.stdout.write(asyncio.run(_task(given, settings)) + "\n")
    except PlatformError as error:
        sys.stderr.write(f"{error.info.code}: {error.info.message} {error.info.hint}".rstrip() + "\n")
        sys.exit(1)


def _task(given: argparse.Namespace, settings: GatewaySettings) -> Coroutine[None, None, str]:
    if given.task == "create-user":
        return administration.create_user(settings, name=given.name, role=given.role, password=_password())
    if given.task == "set-password":
        return administration.set_password(settings, name=given.name, password=_password())
    if given.task == "move-to":
        target = GatewaySettings.model_validate(
            {"database_url": given.database_url, "database_password_file": given.database_password_file}
        )
        return administration.move_to(settings, target)
    if given.task == "downgrade":
        return administration.go_back(settings, given.revision)
    return administration.rebuild(settings)


def _password() -> str:
    """Read the password: typed unseen at a terminal, else the first line of standard input. Never an argument."""
    if sys.stdin.isatty():
        return getpass.getpass("Password: ")
    return sys.stdin.readline().rstrip("\r\n")


def _user_name(text: str) -> str:
    if not re.fullmatch(USER_NAME_PATTERN, text):
        raise argparse.ArgumentTypeError("letters, digits, dot, dash and underscore, at most 63, no blank")
    return text


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="backfuture_gateway", description="BackFuture's gateway; serves by default.")
    tasks = parser.add_subparsers(dest="task")
    create = tasks.add_parser("create-user", help="make a user; the password is read from standard input")
    create.add_argument("--name", required=True, type=_user_name)
    create.add_argument("--role", choices=("admin", "user"), default="user")
    change = tasks.add_parser("set-password", help="set a password, read from standard input, and end all sessions")
    change.add_argument("--name", required=True, type=_user_name)
    tasks.add_parser("rebuild", help="empty the read model; it is filled again from the topics")
    move = tasks.add_parser("move-to", help="copy everything to another, empty database; stop the gateway first")
    move.add_argument("--database-url", required=True, help="without a password")
    move.add_argument("--database-password-file", default=None)
    back = tasks.add_parser("downgrade", help="give the database an older version's shape; stop the gateway first")
    back.add_argument("--revision", required=True, help="as in the older version's release notes")
    return parser


if __name__ == "__main__":
    main()
