"""OKX v5: the signed bytes are time (ISO), method, path with query, and body; a stream's login has it in seconds.

Everything under ``/asset`` (funding, transfers, withdrawals), ``/users`` (sub-accounts, keys) and ``/finance`` is not
in the table. The passphrase is sent in clear with each request, so a lease gives it to the connector.
"""

import re
from datetime import datetime

from backfuture_key_vault.policy.endpoints import Request, endpoint, is_now, judge_request
from backfuture_key_vault.policy.orders import OrderFields
from backfuture_key_vault.policy.verdict import Allowed, Context, Denied, Verdict

_MESSAGE = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z)"
    r"(GET|POST)(/[A-Za-z0-9/_-]*)(?:\?([^?{\[]+))?([{\[].*)?",
    re.DOTALL,
)
_LOGIN = re.compile(r"([0-9]{10})GET/users/self/verify")
_WHICH = ("instType", "instId", "ordType", "state", "after", "before", "begin", "end", "limit", "ordId", "uly")
_LIMITS = frozenset({"limit", "post_only", "fok", "ioc"})
_ORDER = ("instId", "tdMode", "clOrdId", "tag", "side", "posSide", "ordType", "sz", "px", "reduceOnly", "tgtCcy")
_FIELDS = OrderFields(
    symbol="instId", side="side", kind="ordType", limits=_LIMITS, amount="sz", price="px",
    amount_is_cost=({"ordType": "market", "tgtCcy": "quote_ccy"}, {"ordType": "market", "tgtCcy": "", "side": "buy"}),
    contracts=".*-(?:SWAP|[0-9]{6}.*)",
)  # fmt: skip

ENDPOINTS = (
    # rights of the key and mode of the account; balances; positions; fees
    endpoint("GET", "/api/v5/account/config"),
    endpoint("GET", "/api/v5/account/balance", ["ccy"]),
    endpoint("GET", "/api/v5/account/positions", ["instType", "instId", "posId"]),
    endpoint("GET", "/api/v5/account/leverage-info", ["instId", "mgnMode"]),
    endpoint("GET", "/api/v5/account/trade-fee", ["instType", "instId", "uly", "instFamily"]),
    # orders and fills
    endpoint("GET", "/api/v5/trade/order", ["instId", "ordId", "clOrdId"]),
    endpoint("GET", "/api/v5/trade/orders-pending", _WHICH),
    endpoint("GET", "/api/v5/trade/orders-history", _WHICH),
    endpoint("GET", "/api/v5/trade/orders-history-archive", _WHICH),
    endpoint("GET", "/api/v5/trade/fills", _WHICH),
    endpoint("GET", "/api/v5/trade/fills-history", _WHICH),
    endpoint("POST", "/api/v5/trade/order", body=_ORDER, order=_FIELDS),
    endpoint("POST", "/api/v5/trade/batch-orders", body=_ORDER, order=_FIELDS, many=True),
    endpoint("POST", "/api/v5/trade/order-precheck", body=_ORDER),
    endpoint("POST", "/api/v5/trade/cancel-order", body=["instId", "ordId", "clOrdId"]),
    endpoint("POST", "/api/v5/trade/cancel-batch-orders", body=["instId", "ordId", "clOrdId"], many=True),
    # swaps: leverage with its margin mode, position mode
    endpoint("POST", "/api/v5/account/set-leverage", body=["instId", "lever", "mgnMode", "posSide"]),
    endpoint("POST", "/api/v5/account/set-position-mode", body=["posMode"]),
)


def judge(message: bytes, context: Context) -> Verdict:
    """Allow exactly the requests of ``ENDPOINTS``, made now, and the login of the private stream."""
    text = message.decode("ascii", "replace")
    login = _LOGIN.fullmatch(text)
    if login is not None:
        return is_now(int(login[1]) * 1_000, context) or Allowed(False)
    parts = _MESSAGE.fullmatch(text)
    if parts is None:
        return Denied("form", "not time, method, path and body")
    time, method, path, query, body = parts.groups()
    time_ms = _time_ms(time)
    if time_ms is None:
        return Denied("form", "timestamp")
    return is_now(time_ms, context) or judge_request(ENDPOINTS, Request(method, path, query or "", body or ""))


def _time_ms(text: str) -> int | None:
    try:
        return round(datetime.fromisoformat(text).timestamp() * 1_000)
    except ValueError:
        return None
