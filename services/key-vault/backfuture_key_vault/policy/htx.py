"""HTX: the signed bytes are method, host, path and sorted query, one per line. A body is not signed.

So what an order says cannot be held against anything: it counts as unreadable, and a connection with limits places none
here. Which request it is stands in the path; withdrawals, transfers, sub-users and keys are not in the table.
"""

import re
from datetime import UTC, datetime

from backfuture_key_vault.policy.endpoints import Request, endpoint, is_now, judge_request
from backfuture_key_vault.policy.orders import OrderFields
from backfuture_key_vault.policy.reading import read_query
from backfuture_key_vault.policy.verdict import Allowed, Context, Denied, Verdict

_MESSAGE = re.compile(r"(GET|POST)\n([a-z0-9.:-]{1,64})\n(/[A-Za-z0-9/_.-]*)\n([A-Za-z0-9&=_.,%-]+)")
_OLD = ("AccessKeyId", "SignatureMethod", "SignatureVersion", "Timestamp")
_STREAM = ("accessKey", "signatureMethod", "signatureVersion", "timestamp")
_STREAMS = frozenset({"/ws/v2", "/linear-swap-notification"})
_WHICH = (
    "symbol", "account-id", "states", "types", "size", "from", "direct", "start-time", "end-time", "side",
    "clientOrderId",
)  # fmt: skip
_SWAP = (
    "contract_code", "margin_mode", "order_id", "client_order_id", "states", "limit", "start_time", "end_time", "from",
    "direct", "type", "side", "price_match",
)  # fmt: skip
_UNSIGNED = OrderFields(symbol="", side="", kind="", limits=frozenset(), amount="", price="")

ENDPOINTS = (
    # rights of the key, accounts, balances, positions
    endpoint("GET", "/v2/user/uid"),
    endpoint("GET", "/v2/user/api-key", ["uid", "accessKey"]),
    endpoint("GET", "/v1/account/accounts"),
    endpoint("GET", "/v1/account/accounts/{id}/balance"),
    endpoint("GET", "/v2/reference/transact-fee-rate", ["symbols"]),
    endpoint("GET", "/v5/account/balance", ["currency"]),
    endpoint("GET", "/v5/trade/position/opens", _SWAP),
    # orders and fills
    endpoint("GET", "/v1/order/openOrders", _WHICH),
    endpoint("GET", "/v1/order/orders", _WHICH),
    endpoint("GET", "/v1/order/history", _WHICH),
    endpoint("GET", "/v1/order/matchresults", _WHICH),
    endpoint("GET", "/v1/order/orders/getClientOrder", ["clientOrderId"]),
    endpoint("GET", "/v1/order/orders/{id}"),
    endpoint("GET", "/v1/order/orders/{id}/matchresults"),
    endpoint("POST", "/v1/order/orders/place", order=_UNSIGNED),
    endpoint("POST", "/v1/order/orders/submitCancelClientOrder"),
    endpoint("POST", "/v1/order/orders/batchCancelOpenOrders"),
    endpoint("POST", "/v1/order/orders/{id}/submitcancel"),
    # linear swaps
    endpoint("GET", "/v5/trade/order", _SWAP),
    endpoint("GET", "/v5/trade/order/opens", _SWAP),
    endpoint("GET", "/v5/trade/order/history", _SWAP),
    endpoint("GET", "/v5/trade/order/details", _SWAP),
    endpoint("POST", "/v5/trade/order", order=_UNSIGNED),
    endpoint("POST", "/v5/trade/cancel_order"),
    endpoint("POST", "/v5/position/lever"),
    endpoint("POST", "/v5/position/mode"),
)


def judge(message: bytes, context: Context) -> Verdict:
    """Allow exactly the requests of ``ENDPOINTS``, made now, and the login of the private streams."""
    parts = _MESSAGE.fullmatch(message.decode("ascii", "replace"))
    if parts is None:
        return Denied("form", "not method, host, path and query")
    method, _host, path, text = parts.groups()
    query = read_query(text)
    if isinstance(query, Denied):
        return query
    names = _STREAM if "accessKey" in query and path in _STREAMS else _OLD
    key, algorithm, version, time = (query.pop(name, "") for name in names)
    fault = _fault(key, algorithm, version, time, context)
    if fault is not None:
        return fault
    if path in _STREAMS:
        return Allowed(False) if method == "GET" and not query else Denied("parameter", "stream")
    if query.get("accessKey", context.api_key) != context.api_key:
        return Denied("value", "accessKey")
    body = None if method == "POST" else ""
    return judge_request(ENDPOINTS, Request(method, path, "&".join(f"{n}={v}" for n, v in query.items()), body))


def _fault(key: str, algorithm: str, version: str, time: str, context: Context) -> Denied | None:
    if key != context.api_key:
        return Denied("value", "AccessKeyId")
    if algorithm != "HmacSHA256" or version not in {"2", "2.1"}:
        return Denied("value", "SignatureMethod")
    try:
        time_ms = round(datetime.fromisoformat(time).replace(tzinfo=UTC).timestamp() * 1_000)
    except ValueError:
        return Denied("form", "Timestamp")
    return is_now(time_ms, context)
