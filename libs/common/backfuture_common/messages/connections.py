"""Tests and states of exchange connections, and the balances behind them."""

from decimal import Decimal
from typing import Literal

from backfuture_common.domain.ids import ConnectionId, ExchangeId, UserId
from backfuture_common.messages.codec import Message, Part

ConnectionStatus = Literal["testing", "online", "attention", "refused", "removed"]
"""``online``: proven trade-only and usable. ``attention``: not usable now, the code says why and the user can mend it.
``refused``: the key may never be used here (it can withdraw); its secret is destroyed. ``removed``: by the user."""

TestCode = Literal[
    "OK",
    "OK_WARN_NO_IP_LIST",
    "OK_WARN_EXPIRES_SOON",
    "KEY_UNKNOWN",
    "SECRET_WRONG",
    "PASSPHRASE_WRONG",
    "CLOCK_SKEW",
    "IP_NOT_ALLOWED",
    "TRADE_RIGHT_MISSING",
    "READ_RIGHT_MISSING",
    "WITHDRAW_ENABLED",
    "TRANSFER_ENABLED",
    "KEY_EXPIRED",
    "ACCOUNT_RESTRICTED",
    "PERMISSIONS_UNVERIFIABLE",
    "PAIR_NOT_API_TRADABLE",
    "ORDER_TYPE_DISABLED",
    "RATE_LIMITED",
    "VENUE_DOWN",
    "NETWORK",
    "AMBIGUOUS_AUTH",
    "KEY_STORE_UNAVAILABLE",
    "INTERNAL",
]
"""What a connection test ends in: exactly one of these. Stable; clients may switch on them."""

TestStepName = Literal["reachable", "key", "rights", "no_withdrawal", "trade_right", "ip_list", "balance", "orders"]
"""The steps in the order in which they run."""

StepStatus = Literal["pending", "running", "passed", "warned", "failed", "skipped"]


class TestStep(Part):
    """One line of a connection test. ``took_ms`` is None until the step has ended."""

    __test__ = False  # not a pytest class

    name: TestStepName
    status: StepStatus
    detail: str = ""
    took_ms: int | None = None


class TestConnection(Message, tag="connection.test.v1"):
    """Asks the exchange's connector to prove the key. The answer is a series of :class:`ConnectionState`."""

    __test__ = False

    connection_id: ConnectionId
    owner: UserId
    exchange: ExchangeId
    test_id: str
    credential_version: int
    requested_ms: int


class RemoveConnection(Message, tag="connection.remove.v1"):
    """The user revoked the connection: drop the lease and every stream, place nothing more on it."""

    connection_id: ConnectionId
    owner: UserId
    exchange: ExchangeId
    requested_ms: int


ConnectionCommand = TestConnection | RemoveConnection


class ConnectionState(Message, tag="connection.state.v1"):
    """The whole truth about one connection, published anew at each step of a test and at each change.

    ``rights`` are the exchange's own words. ``code`` is None while a test runs. ``trade_allowed`` is the one
    field that permits new orders: true only when ``status`` is ``online``.
    """

    connection_id: ConnectionId
    owner: UserId
    exchange: ExchangeId
    status: ConnectionStatus
    trade_allowed: bool
    code: TestCode | None
    message: str
    hint: str
    steps: tuple[TestStep, ...]
    rights: tuple[str, ...]
    ip_restricted: bool | None
    key_expires_ms: int | None
    test_id: str
    credential_version: int
    updated_ms: int


class Balance(Part):
    """Amounts of one currency: ``free`` can be used, ``held`` is bound in open orders."""

    currency: str
    free: Decimal
    held: Decimal


class AccountBalances(Message, tag="account.balances.v1"):
    """All non-zero balances of the account behind a connection, as the exchange told them at ``at_ms``."""

    connection_id: ConnectionId
    owner: UserId
    exchange: ExchangeId
    balances: tuple[Balance, ...]
    at_ms: int
