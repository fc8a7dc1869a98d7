"""KuCoin: the signed bytes are time, method, path with query, and body, without anything between.

Only the high-frequency spot API is known here; its paths say what a request does. Futures, margin, sub-accounts,
funding and key management are not in the table. The border between path and body is not signed, so it is drawn where
only one reading is possible: a path has no brace, a body is a JSON object.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass

from backfuture_key_vault.policy.verdict import Allowed, Context, Denied, Verdict, shown

_MESSAGE = re.compile(r"([0-9]{13})(GET|POST|DELETE)(/[A-Za-z0-9/_-]*)(?:\?([^?{]*))?(\{.*)?", re.DOTALL)
_PARAMETER = re.compile(r"([A-Za-z]{1,32})=([A-Za-z0-9_.,:-]{1,200})")
_TEXT = re.compile(r"[A-Za-z0-9_.:-]{0,128}")
_MAX_BODY = 4_096

_WINDOW = (
    "symbol", "startAt", "endAt", "limit", "pageSize", "lastId", "side", "type", "tradeType", "status", "orderId",
)  # fmt: skip
_ORDER = (
    "clientOid", "side", "symbol", "type", "size", "funds", "price", "timeInForce", "postOnly", "cancelAfter", "stp",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One request the connector needs: where, with which query parameters and which fields in its body."""

    method: str
    path: re.Pattern[str]
    query: frozenset[str]
    body: frozenset[str]
    places_order: bool


def _endpoint(
    method: str, path: str, query: Iterable[str] = (), body: Iterable[str] = (), *, places_order: bool = False
) -> Endpoint:
    pattern = re.compile(path.replace("{id}", "[A-Za-z0-9_-]{1,64}"))
    return Endpoint(method, pattern, frozenset(query), frozenset(body), places_order)


ENDPOINTS = (
    # what the key may do, and of which kind the account is
    _endpoint("GET", "/api/v1/user/api-key"),
    _endpoint("GET", "/api/ua/v1/account/mode"),
    _endpoint("GET", "/api/v1/hf/accounts/opened"),
    # markets, as far as they are asked for with a key
    _endpoint("GET", "/api/v3/margin/symbols"),
    _endpoint("GET", "/api/v1/isolated/symbols"),
    _endpoint("GET", "/api/v3/market/orderbook/level2", ["symbol"]),
    _endpoint("GET", "/api/v1/trade-fees", ["symbols"]),
    # balances
    _endpoint("GET", "/api/v1/accounts", ["currency", "type"]),
    # orders and fills
    _endpoint("GET", "/api/v1/hf/orders/active", _WINDOW),
    _endpoint("GET", "/api/v1/hf/orders/active/symbols", _WINDOW),
    _endpoint("GET", "/api/v1/hf/orders/done", _WINDOW),
    _endpoint("GET", "/api/v1/hf/orders/{id}", ["symbol"]),
    _endpoint("GET", "/api/v1/hf/orders/client-order/{id}", ["symbol"]),
    _endpoint("GET", "/api/v1/hf/fills", _WINDOW),
    _endpoint("POST", "/api/v1/hf/orders", body=_ORDER, places_order=True),
    _endpoint("POST", "/api/v1/hf/orders/sync", body=_ORDER, places_order=True),
    _endpoint("POST", "/api/v1/hf/orders/test", body=_ORDER),
    _endpoint("DELETE", "/api/v1/hf/orders", ["symbol", "tradeType"]),
    _endpoint("DELETE", "/api/v1/hf/orders/cancelAll"),
    _endpoint("DELETE", "/api/v1/hf/orders/{id}", ["symbol"]),
    _endpoint("DELETE", "/api/v1/hf/orders/sync/{id}", ["symbol"]),
    _endpoint("DELETE", "/api/v1/hf/orders/client-order/{id}", ["symbol"]),
    _endpoint("DELETE", "/api/v1/hf/orders/sync/client-order/{id}", ["symbol"]),
    # private streams
    _endpoint("POST", "/api/v1/bullet-private"),
)


def judge(message: bytes, context: Context) -> Verdict:
    """Allow exactly the requests of ``ENDPOINTS``, made now."""
    parts = _MESSAGE.fullmatch(message.decode("ascii", "replace"))
    if parts is None:
        return Denied("form", "not time, method, path and body")
    time_ms, method, path, query, body = parts.groups()
    if not context.is_now(int(time_ms)):
        return Denied("clock", "timestamp")
    endpoint = _find(method, path)
    if endpoint is None:
        return Denied("endpoint", f"{method} {shown(path)}")
    fault = _query_fault(query, endpoint) or _body_fault(body, endpoint)
    return fault or Allowed(endpoint.places_order)


def _find(method: str, path: str) -> Endpoint | None:
    for endpoint in ENDPOINTS:
        if endpoint.method == method and endpoint.path.fullmatch(path):
            return endpoint
    return None


def _query_fault(query: str | None, endpoint: Endpoint) -> Denied | None:
    if query is None:
        return None
    seen: set[str] = set()
    for item in query.split("&"):
        parameter = _PARAMETER.fullmatch(item)
        if parameter is None:
            return Denied("form", "query")
        name = parameter[1]
        if name not in endpoint.query or name in seen:
            return Denied("parameter", shown(name))
        seen.add(name)
    return None


def _body_fault(body: str | None, endpoint: Endpoint) -> Denied | None:
    if body is None:
        return None
    if len(body) > _MAX_BODY or not body.isascii():
        return Denied("form", "body")
    try:
        pairs = json.loads(body, object_pairs_hook=tuple, parse_constant=str, parse_float=str)
    except (ValueError, RecursionError):
        return Denied("form", "body")
    names = [name for name, _ in pairs]
    for name, value in pairs:
        if name not in endpoint.body or names.count(name) > 1:
            return Denied("parameter", shown(name))
        if not _is_plain(value):
            return Denied("value", shown(name))
    return None


def _is_plain(value: object) -> bool:
    return isinstance(value, bool | int) or (isinstance(value, str) and _TEXT.fullmatch(value) is not None)
