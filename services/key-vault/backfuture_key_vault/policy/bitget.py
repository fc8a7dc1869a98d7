"""Bitget: the signed bytes are time, method, path with query, and body, without anything between.

Classic accounts (v2) and unified ones (v3). Wallet, sub-account, earn, loan and copy-trading paths are not in the
table. The passphrase is sent in clear with each request, so a lease gives it to the connector.
"""

import re

from backfuture_key_vault.policy.endpoints import Request, endpoint, is_now, judge_request
from backfuture_key_vault.policy.orders import OrderFields
from backfuture_key_vault.policy.verdict import Allowed, Context, Denied, Verdict

_MESSAGE = re.compile(r"([0-9]{13})(GET|POST)(/[A-Za-z0-9/_-]*)(?:\?([^?{]+))?(\{.*)?", re.DOTALL)
_LOGIN = re.compile(r"([0-9]{10})GET/user/verify")
_WHICH = (
    "symbol", "productType", "category", "startTime", "endTime", "idLessThan", "cursor", "limit", "orderId",
    "clientOid", "tpslType", "requestTime", "receiveWindow", "status", "marginCoin",
)  # fmt: skip
_CANCEL = ("symbol", "productType", "category", "marginCoin", "orderId", "clientOid")
_SPOT = ("symbol", "side", "orderType", "force", "price", "size", "clientOid")
_MIX = (*_SPOT, "productType", "marginCoin", "marginMode", "tradeSide", "reduceOnly")
_UNIFIED = (
    "category",
    "symbol",
    "side",
    "orderType",
    "timeInForce",
    "price",
    "qty",
    "clientOid",
    "posSide",
    "reduceOnly",
)
_LEVERAGE = ("symbol", "productType", "category", "marginCoin", "leverage", "holdSide", "posSide")


def _fields(amount: str, amount_is_cost: dict[str, str] | None) -> OrderFields:
    return OrderFields(
        symbol="symbol", side="side", kind="orderType", limits=frozenset({"limit"}), amount=amount, price="price",
        amount_is_cost=(amount_is_cost,) if amount_is_cost else (),
    )  # fmt: skip


_MARKET_BUY = {"orderType": "market", "side": "buy"}
_MARKET_BUY_SPOT = {**_MARKET_BUY, "category": "SPOT"}

ENDPOINTS = (
    # rights of the key, balances, positions
    endpoint("GET", "/api/v2/spot/account/info"),
    endpoint("GET", "/api/v2/spot/account/assets", ["coin", "assetType"]),
    endpoint("GET", "/api/v2/mix/account/account", ["symbol", "productType", "marginCoin"]),
    endpoint("GET", "/api/v2/mix/account/accounts", ["productType"]),
    endpoint("GET", "/api/v2/mix/position/all-position", ["productType", "marginCoin"]),
    endpoint("GET", "/api/v2/mix/position/single-position", ["productType", "marginCoin", "symbol"]),
    endpoint("GET", "/api/v3/account/info"),
    endpoint("GET", "/api/v3/account/settings"),
    endpoint("GET", "/api/v3/account/assets"),
    endpoint("GET", "/api/v3/position/current-position", ["category", "symbol", "posSide"]),
    # orders and fills
    *(
        endpoint("GET", path, _WHICH)
        for path in (
            "/api/v2/spot/trade/orderInfo", "/api/v2/spot/trade/unfilled-orders", "/api/v2/spot/trade/history-orders",
            "/api/v2/spot/trade/fills", "/api/v2/mix/order/detail", "/api/v2/mix/order/orders-pending",
            "/api/v2/mix/order/orders-history", "/api/v2/mix/order/fills", "/api/v2/mix/order/fill-history",
            "/api/v3/trade/order-info", "/api/v3/trade/unfilled-orders", "/api/v3/trade/history-orders",
            "/api/v3/trade/fills",
        )
    ),
    endpoint("POST", "/api/v2/spot/trade/place-order", body=_SPOT, order=_fields("size", _MARKET_BUY)),
    endpoint("POST", "/api/v2/mix/order/place-order", body=_MIX, order=_fields("size", None)),
    endpoint("POST", "/api/v3/trade/place-order", body=_UNIFIED, order=_fields("qty", _MARKET_BUY_SPOT)),
    endpoint("POST", "/api/v2/spot/trade/cancel-order", body=_CANCEL),
    endpoint("POST", "/api/v2/spot/trade/cancel-symbol-order", body=_CANCEL),
    endpoint("POST", "/api/v2/mix/order/cancel-order", body=_CANCEL),
    endpoint("POST", "/api/v3/trade/cancel-order", body=_CANCEL),
    endpoint("POST", "/api/v3/trade/cancel-symbol-order", body=_CANCEL),
    # futures: leverage, margin mode, position mode
    endpoint("POST", "/api/v2/mix/account/set-leverage", body=_LEVERAGE),
    endpoint("POST", "/api/v2/mix/account/set-margin-mode", body=["symbol", "productType", "marginCoin", "marginMode"]),
    endpoint("POST", "/api/v2/mix/account/set-position-mode", body=["productType", "posMode"]),
    endpoint("POST", "/api/v3/account/set-leverage", body=_LEVERAGE),
    endpoint("POST", "/api/v3/account/set-hold-mode", body=["holdMode"]),
)  # fmt: skip


def judge(message: bytes, context: Context) -> Verdict:
    """Allow exactly the requests of ``ENDPOINTS``, made now, and the login of the private stream."""
    text = message.decode("ascii", "replace")
    login = _LOGIN.fullmatch(text)
    if login is not None:
        return is_now(int(login[1]) * 1_000, context) or Allowed(False)
    parts = _MESSAGE.fullmatch(text)
    if parts is None:
        return Denied("form", "not time, method, path and body")
    time_ms, method, path, query, body = parts.groups()
    return is_now(int(time_ms), context) or judge_request(ENDPOINTS, Request(method, path, query or "", body or ""))
