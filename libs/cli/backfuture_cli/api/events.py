"""The gateway's event stream: read line by line, taken up again where it broke off."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from backfuture_cli.api.client import Gateway
from backfuture_cli.exits import CliError, Exit

_PAUSE_S = 2.0


@dataclass(frozen=True, slots=True)
class Event:
    """One event; ``id`` is empty for those that cannot be taken up again (prices)."""

    id: str
    kind: str
    data: str


def parse(lines: Iterable[str]) -> Iterator[Event]:
    """Yield the events in the lines of a server-sent stream; comments and what is half-said at the end are left out."""
    number, kind, data = "", "message", list[str]()
    for line in lines:
        if not line:
            if data:
                yield Event(number, kind, "\n".join(data))
            number, kind, data = "", "message", []
            continue
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "id":
            number = value
        elif name == "event":
            kind = value
        elif name == "data":
            data.append(value)


def follow(gateway: Gateway, last_id: str = "") -> Iterator[Event]:
    """Yield events for ever; when the stream ends it is opened again behind the last event. Only a gateway that is away
    at the very start, and a login that has expired, end it.
    """
    opened = False
    while True:
        try:
            with gateway.stream("/events", {"Last-Event-ID": last_id} if last_id else {}) as answer:
                opened = True
                for event in parse(answer.iter_lines()):
                    last_id = event.id or last_id
                    yield event
        except CliError as problem:
            if not opened or problem.exit_code not in {Exit.NOT_RUNNING, Exit.TIMEOUT, Exit.ERROR}:
                raise
            if problem.info.code in {"not_logged_in", "login_expired"}:
                raise
        time.sleep(_PAUSE_S)
