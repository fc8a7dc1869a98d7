"""KuCoin: the signed bytes are time, method, path with query, and body, without anything between.

Only the high-frequency spot API is known here; its paths say what a request does. Futures, margin, sub-accounts,
funding and key management are not in the table. The border between path and body is not signed, so it is drawn where
only one reading is possible: a path has no brace, a body is a JSON object.
"""

import re

from backfuture_key_vault.policy.endpoints import Request, endpoint, is_now, judge_request
from backfuture_key_vault.policy.orders import OrderFields
from backfuture_key_vault.policy.verdict import Context, Denied, Verdict

_MESSAGE = re.compile(r"([0-9]{13})(GET|POST|DELETE)(/[A-Za-z0-9/_-]*)(?:\?([^?{]+))?(\{.*)?", re.DOTALL)

_WINDOW = (
    "symbol", "startAt", "endAt", "limit", "pageSize", "lastId", "side", "type", "tradeType", "status", "orderId",
)  # fmt: skip
_ORDER = (
    "clientOid", "side", "symbol", "type", "size", "funds", "price", "timeInForce", "postOnly", "cancelAfter", "stp",
)  # fmt: skip
_FIELDS = OrderFields(
    symbol="symbol", side="side", kind="type", kind_default="limit", limits=frozenset({"limit"}),
    amount="size", price="price", cost="funds",
)  # fmt: skip

ENDPOINTS = (
    # what the key may do, and of which kind the account is
    endpoint("GET", "/api/v1/user/api-key"),
    endpoint("GET", "/api/ua/v1/account/mode"),
    endpoint("GET", "/api/v1/hf/accounts/opened"),
    # markets, as far as they are asked for with a key
    endpoint("GET", "/api/v3/margin/symbols"),
    endpoint("GET", "/api/v1/isolated/symbols"),
    endpoint("GET", "/api/v3/market/orderbook/level2", ["symbol"]),
    endpoint("GET", "/api/v1/trade-fees", ["symbols"]),
    # balances
    endpoint("GET", "/api/v1/accounts", ["currency", "type"]),
    # orders and fills
    endpoint("GET", "/api/v1/hf/orders/active", _WINDOW),
    endpoint("GET", "/api/v1/hf/orders/active/symbols", _WINDOW),
    endpoint("GET", "/api/v1/hf/orders/done", _WINDOW),
    endpoint("GET", "/api/v1/hf/orders/{id}", ["symbol"]),
    endpoint("GET", "/api/v1/hf/orders/client-order/{id}", ["symbol"]),
    endpoint("GET", "/api/v1/hf/fills", _WINDOW),
    endpoint("POST", "/api/v1/hf/orders", body=_ORDER, order=_FIELDS),
    endpoint("POST", "/api/v1/hf/orders/sync", body=_ORDER, order=_FIELDS),
    endpoint("POST", "/api/v1/hf/orders/test", body=_ORDER),
    endpoint("DELETE", "/api/v1/hf/orders", ["symbol", "tradeType"]),
    endpoint("DELETE", "/api/v1/hf/orders/cancelAll"),
    endpoint("DELETE", "/api/v1/hf/orders/{id}", ["symbol"]),
    endpoint("DELETE", "/api/v1/hf/orders/sync/{id}", ["symbol"]),
    endpoint("DELETE", "/api/v1/hf/orders/client-order/{id}", ["symbol"]),
    endpoint("DELETE", "/api/v1/hf/orders/sync/client-order/{id}", ["symbol"]),
    # private streams
    endpoint("POST", "/api/v1/bullet-private"),
)


def judge(message: bytes, context: Context) -> Verdict:
    """Allow exactly the requests of ``ENDPOINTS``, made now."""
    parts = _MESSAGE.fullmatch(message.decode("ascii", "replace"))
    if parts is None:
        return Denied("form", "not time, method, path and body")
    time_ms, method, path, query, body = parts.groups()
    return is_now(int(time_ms), context) or judge_request(ENDPOINTS, Request(method, path, query or "", body or ""))
