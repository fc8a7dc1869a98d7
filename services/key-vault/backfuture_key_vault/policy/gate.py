"""Gate.io: the signed bytes are method, path, query, the SHA-512 of the body, and time in seconds, one per line.

The body itself is not among them: the connector shows it beside the message, and it counts when its hash is the signed
one. Withdrawals, wallet, sub-accounts, loans and keys are not in the table.
"""

import hashlib
import hmac
import re

from backfuture_key_vault.policy.endpoints import Request, endpoint, is_now, judge_request
from backfuture_key_vault.policy.orders import OrderFields
from backfuture_key_vault.policy.verdict import Allowed, Context, Denied, Verdict

_MESSAGE = re.compile(r"(GET|POST|DELETE)\n(/[A-Za-z0-9/._-]*)\n([A-Za-z0-9&=_.,:%-]*)\n([0-9a-f]{128})\n([0-9]{10})")
_STREAM = re.compile(
    r"channel=(?:spot|futures)\.(?:orders|orders_v2|usertrades|usertrades_v2|balances|positions)"
    r"&event=(?:subscribe|unsubscribe)&time=([0-9]{10})"
)
_NOTHING = hashlib.sha512(b"").hexdigest()
_WHICH = (
    "currency_pair", "contract", "status", "account", "side", "page", "limit", "offset", "from", "to", "order_id",
    "last_id", "order",
)  # fmt: skip
_SPOT = (
    "currency_pair", "type", "account", "side", "amount", "price", "time_in_force", "text", "stp_act", "action_mode",
)  # fmt: skip
_FUTURES = ("contract", "size", "price", "tif", "text", "reduce_only", "close", "stp_act")
_SPOT_FIELDS = OrderFields(
    symbol="currency_pair", side="side", kind="type", kind_default="limit", limits=frozenset({"limit"}),
    amount="amount", price="price", amount_is_cost=({"type": "market", "side": "buy"},),
)  # fmt: skip
_FUTURES_FIELDS = OrderFields(
    symbol="contract", side="", kind="", limits=frozenset(), amount="size", price="price", contracts=".*"
)
_ONE = ["account", "currency_pair", "contract"]
_USDT = "/api/v4/futures/usdt"

ENDPOINTS = (
    # rights of the key and mode of the account, balances, positions
    endpoint("GET", "/api/v4/account/detail"),
    endpoint("GET", "/api/v4/account/main_keys"),
    endpoint("GET", "/api/v4/spot/accounts", ["currency"]),
    endpoint("GET", "/api/v4/unified/accounts", ["currency"]),
    endpoint("GET", "/api/v4/unified/unified_mode"),
    endpoint("GET", f"{_USDT}/accounts"),
    endpoint("GET", f"{_USDT}/positions", ["holding"]),
    endpoint("GET", f"{_USDT}/positions/{{id}}"),
    # orders and fills
    endpoint("GET", "/api/v4/spot/orders", _WHICH),
    endpoint("GET", "/api/v4/spot/open_orders", _WHICH),
    endpoint("GET", "/api/v4/spot/my_trades", _WHICH),
    endpoint("GET", "/api/v4/spot/orders/{id}", _ONE),
    endpoint("GET", f"{_USDT}/orders", _WHICH),
    endpoint("GET", f"{_USDT}/orders_timerange", _WHICH),
    endpoint("GET", f"{_USDT}/my_trades", _WHICH),
    endpoint("GET", f"{_USDT}/my_trades_timerange", _WHICH),
    endpoint("GET", f"{_USDT}/orders/{{id}}", _ONE),
    endpoint("POST", "/api/v4/spot/orders", body=_SPOT, order=_SPOT_FIELDS),
    endpoint("POST", f"{_USDT}/orders", body=_FUTURES, order=_FUTURES_FIELDS),
    endpoint("DELETE", "/api/v4/spot/orders", [*_ONE, "side"]),
    endpoint("DELETE", "/api/v4/spot/orders/{id}", _ONE),
    endpoint("DELETE", f"{_USDT}/orders", [*_ONE, "side"]),
    endpoint("DELETE", f"{_USDT}/orders/{{id}}", _ONE),
    # futures: leverage, position mode
    endpoint("POST", f"{_USDT}/positions/{{id}}/leverage", ["leverage", "cross_leverage_limit"]),
    endpoint("POST", f"{_USDT}/dual_mode", ["dual_mode"]),
)


def judge(message: bytes, context: Context) -> Verdict:
    """Allow exactly the requests of ``ENDPOINTS``, made now, and subscriptions to the private streams."""
    text = message.decode("ascii", "replace")
    stream = _STREAM.fullmatch(text)
    if stream is not None:
        return is_now(int(stream[1]) * 1_000, context) or Allowed(False)
    parts = _MESSAGE.fullmatch(text)
    if parts is None:
        return Denied("form", "not method, path, query, hash and time")
    method, path, query, digest, time_s = parts.groups()
    late = is_now(int(time_s) * 1_000, context)
    if late is not None:
        return late
    body = b"" if digest == _NOTHING else context.body
    if not hmac.compare_digest(hashlib.sha512(body).hexdigest(), digest):
        return Denied("form", "the hashed body was not shown")
    return judge_request(ENDPOINTS, Request(method, path, query, body.decode("ascii", "replace")))
