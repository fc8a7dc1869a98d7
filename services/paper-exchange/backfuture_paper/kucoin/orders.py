"""What a KuCoin order request says."""

from backfuture_paper.core.orders import Kind, OrderRequest, Side, TimeInForce
from backfuture_paper.core.refusals import ExchangeRefusal
from backfuture_paper.kucoin.render import symbol_of
from backfuture_paper.web.call import Sent, decimal_of

_SIDES: dict[object, Side] = {"buy": "buy", "sell": "sell"}
_KINDS: dict[object, Kind] = {None: "limit", "limit": "limit", "market": "market"}
_TIMES: dict[object, TimeInForce] = {None: "GTC", "GTC": "GTC", "IOC": "IOC", "FOK": "FOK"}
_UNSUPPORTED = ("stop", "stopPrice", "hidden", "iceberg", "cancelAfter", "stp")


def order_request(body: Sent) -> OrderRequest:
    """Read an order. ExchangeRefusal for what is missing, wrong, or not part of the paper exchange."""
    client_id = body.get("clientOid")
    if not isinstance(client_id, str) or not client_id:
        raise ExchangeRefusal("client_id_invalid")
    for name in _UNSUPPORTED:
        if body.get(name):
            raise ExchangeRefusal("bad_parameter", f"{name} is not offered here")
    symbol, side, kind = body.get("symbol"), body.get("side"), body.get("type")
    time_in_force = body.get("timeInForce")
    if not isinstance(symbol, str) or side not in _SIDES or kind not in _KINDS or time_in_force not in _TIMES:
        raise ExchangeRefusal("bad_parameter", "symbol, side, type or timeInForce")
    return OrderRequest(
        symbol=symbol_of(symbol),
        side=_SIDES[side],
        kind=_KINDS[kind],
        client_id=client_id,
        time_in_force=_TIMES[time_in_force] if _KINDS[kind] == "limit" else "GTC",
        post_only=body.get("postOnly") is True,
        price=decimal_of(body.get("price"), "price") if _KINDS[kind] == "limit" else None,
        amount=decimal_of(body.get("size"), "size"),
        cost=decimal_of(body.get("funds"), "funds"),
    )
