"""Bybit v5: the signed bytes are time, key, window and then either the query or the JSON body; no path.

So a request is known by its parameters (see ``forms``), and whether it reads or acts by their form: what acts has a
JSON body. An empty body is not signed as JSON: ``{}`` would delete the key itself. The empty query, which asks for the
key's rights, is signed.
"""

import re

from backfuture_key_vault.policy.forms import ID, NUMBER, TIME, YES_NO, Form, judge_parameters, parse
from backfuture_key_vault.policy.orders import OrderFields
from backfuture_key_vault.policy.reading import read_body
from backfuture_key_vault.policy.verdict import Allowed, Context, Denied, Verdict

_STREAM = re.compile(r"GET/realtime([0-9]{13})")
_HEAD = re.compile(r"([0-9]{13})(.*)", re.DOTALL)
_WINDOW = re.compile(r"([0-9]{1,5})((?:[{A-Za-z].*)?)", re.DOTALL)
_SYMBOL = "[A-Z0-9]{2,32}"
_CATEGORY = {"category": "spot|linear"}
_ONE = {**_CATEGORY, "symbol": _SYMBOL}
_MAX_WINDOW_MS = 60_000

QUERIES = (
    Form({"accountType": "UNIFIED|SPOT|CONTRACT|FUND"}, {}),
    Form(
        _CATEGORY,
        {
            "symbol": _SYMBOL, "settleCoin": "USDT|USDC", "orderId": ID, "orderLinkId": ID,
            "orderStatus": "[A-Za-z]{1,32}", "openOnly": "[0-2]", "orderFilter": "Order", "execType": "Trade",
            "startTime": TIME, "endTime": TIME, "limit": "[0-9]{1,3}", "cursor": "[A-Za-z0-9_:,%-]{1,256}",
        },
    ),
)  # fmt: skip
BODIES = (
    # a new order
    Form(
        {**_ONE, "side": "Buy|Sell", "orderType": "Limit|Market", "qty": NUMBER},
        {
            "price": NUMBER, "timeInForce": "GTC|IOC|FOK|PostOnly", "orderLinkId": ID, "reduceOnly": YES_NO,
            "marketUnit": "baseCoin|quoteCoin", "positionIdx": "[0-2]", "orderFilter": "Order",
        },
        OrderFields(
            symbol="symbol", side="side", kind="orderType", limits=frozenset({"Limit"}), amount="qty", price="price",
            amount_is_cost=(
                {"category": "spot", "side": "Buy", "marketUnit": ""},
                {"category": "spot", "marketUnit": "quoteCoin"},
            ),
        ),
    ),
    # cancel one, or all of a pair
    Form(_ONE, {"orderId": ID, "orderLinkId": ID, "orderFilter": "Order"}),
    # futures: leverage, position mode, margin mode
    Form({**_ONE, "buyLeverage": NUMBER, "sellLeverage": NUMBER}, {}),
    Form({**_ONE, "mode": "0|3"}, {}),
    Form({"setMarginMode": "ISOLATED_MARGIN|REGULAR_MARGIN"}, {}),
)  # fmt: skip


def judge(message: bytes, context: Context) -> Verdict:
    """Allow exactly the requests of ``QUERIES`` and ``BODIES``, made now, and the login of the private stream."""
    text = message.decode("ascii", "replace")
    stream = _STREAM.fullmatch(text)
    if stream is not None:
        return Allowed(False) if context.is_now(int(stream[1])) else Denied("clock", "expires")
    head = _HEAD.fullmatch(text)
    if head is None or not head[2].startswith(context.api_key):
        return Denied("form", "not time, key, window and parameters")
    rest = _WINDOW.fullmatch(head[2].removeprefix(context.api_key))
    if rest is None:
        return Denied("form", "not time, key, window and parameters")
    if not context.is_now(int(head[1])):
        return Denied("clock", "timestamp")
    if int(rest[1]) > _MAX_WINDOW_MS:
        return Denied("clock", "recv_window")
    return _judge_rest(rest[2])


def _judge_rest(rest: str) -> Verdict:
    if not rest:
        return Allowed(False)
    if not rest.startswith("{"):
        parameters = parse(rest.encode())
        return judge_parameters(parameters, QUERIES, {}) if parameters else Denied("form", "query")
    fields = read_body(rest)
    if isinstance(fields, Denied):
        return fields
    return judge_parameters(fields[0], BODIES, {}) if fields[0] else Denied("form", "body")
