"""What a MEXC order request says."""

from collections.abc import Mapping

from backfuture_paper.core.instruments import VenueRules
from backfuture_paper.core.orders import OrderRequest, Side, TimeInForce
from backfuture_paper.core.refusals import ExchangeRefusal
from backfuture_paper.mexc.render import symbol_of
from backfuture_paper.web.call import decimal_of

_SIDES: dict[object, Side] = {"BUY": "buy", "SELL": "sell"}
_LIMITS: dict[str, TimeInForce] = {
    "LIMIT": "GTC",
    "LIMIT_MAKER": "GTC",
    "IMMEDIATE_OR_CANCEL": "IOC",
    "FILL_OR_KILL": "FOK",
}
_CLIENT_ID_MAX = 32


def order_request(params: Mapping[str, object], rules: VenueRules) -> OrderRequest:
    """Read an order. ExchangeRefusal for what is missing or wrong."""
    symbol, side, kind = params.get("symbol"), params.get("side"), params.get("type")
    if not isinstance(symbol, str) or not symbol:
        raise ExchangeRefusal("bad_parameter", "symbol")
    if side not in _SIDES:
        raise ExchangeRefusal("bad_parameter", "side")
    if not isinstance(kind, str) or kind not in {*_LIMITS, "MARKET"}:
        raise ExchangeRefusal("bad_parameter", "type")
    client_id = str(params.get("newClientOrderId") or "")
    if len(client_id) > _CLIENT_ID_MAX:
        raise ExchangeRefusal("client_id_invalid", client_id)
    market = kind == "MARKET"
    return OrderRequest(
        symbol=symbol_of(symbol, rules),
        side=_SIDES[side],
        kind="market" if market else "limit",
        client_id=client_id,
        time_in_force="GTC" if market else _LIMITS[kind],
        post_only=kind == "LIMIT_MAKER",
        price=None if market else decimal_of(params.get("price"), "price"),
        amount=decimal_of(params.get("quantity"), "quantity"),
        cost=decimal_of(params.get("quoteOrderQty"), "quoteOrderQty") if market else None,
    )
