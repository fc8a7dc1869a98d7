"""Venues that sign method and path: a request is known by them, and its parameters are checked against the endpoint's.

The tables of the venues are data; a request that stands in none is refused.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from backfuture_key_vault.policy.orders import OrderFields
from backfuture_key_vault.policy.reading import Parameters, read_body, read_query, strangers
from backfuture_key_vault.policy.verdict import Allowed, Context, Denied, Order, Verdict, shown

ID = "[A-Za-z0-9_-]{1,64}"
_PATH = re.compile(r"/[A-Za-z0-9/._-]*")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One request the connector needs: where, with which query parameters and which fields in its body.

    ``order``: how to read the order that the body places. ``many``: the body may be a list of objects.
    """

    method: str
    path: re.Pattern[str]
    query: frozenset[str]
    body: frozenset[str]
    order: OrderFields | None
    many: bool

    @property
    def places_order(self) -> bool:
        return self.order is not None


@dataclass(frozen=True, slots=True)
class Request:
    """A request as the venue would read the signed bytes. ``body`` None: the venue does not sign it."""

    method: str
    path: str
    query: str
    body: str | None


def endpoint(
    method: str,
    path: str,
    query: Iterable[str] = (),
    body: Iterable[str] = (),
    *,
    order: OrderFields | None = None,
    many: bool = False,
) -> Endpoint:
    """Return a line of a venue's table. ``{id}`` in the path stands for one id."""
    pattern = re.compile(re.escape(path).replace(r"\{id\}", ID))
    return Endpoint(method, pattern, frozenset(query), frozenset(body), order, many)


def judge_request(table: Sequence[Endpoint], request: Request) -> Verdict:
    """Allow exactly the requests of the table."""
    known = find(table, request.method, request.path)
    if known is None:
        return Denied("endpoint", f"{shown(request.method)} {shown(request.path)}")
    query = read_query(request.query)
    fault = query if isinstance(query, Denied) else strangers(query, known.query)
    if fault is not None:
        return fault
    if request.body is None:
        return Allowed(known.places_order, (Order(),) if known.places_order else ())
    return _judge_body(known, request.body)


def find(table: Sequence[Endpoint], method: str, path: str) -> Endpoint | None:
    """Return the endpoint of this method and path. Dots lead nowhere: an id has none."""
    if not _PATH.fullmatch(path):
        return None
    return next((known for known in table if known.method == method and known.path.fullmatch(path)), None)


def is_now(time_ms: int, context: Context) -> Denied | None:
    return None if context.is_now(time_ms) else Denied("clock", "timestamp")


def _judge_body(known: Endpoint, body: str) -> Verdict:
    items = read_body(body, many=known.many)
    if isinstance(items, Denied):
        return items
    for item in items:
        fault = strangers(item, known.body)
        if fault is not None:
            return fault
    return Allowed(known.places_order, _orders(known, items))


def _orders(known: Endpoint, items: list[Parameters]) -> tuple[Order, ...]:
    """Return what the body orders. An order without a body is not the venue's; it counts as unreadable."""
    if known.order is None:
        return ()
    return tuple(known.order.read(item) for item in items) or (Order(),)
