"""What a failed order request means for the order itself.

Only a refusal that the venue itself wrote, for a reason that precedes acceptance, says "not placed". Everything
else - time-outs, cut connections, 5xx, codes nobody knows - leaves the order unknown: to be found out by asking.
"""

from typing import Literal

from backfuture_connector.core.failures import Failure, FailureKind

Outcome = Literal["not_sent", "refused", "unknown"]

_CERTAIN_BY_CODE: frozenset[FailureKind] = frozenset(
    {
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
        "insufficient_funds",
        "below_minimum",
    }
)

_CERTAIN_CLASSES = (
    "InsufficientFunds",
    "InvalidOrder",
    "BadRequest",
    "AuthenticationError",
    "RateLimitExceeded",
    "ArgumentsRequired",
)
"""BadSymbol is a BadRequest, PermissionDenied an AuthenticationError."""

_NEVER_CERTAIN_CLASSES = ("DuplicateOrderId", "OrderNotFound")
"""A duplicate means the first one stands; "not found" for a new order is no answer to the question."""


def placing_outcome(failure: Failure) -> Outcome:
    """Return what is known of an order whose ``create`` call ended in ``failure``."""
    if not failure.answer.sent:
        return "not_sent"
    return "refused" if _certainly_refused(failure) else "unknown"


def _certainly_refused(failure: Failure) -> bool:
    answer = failure.answer
    if failure.kind in {"duplicate_order", "order_not_found"}:
        return False
    if answer.http_status == 429:
        return True  # counted before it is looked at, whatever page comes with it
    if answer.http_status is None or answer.http_status >= 500 or answer.code is None:
        return False
    if failure.by_code:
        return failure.kind in _CERTAIN_BY_CODE
    return answer.is_a(*_CERTAIN_CLASSES) and not answer.is_a(*_NEVER_CERTAIN_CLASSES)
