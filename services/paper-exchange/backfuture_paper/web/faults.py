"""Faults that tests order, and a log of the requests that came. Without orders nothing happens here."""

import re
from collections import deque
from typing import Literal

import msgspec

from backfuture_paper.core.instruments import Venue

_REQUESTS_KEPT = 50_000


class Fault(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What to do with the next ``times`` matching requests (None: all of them).

    ``before``: instead of handling the request; ``after``: it is handled, but its answer is replaced, delayed or lost.
    ``path`` is a regular expression that the path (after the venue's prefix) must match from its beginning.
    """

    action: Literal["cut", "delay", "answer"]
    when: Literal["before", "after"] = "before"
    venue: Venue | None = None
    method: str | None = None
    path: str = ".*"
    times: int | None = 1
    delay_ms: int = 0
    status: int = 503
    body: str = ""
    content_type: str = "application/json"
    headers: dict[str, str] = {}

    def __post_init__(self) -> None:
        re.compile(self.path)

    def matches(self, when: str, venue: Venue, method: str, path: str) -> bool:
        return (
            self.when == when
            and self.venue in {None, venue}
            and self.method in {None, method}
            and re.match(self.path, path) is not None
        )


class RequestRecord(msgspec.Struct, kw_only=True):
    """One request that reached the server. ``status`` 0: the connection was cut instead of an answer."""

    at_ms: int
    venue: Venue
    method: str
    path: str
    api_key: str
    client_order_ids: list[str]
    status: int = 0


class Faults:
    """The faults ordered and not yet used up, and the request log (kept only when ``recording``)."""

    def __init__(self, *, recording: bool) -> None:
        self.requests: deque[RequestRecord] = deque(maxlen=_REQUESTS_KEPT if recording else 0)
        self._orders: list[Fault] = []

    def order(self, fault: Fault) -> None:
        self._orders.append(fault)

    def clear(self) -> None:
        self._orders.clear()

    def pending(self) -> list[Fault]:
        return list(self._orders)

    def take(self, when: Literal["before", "after"], venue: Venue, method: str, path: str) -> Fault | None:
        """Return the first ordered fault that matches, and count it as used once."""
        for fault in self._orders:
            if fault.matches(when, venue, method, path):
                if fault.times is not None:
                    fault.times -= 1
                    if fault.times <= 0:
                        self._orders.remove(fault)
                return fault
        return None
