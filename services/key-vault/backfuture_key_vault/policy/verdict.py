"""The answer of a policy, and what it may know besides the bytes."""

from dataclasses import dataclass
from typing import Literal

Reason = Literal["endpoint", "parameter", "value", "form", "clock"]
"""Why not: unknown endpoint or set of parameters, unknown parameter, bad value, unreadable bytes, wrong time."""

CLOCK_TOLERANCE_MS = 5 * 60 * 1000
"""How far a request's time may be from ours. Wide enough for a clock that the connector corrects by the exchange's;
narrow enough that nobody collects signatures today for use after the lease has ended."""


@dataclass(frozen=True, slots=True)
class Context:
    """The lease's API key and the time."""

    api_key: str
    now_ms: int

    def is_now(self, timestamp_ms: int) -> bool:
        return abs(timestamp_ms - self.now_ms) <= CLOCK_TOLERANCE_MS


@dataclass(frozen=True, slots=True)
class Allowed:
    """``places_order``: whether the request can open new risk; everything else reads, cancels or opens streams."""

    places_order: bool


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
