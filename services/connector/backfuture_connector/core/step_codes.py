"""How a failed step of a connection test is reported."""

from backfuture_common.messages.connections import TestCode, TestStepName

from backfuture_connector.core.failures import FailureKind

_CODES: dict[FailureKind, TestCode] = {
    "key_unknown": "KEY_UNKNOWN",
    "secret_wrong": "SECRET_WRONG",
    "passphrase_wrong": "PASSPHRASE_WRONG",
    "key_expired": "KEY_EXPIRED",
    "ip_not_allowed": "IP_NOT_ALLOWED",
    "account_restricted": "ACCOUNT_RESTRICTED",
    "pair_not_tradable": "PAIR_NOT_API_TRADABLE",
    "order_type_disabled": "ORDER_TYPE_DISABLED",
    "clock_skew": "CLOCK_SKEW",
    "rate_limited": "RATE_LIMITED",
    "venue_down": "VENUE_DOWN",
    "network": "NETWORK",
    "auth_unclear": "AMBIGUOUS_AUTH",
    "signer_unavailable": "KEY_STORE_UNAVAILABLE",
    "lease_gone": "KEY_STORE_UNAVAILABLE",
    "signer_refused": "INTERNAL",
}

TRANSIENT_CODES: frozenset[TestCode] = frozenset(
    {"RATE_LIMITED", "VENUE_DOWN", "NETWORK", "KEY_STORE_UNAVAILABLE", "CLOCK_SKEW"}
)
"""Codes that say nothing about the key: the connector tests again by itself (and measures the clock anew)."""

_PROVES_TRADE_RIGHT: frozenset[FailureKind] = frozenset({"insufficient_funds", "below_minimum"})
"""A test order refused for its contents passed the check of the right to place it."""


def code_for(kind: FailureKind, step: TestStepName) -> TestCode:
    """Return the code a test ends in when ``step`` failed with ``kind``. What nobody knows is unverifiable."""
    if kind == "no_permission":
        return "TRADE_RIGHT_MISSING" if step == "trade_right" else "READ_RIGHT_MISSING"
    return _CODES.get(kind, "PERMISSIONS_UNVERIFIABLE")


def trial_order_code(kind: FailureKind) -> TestCode | None:
    """Return the code when a failed test order ends the test; None when the right is not in doubt."""
    if kind in _PROVES_TRADE_RIGHT:
        return None
    code = code_for(kind, "trade_right")
    return None if code in {"PERMISSIONS_UNVERIFIABLE", "INTERNAL"} else code
