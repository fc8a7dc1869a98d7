"""MEXC's codes, words and HTTP statuses."""

from backfuture_paper.core.refusals import ExchangeRefusal, Reason
from backfuture_paper.web.call import Call, VenueError

_REFUSALS: dict[Reason, tuple[int, str]] = {
    "unknown_symbol": (-1121, "Invalid symbol."),
    "bad_parameter": (700004, "Mandatory parameter '{detail}' was not sent, was empty/null, or malformed."),
    "client_id_invalid": (700008, "Illegal characters found in parameter 'newClientOrderId'."),
    "client_id_used": (30029, "Client order id is in use: {detail}"),
    "amount_step": (400, "quantity scale is invalid"),
    "price_step": (400, "price scale is invalid"),
    "amount_below_minimum": (30002, "The minimum transaction volume cannot be less than:{detail}"),
    "amount_above_maximum": (30003, "The maximum transaction volume cannot be greater than:{detail}"),
    "cost_below_minimum": (30002, "The minimum transaction volume cannot be less than:{detail}USDT"),
    "too_many_open_orders": (30029, "Cannot exceed the maximum order limit"),
    "insufficient_funds": (30004, "Insufficient position"),
    "unknown_order": (-2011, "Unknown order sent."),
}


def refused(refusal: ExchangeRefusal, call: Call) -> VenueError:
    code, text = _REFUSALS[refusal.reason]
    if refusal.reason == "insufficient_funds" and call.params.get("side") == "SELL":
        code, text = 30005, "Oversold"
    return VenueError(400, code, text.format(detail=refusal.detail))


def key_required() -> VenueError:
    return VenueError(400, 400, "api key required")


def key_unknown() -> VenueError:
    return VenueError(400, 10072, "Api key info invalid")


def signature_invalid() -> VenueError:
    return VenueError(400, 700002, "Signature for this request is not valid.")


def timestamp_invalid() -> VenueError:
    return VenueError(400, 700003, "Timestamp for this request is outside of the recvWindow.")


def window_invalid() -> VenueError:
    return VenueError(400, 700005, "recvWindow must less than 60000")


def address_refused(address: str) -> VenueError:
    return VenueError(403, 700006, f"IP [{address}] not in the ip white list")


def right_missing() -> VenueError:
    return VenueError(403, 700007, "No permission to access the endpoint.")


def account_suspended() -> VenueError:
    return VenueError(400, 30018, "账号暂时不能下单，请联系客服")  # noqa: RUF001 - the venue's own words


def too_many_requests(retry_after_s: int) -> VenueError:
    return VenueError(429, 429, "Too Many Requests", {"Retry-After": str(retry_after_s)})


def endpoint_unknown(call: Call) -> VenueError:
    return VenueError(404, 404, f"Not Found: {call.method} {call.path}")


def order_unknown() -> VenueError:
    return VenueError(400, -2013, "Order does not exist.")


def listen_key_unknown() -> VenueError:
    return VenueError(400, 730708, "Invalid listen key")
