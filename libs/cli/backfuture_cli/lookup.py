"""Things by the name or the id that a person typed."""

from collections.abc import Sequence
from typing import Protocol, TypeVar

from backfuture_cli.api.client import Gateway
from backfuture_cli.api.views import Bot, Connection
from backfuture_cli.exits import CliError, Exit


class _Named(Protocol):
    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...


N = TypeVar("N", bound=_Named)


def connection(gateway: Gateway, wanted: str) -> Connection:
    """Return the user's connection of that name or id."""
    return _one(gateway.items("/connections", Connection), wanted, "connection", "backfuture connections list")


def bot(gateway: Gateway, wanted: str) -> Bot:
    """Return the user's bot of that name or id."""
    return _one(gateway.items("/bots", Bot), wanted, "bot", "backfuture bots list")


def _one(found: Sequence[N], wanted: str, what: str, listing: str) -> N:
    for item in found:
        if wanted in {item.id, item.name}:
            return item
    folded = [item for item in found if item.name.casefold() == wanted.casefold()]
    if len(folded) == 1:
        return folded[0]
    known = ", ".join(item.name for item in found)
    raise CliError(
        f"you have no {what} named {wanted}",
        f"you have: {known}" if known else f"you have none yet; see `{listing}`",
        exit_code=Exit.NOT_FOUND,
    )
