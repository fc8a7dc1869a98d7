"""MEXC spot: the signed bytes are the parameters alone, the same bytes are valid for every path.

So a request is known by the set of its parameters. Every request that moves money, makes keys or rules sub-accounts
needs a parameter that stands in no form here (``coin``, ``asset``, ``amount``, ``address``, ``toAccount``,
``subAccount``, ``apiKey``, ``ipWhiteList``…); the requests that need none at all only read, cancel, or open a stream.
MEXC also accepts parameters split between query and body, signed as one text: no form's names and values can be cut so
that a dangerous name comes out, because values hold no ``=``. Futures sign other bytes and are not known here.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from backfuture_key_vault.policy.verdict import Allowed, Context, Denied, Verdict, shown

_TIME = "[0-9]{13}"
_ID = "[A-Za-z0-9_-]{1,64}"
_SYMBOL = "[A-Z0-9]{2,32}"
_NUMBER = r"[0-9]{1,20}(?:\.[0-9]{1,20})?"
_MAX_RECV_WINDOW_MS = 60_000
_MAX_MESSAGE = 4_096

_SIGNING = {"timestamp": _TIME, "recvWindow": "[0-9]{1,5}"}
_WHICH_ORDERS = {
    "orderId": _ID, "origClientOrderId": _ID, "clientOrderId": _ID, "startTime": _TIME, "endTime": _TIME,
    "limit": "[0-9]{1,4}", "states": "[0-9]",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Form:
    """One shape of request: its required and its optional parameters, with the values they may have."""

    required: Mapping[str, str]
    optional: Mapping[str, str]
    places_order: bool = False

    def fits(self, names: frozenset[str]) -> bool:
        return self.required.keys() <= names <= self.required.keys() | self.optional.keys()


FORMS = (
    # account, tradable pairs, open orders, new stream key, cancel all
    Form({}, {}),
    # one order or many: ask, list, cancel; fills; fees. Placing one needs a side, which is not here.
    Form({"symbol": _SYMBOL}, _WHICH_ORDERS),
    # a new order, or a test of one
    Form(
        {
            "symbol": _SYMBOL,
            "side": "BUY|SELL",
            "type": "LIMIT|MARKET|LIMIT_MAKER|IMMEDIATE_OR_CANCEL|FILL_OR_KILL",
        },
        {"quantity": _NUMBER, "quoteOrderQty": _NUMBER, "price": _NUMBER, "newClientOrderId": _ID},
        places_order=True,
    ),
    # keep or close a stream
    Form({"listenKey": "[A-Za-z0-9_-]{1,128}"}, {}),
    # what the key may do; changing its rights needs other parameters
    Form({"accessKey": "[A-Za-z0-9_-]{1,128}"}, {}),
)


def judge(message: bytes, context: Context) -> Verdict:
    """Allow exactly the requests of ``FORMS``, made now, each parameter once and plainly written."""
    parameters = _parse(message)
    if parameters is None:
        return Denied("form", "not a plain list of parameters")
    names = frozenset(parameters) - _SIGNING.keys()
    form = next((form for form in FORMS if form.fits(names)), None)
    if form is None:
        return Denied("parameter", shown(_unknown_first(names)))
    patterns = {**_SIGNING, **form.required, **form.optional}
    for name, value in parameters.items():
        if not re.fullmatch(patterns[name], value):
            return Denied("value", shown(name))
    return _late_fault(parameters, context) or Allowed(form.places_order)


def _parse(message: bytes) -> dict[str, str] | None:
    if len(message) > _MAX_MESSAGE:
        return None
    parameters: dict[str, str] = {}
    for item in message.decode("ascii", "replace").split("&"):
        name, equals, value = item.partition("=")
        if not equals or name in parameters:
            return None
        parameters[name] = value
    return parameters


def _late_fault(parameters: dict[str, str], context: Context) -> Denied | None:
    """Look at what depends on the lease and the time: the forms have been checked."""
    if "timestamp" not in parameters or not context.is_now(int(parameters["timestamp"])):
        return Denied("clock", "timestamp")
    if int(parameters.get("recvWindow", "0")) > _MAX_RECV_WINDOW_MS:
        return Denied("clock", "recvWindow")
    if parameters.get("accessKey", context.api_key) != context.api_key:
        return Denied("value", "accessKey")
    return None


def _unknown_first(names: frozenset[str]) -> str:
    known = {name for form in FORMS for name in (*form.required, *form.optional)}
    return min(names, key=lambda name: (name in known, name))
