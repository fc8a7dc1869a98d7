"""KuCoin's codes, words and HTTP statuses."""

from backfuture_paper.core.refusals import ExchangeRefusal, Reason
from backfuture_paper.web.call import Call, VenueError

OK = "200000"

_REFUSALS: dict[Reason, tuple[str, str]] = {
    "unknown_symbol": ("400100", "Unsupported trading pair."),
    "bad_parameter": ("400100", "Parameter error: {detail}"),
    "client_id_invalid": ("400100", "validation.createOrder.clientOidIsRequired"),
    "client_id_used": ("126044", "clientOid duplicate"),
    "amount_step": ("600100", "Order size increment invalid."),
    "price_step": ("600100", "Order price increment invalid."),
    "amount_below_minimum": ("400100", "Order size below the minimum requirement."),
    "amount_above_maximum": ("400100", "Order size above the maximum requirement."),
    "cost_below_minimum": ("600101", "The order funds should more then {detail} USDT."),
    "too_many_open_orders": ("126011", "There are too many orders in the order"),
    "insufficient_funds": ("200004", "Balance insufficient!"),
    "unknown_order": ("400100", "order_not_exist_or_not_allow_to_cancel"),
}


def refused(refusal: ExchangeRefusal) -> VenueError:
    code, text = _REFUSALS[refusal.reason]
    return VenueError(200, code, text.format(detail=refusal.detail))


def headers_missing() -> VenueError:
    text = "Please check the header of your request for KC-API-KEY, KC-API-SIGN, KC-API-TIMESTAMP, KC-API-PASSPHRASE"
    return VenueError(401, "400001", text)


def timestamp_invalid() -> VenueError:
    return VenueError(400, "400002", "Invalid KC-API-TIMESTAMP")


def key_unknown() -> VenueError:
    return VenueError(401, "400003", "KC-API-KEY not exists")


def passphrase_invalid() -> VenueError:
    return VenueError(401, "400004", "Invalid KC-API-PASSPHRASE")


def signature_invalid() -> VenueError:
    return VenueError(401, "400005", "Invalid KC-API-SIGN")


def address_refused(address: str) -> VenueError:
    return VenueError(403, "400006", f"Invalid request ip, the current clientIp is:{address}")


def right_missing() -> VenueError:
    return VenueError(403, "400007", "Access denied, require more permission.")


def account_frozen() -> VenueError:
    return VenueError(403, "411100", "User is frozen, please contact us via support center.")


def too_many_requests() -> VenueError:
    return VenueError(429, "429000", "Too many requests in a short period of time, please retry later")


def endpoint_unknown(call: Call) -> VenueError:
    return VenueError(404, "404", f"Not Found: {call.method} {call.path}")


def order_unknown() -> VenueError:
    return VenueError(200, "400100", "The order does not exist.")
