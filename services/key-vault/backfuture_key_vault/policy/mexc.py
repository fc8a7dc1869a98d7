"""MEXC spot: the signed bytes are the parameters alone (see ``forms``).

The requests that need no parameter at all only read, cancel, or open a stream. Futures sign other bytes and are not
known here.
"""

from backfuture_key_vault.policy.forms import ID, KEY, NUMBER, TIME, Form, Signing, judge_text
from backfuture_key_vault.policy.orders import OrderFields
from backfuture_key_vault.policy.verdict import Context, Verdict

_SYMBOL = "[A-Z0-9]{2,32}"
_SIGNING = Signing("timestamp", "recvWindow", own_key=frozenset({"accessKey"}))
_LIMITS = ("LIMIT", "LIMIT_MAKER", "IMMEDIATE_OR_CANCEL", "FILL_OR_KILL")
_WHICH_ORDERS = {
    "orderId": ID, "origClientOrderId": ID, "clientOrderId": ID, "startTime": TIME, "endTime": TIME,
    "limit": "[0-9]{1,4}", "states": "[0-9]",
}  # fmt: skip

FORMS = (
    # account, tradable pairs, open orders, new stream key, cancel all
    Form({}, {}),
    # one order or many: ask, list, cancel; fills; fees. Placing one needs a side, which is not here.
    Form({"symbol": _SYMBOL}, _WHICH_ORDERS),
    # a new order, or a test of one
    Form(
        {"symbol": _SYMBOL, "side": "BUY|SELL", "type": "|".join(("MARKET", *_LIMITS))},
        {"quantity": NUMBER, "quoteOrderQty": NUMBER, "price": NUMBER, "newClientOrderId": ID},
        OrderFields(
            symbol="symbol", side="side", kind="type", limits=frozenset(_LIMITS),
            amount="quantity", price="price", cost="quoteOrderQty",
        ),
    ),
    # keep or close a stream
    Form({"listenKey": KEY}, {}),
    # what the key may do; changing its rights needs other parameters
    Form({"accessKey": KEY}, {}),
)  # fmt: skip


def judge(message: bytes, context: Context) -> Verdict:
    """Allow exactly the requests of ``FORMS``, made now, each parameter once and plainly written."""
    return judge_text(message, FORMS, _SIGNING, context)
