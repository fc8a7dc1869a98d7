"""What one call to the exchange carries through ccxt and brings back: urgency, deadline, what was sent, what came."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from backfuture_connector.core.budget import Priority


@dataclass(slots=True)
class Call:
    """One call. ``send_before_s`` (monotonic): past it nothing is sent any more. Filled in by the hooks on the way."""

    priority: Priority
    send_before_s: float
    sent: bool = False
    http_status: int | None = None
    body: str | None = None

    def sending(self) -> bool:
        """Note that the request leaves now; False when it is too late for that."""
        if time.monotonic() > self.send_before_s:
            return False
        self.sent = True
        self.http_status = self.body = None
        return True

    def answered(self, status: int, body: str) -> None:
        self.http_status = status
        self.body = body


DEFAULT_DEADLINE_S = 10.0

_current: ContextVar[Call | None] = ContextVar("call", default=None)


def current() -> Call:
    """Return the running call; ccxt's own tasks (a stream's key renewal) get one of low urgency."""
    return _current.get() or Call(Priority.QUERY, time.monotonic() + DEFAULT_DEADLINE_S)


@contextmanager
def call(priority: Priority, within_s: float) -> Iterator[Call]:
    """Make a call the running one inside the block; everything awaited inside sees it."""
    running = Call(priority, time.monotonic() + within_s)
    token = _current.set(running)
    try:
        yield running
    finally:
        _current.reset(token)
