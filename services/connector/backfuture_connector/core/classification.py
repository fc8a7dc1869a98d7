"""Which kind of failure a raw answer is.

Precedence: the venue's own code and text, then the class ccxt gave it, then the HTTP status. A combination that
nobody knows stays ``unrecognised``; it is never guessed.
"""

from backfuture_connector.core.facts import Venue
from backfuture_connector.core.failure_tables import by_code, seen_address
from backfuture_connector.core.failures import Answer, Failure, FailureKind


def classify(venue: Venue, answer: Answer) -> Failure:
    """Return what the failed call means."""
    kind = by_code(venue, answer)
    if kind is not None:
        address = seen_address(answer.text or "") if kind == "ip_not_allowed" else None
        return Failure(kind=kind, answer=answer, by_code=True, seen_address=address)
    return Failure(kind=_by_class(answer), answer=answer, by_code=False)


_BY_CLASS: tuple[tuple[str, FailureKind], ...] = (
    # most specific first: AccountSuspended and PermissionDenied are AuthenticationErrors
    ("AccountSuspended", "account_restricted"),
    ("AccountNotEnabled", "account_restricted"),
    ("RestrictedLocation", "account_restricted"),
    ("PermissionDenied", "no_permission"),
    ("AuthenticationError", "auth_unclear"),
    ("InsufficientFunds", "insufficient_funds"),
    ("DuplicateOrderId", "duplicate_order"),
    ("OrderNotFound", "order_not_found"),
    ("BadSymbol", "pair_not_tradable"),
    ("InvalidOrder", "bad_request"),
    ("BadRequest", "bad_request"),
    ("ArgumentsRequired", "bad_request"),
    ("InvalidNonce", "clock_skew"),
    ("RateLimitExceeded", "rate_limited"),
    ("DDoSProtection", "rate_limited"),
)


def _by_class(answer: Answer) -> FailureKind:
    for name, kind in _BY_CLASS:
        if answer.is_a(name):
            return kind
    if answer.http_status is not None and answer.http_status >= 400 and answer.code is None:
        return "venue_down"  # a page of a proxy or of the venue's front: also how a blocked region looks
    if answer.is_a("ExchangeNotAvailable", "RequestTimeout", "NetworkError", "TimeoutError"):
        return "venue_down" if answer.code is not None else "network"
    return "unrecognised"
