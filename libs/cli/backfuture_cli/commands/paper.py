"""Keys at the paper exchange: play money under real conditions."""

from enum import StrEnum
from typing import Annotated

import httpx
import msgspec
import typer

from backfuture_cli.context import paper_url
from backfuture_cli.credential import Credential
from backfuture_cli.exits import CliError, Exit
from backfuture_cli.output import AsJson, print_json, print_line

_TIMEOUT_S = 10.0


class Venue(StrEnum):
    """The exchanges that the paper exchange plays."""

    KUCOIN = "kucoin"
    MEXC = "mexc"


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    group = typer.Typer(no_args_is_help=True, help="Keys at the paper exchange: play money under real conditions.")
    group.callback()(_group)
    group.command("create-key")(create_key)
    app.add_typer(group, name="paper", rich_help_panel="Trading")


def _group() -> None:
    """Keys at the paper exchange: play money under real conditions."""


def create_key(
    venue: Annotated[Venue, typer.Argument(help="Which exchange's kind of key.")],
    *,
    rights: Annotated[str, typer.Option(help="Rights of the key, e.g. read,trade; with withdraw it is refused.")] = "",
    as_json: AsJson = False,
) -> None:
    """Make a key at the paper exchange, with play money behind it. Pipe it on:

    backfuture paper create-key kucoin --json | backfuture connections add paper-kucoin --credential-stdin
    """
    credential = new_paper_key(paper_url(), venue.value, tuple(part.strip() for part in rights.split(",") if part))
    if as_json:
        print_json(credential.body())
        return
    for title, value in credential.body().items():
        print_line(f"{title:<11} {value}")


def new_paper_key(url: str, venue: str, rights: tuple[str, ...] = ()) -> Credential:
    """Ask the paper exchange for a fresh key."""
    body: dict[str, object] = {"venue": venue, **({"rights": list(rights)} if rights else {})}
    try:
        answer = httpx.post(f"{url}/paper/keys", json=body, timeout=_TIMEOUT_S, trust_env=False)
    except httpx.HTTPError:
        raise CliError(
            f"the paper exchange does not answer at {url}", "start the platform with `backfuture up`",
            exit_code=Exit.NOT_RUNNING,
        ) from None  # fmt: skip
    if answer.status_code >= 400:
        raise CliError(
            f"the paper exchange refused to make a key (HTTP {answer.status_code})",
            "rights are, for example: read,trade",
            exit_code=Exit.BAD_INPUT if answer.status_code < 500 else Exit.ERROR,
        )
    try:
        made = msgspec.json.decode(answer.content, type=_Key)
    except (msgspec.DecodeError, msgspec.ValidationError):
        raise CliError(f"what answers at {url} is not our paper exchange") from None
    return Credential(made.api_key, made.secret, made.passphrase or None)


class _Key(msgspec.Struct):
    api_key: str
    secret: str
    passphrase: str | None = None
