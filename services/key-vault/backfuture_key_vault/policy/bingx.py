"""BingX, spot and perpetual futures: the signed bytes are the sorted parameters alone (see ``forms``)."""

from backfuture_key_vault.policy.forms import ID, KEY, NUMBER, TIME, YES_NO, Form, Signing, judge_text
from backfuture_key_vault.policy.orders import OrderFields
from backfuture_key_vault.policy.verdict import Context, Verdict

_SYMBOL = "[A-Z0-9]{1,24}-[A-Z0-9]{2,12}"
_SIGNING = Signing("timestamp", "recvWindow")
_SIDE = "LONG|SHORT|BOTH"

FORMS = (
    # balances, rights of the key, positions, open orders of all pairs, new stream key
    Form({}, {}),
    # one order or many: ask, list, cancel; fills; fees
    Form(
        {"symbol": _SYMBOL},
        {
            "orderId": ID, "clientOrderID": ID, "clientOrderId": ID, "startTime": TIME, "endTime": TIME,
            "startTs": TIME, "endTs": TIME, "tradingUnit": "COIN|CONT", "limit": "[0-9]{1,4}",
            "pageIndex": "[0-9]{1,4}", "pageSize": "[0-9]{1,4}", "status": "[A-Z_]{1,32}", "fromId": "[0-9]{1,20}",
        },
    ),
    # a new order, or a test of one
    Form(
        {"symbol": _SYMBOL, "side": "BUY|SELL", "type": "LIMIT|MARKET"},
        {
            "quantity": NUMBER, "quoteOrderQty": NUMBER, "price": NUMBER, "newClientOrderId": ID, "clientOrderID": ID,
            "timeInForce": "GTC|IOC|FOK|PostOnly", "positionSide": _SIDE, "reduceOnly": YES_NO,
        },
        OrderFields(
            symbol="symbol", side="side", kind="type", limits=frozenset({"LIMIT"}),
            amount="quantity", price="price", cost="quoteOrderQty",
        ),
    ),
    # futures: leverage, margin mode, position mode
    Form({"symbol": _SYMBOL, "leverage": "[0-9]{1,3}", "side": _SIDE}, {}),
    Form({"symbol": _SYMBOL, "marginType": "ISOLATED|CROSSED"}, {}),
    Form({"dualSidePosition": YES_NO}, {}),
    # keep or close a stream
    Form({"listenKey": KEY}, {}),
)  # fmt: skip


def judge(message: bytes, context: Context) -> Verdict:
    """Allow exactly the requests of ``FORMS``, made now, each parameter once and plainly written."""
    return judge_text(message, FORMS, _SIGNING, context)
