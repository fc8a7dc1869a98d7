"""What went wrong at an exchange, in the platform's words.

The types only; :mod:`classification` decides.
"""

from dataclasses import dataclass, field
from typing import Literal

FailureKind = Literal[
    "key_unknown",
    "secret_wrong",
    "passphrase_wrong",
    "key_expired",
    "ip_not_allowed",
    "no_permission",
    "account_restricted",
    "pair_not_tradable",
    "order_type_disabled",
    "clock_skew",
    "rate_limited",
    "venue_down",
    "network",
    "insufficient_funds",
    "below_minimum",
    "order_not_found",
    "duplicate_order",
    "bad_request",
    "auth_unclear",
    "signer_unavailable",
    "signer_refused",
    "lease_gone",
    "unrecognised",
]

TRANSIENT: frozenset[FailureKind] = frozenset(
    {"network", "venue_down", "rate_limited", "signer_unavailable", "lease_gone"}
)
"""Kinds that say nothing about the key or the order: asking again later can help."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The raw end of one failed call. ``code`` and ``text`` are None when the venue sent no JSON.

    ``sent`` is False only when it is certain that no byte of the request reached the venue.
    ``error_class`` is the name of ccxt's exception class, ``ancestors`` those above it.
    """

    sent: bool
    http_status: int | None
    code: str | None
    text: str | None
    error_class: str
    ancestors: frozenset[str] = field(default_factory=frozenset)

    def is_a(self, *classes: str) -> bool:
        """Say whether ccxt's exception is one of ``classes`` or derived from one."""
        return self.error_class in classes or not self.ancestors.isdisjoint(classes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A classified failure. ``by_code`` when the venue's own code decided; ``seen_address`` for IP refusals."""

    kind: FailureKind
    answer: Answer
    by_code: bool
    seen_address: str | None = None

    @property
    def raw(self) -> str:
        """Return the venue's own code for messages and logs, or the error class: never a secret."""
        if self.answer.code is not None:
            return self.answer.code
        status = f" HTTP {self.answer.http_status}" if self.answer.http_status else ""
        return f"{self.answer.error_class}{status}"


class VenueError(Exception):
    """An exchange (or the signer in front of it) did not do what was asked. The text holds no raw answer."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(f"{failure.kind} ({failure.raw})")
        self.failure = failure


def local_failure(kind: FailureKind, reason: str) -> Failure:
    """Return a failure that arose before anything was sent."""
    answer = Answer(sent=False, http_status=None, code=None, text=None, error_class=reason)
    return Failure(kind=kind, answer=answer, by_code=False)
