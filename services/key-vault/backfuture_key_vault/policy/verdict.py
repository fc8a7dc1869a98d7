"""The answer of a policy, and what it may know besides the bytes."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

Reason = Literal["endpoint", "parameter", "value", "form", "clock", "algorithm"]
"""Why not: unknown endpoint or set of parameters, unknown parameter, bad value, unreadable bytes, wrong time, a kind of
signature that this exchange does not take."""

CLOCK_TOLERANCE_MS = 5 * 60 * 1000
"""How far a request's time may be from ours. Wide enough for a clock that the connector corrects by the exchange's;
narrow enough that nobody collects signatures today for use after the lease has ended."""


@dataclass(frozen=True, slots=True)
class Context:
    """The lease's API key, the time, and how it is to be signed. ``body``: what the connector says was hashed."""

    api_key: str
    now_ms: int
    algorithm: str = "sha256"
    body: bytes = b""

    def is_now(self, timestamp_ms: int) -> bool:
        return abs(timestamp_ms - self.now_ms) <= CLOCK_TOLERANCE_MS


@dataclass(frozen=True, slots=True)
class Order:
    """What the signed bytes say of a new order. Whatever they do not bind is None (``symbol``: empty).

    ``amount`` in the base currency, ``notional`` in the quote currency. A sell's notional is that of its limit price,
    the least it can bring.
    """

    symbol: str = ""
    sells: bool = False
    amount: Decimal | None = None
    price: Decimal | None = None
    notional: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Allowed:
    """``places_order``: whether the request can open new risk; everything else reads, cancels or opens streams.

    ``orders`` are read from the signed bytes; a request that places orders has at least one.
    """

    places_order: bool
    orders: tuple[Order, ...] = ()


@dataclass(frozen=True, slots=True)
class Denied:
    """``what`` is for the operator's log: a method and path, or a parameter's name; never a value."""

    reason: Reason
    what: str


Verdict = Allowed | Denied

_SHOWN = 80


def shown(text: str) -> str:
    """Return foreign text fit for a log line."""
    return "".join(c if c.isascii() and c.isprintable() else "?" for c in text[:_SHOWN])
