"""Binance, spot and USDT-margined futures: the signed bytes are the parameters alone (see ``forms``).

The requests that need no parameter at all read, open a stream, or switch an internal convenience on; none sends money
out, makes a key or changes one.
"""

from backfuture_key_vault.policy.forms import ID, KEY, NUMBER, TIME, YES_NO, Form, Signing, judge_text
from backfuture_key_vault.policy.orders import OrderFields
from backfuture_key_vault.policy.verdict import Context, Verdict

_SYMBOL = "[A-Z0-9]{2,32}"
_SIGNING = Signing("timestamp", "recvWindow", own_key=frozenset({"apiKey"}))
_LIMITS = ("LIMIT", "LIMIT_MAKER")

FORMS = (
    # account, rights of the key, positions, open orders of all pairs
    Form({}, {"omitZeroBalances": YES_NO}),
    # one order or many: ask, list, cancel; fills; fees
    Form(
        {"symbol": _SYMBOL},
        {
            "orderId": ID, "origClientOrderId": ID, "newClientOrderId": ID, "startTime": TIME, "endTime": TIME,
            "fromId": "[0-9]{1,20}", "limit": "[0-9]{1,4}",
        },
    ),
    # a new order, or a test of one
    Form(
        {"symbol": _SYMBOL, "side": "BUY|SELL", "type": "|".join(("MARKET", *_LIMITS))},
        {
            "quantity": NUMBER, "quoteOrderQty": NUMBER, "price": NUMBER, "newClientOrderId": ID,
            "timeInForce": "GTC|IOC|FOK|GTX", "newOrderRespType": "ACK|RESULT|FULL", "reduceOnly": YES_NO,
            "positionSide": "BOTH|LONG|SHORT", "selfTradePreventionMode": "[A-Z_]{1,32}",
        },
        OrderFields(
            symbol="symbol", side="side", kind="type", limits=frozenset(_LIMITS),
            amount="quantity", price="price", cost="quoteOrderQty",
        ),
    ),
    # futures: leverage, margin mode, position mode
    Form({"symbol": _SYMBOL, "leverage": "[0-9]{1,3}"}, {}),
    Form({"symbol": _SYMBOL, "marginType": "ISOLATED|CROSSED"}, {}),
    Form({"dualSidePosition": YES_NO}, {}),
    # streams
    Form({"listenKey": KEY}, {}),
    Form({"apiKey": KEY}, {}),
)  # fmt: skip


def judge(message: bytes, context: Context) -> Verdict:
    """Allow exactly the requests of ``FORMS``, made now, each parameter once and plainly written."""
    return judge_text(message, FORMS, _SIGNING, context)
