"""What the venues answer when something is wrong, what it means, and what it says about an order just sent.

``refused``: certainly not placed. ``unknown``: to be found out. Bodies follow the venues' documentation and public
reports; addresses are documentation addresses.
"""

from typing import NamedTuple

from backfuture_connector.core.facts import Venue
from backfuture_connector.core.failures import FailureKind
from backfuture_connector.core.order_outcomes import Outcome


class Case(NamedTuple):
    venue: Venue
    status: int
    body: object
    kind: FailureKind
    outcome: Outcome

    @property
    def name(self) -> str:
        body = self.body
        code = body.get("code") if isinstance(body, dict) else "page"
        return f"{self.venue}-{self.status}-{code}-{self.kind}"


def _kucoin(status: int, code: str, text: str, kind: FailureKind, outcome: Outcome = "refused") -> Case:
    return Case("kucoin", status, {"code": code, "msg": text}, kind, outcome)


def _mexc(status: int, code: int, text: str, kind: FailureKind, outcome: Outcome = "refused") -> Case:
    return Case("mexc", status, {"code": code, "msg": text}, kind, outcome)


_PAGE = "<html><body><h1>Bad Gateway</h1></body></html>"

KUCOIN: tuple[Case, ...] = (
    _kucoin(401, "400001", "Please check the header of your request for KC-API-KEY, KC-API-SIGN", "key_unknown"),
    _kucoin(401, "400003", "KC-API-KEY not exists", "key_unknown"),
    _kucoin(401, "400004", "Invalid KC-API-PASSPHRASE", "passphrase_wrong"),
    _kucoin(401, "400005", "Invalid KC-API-SIGN", "secret_wrong"),
    _kucoin(403, "400006", "Invalid request ip, the current clientIp is:198.51.100.23", "ip_not_allowed"),
    _kucoin(403, "400007", "Access denied, require more permission.", "no_permission"),
    _kucoin(400, "112010", "Invalid Unified Account user.", "no_permission"),
    _kucoin(403, "411100", "User is frozen, please contact us via support center.", "account_restricted"),
    _kucoin(400, "400303", "To enjoy the full range of our services, please complete", "account_restricted"),
    _kucoin(400, "400500", "Your located country/region is currently not supported", "account_restricted"),
    _kucoin(400, "600004", "trading is currently unavailable in your location", "account_restricted"),
    _kucoin(403, "400302", "Our services are currently unavailable in the U.S.", "account_restricted"),
    _kucoin(200, "126047", "Please complete identity verification", "account_restricted"),
    _kucoin(200, "126046", "This digital asset does not support your IP region", "account_restricted"),
    _kucoin(200, "400200", "Forbidden to place an order", "account_restricted"),
    _kucoin(400, "400002", "Invalid KC-API-TIMESTAMP", "clock_skew"),
    _kucoin(429, "429000", "Too many requests in a short period of time, please retry later", "rate_limited"),
    Case("kucoin", 429, "error code: 1015", "rate_limited", "refused"),
    _kucoin(500, "500000", "Internal Server Error", "venue_down", "unknown"),
    _kucoin(200, "500000", "Internal Server Error", "venue_down", "unknown"),
    Case("kucoin", 503, _PAGE, "venue_down", "unknown"),
    Case("kucoin", 502, {"message": "no code here"}, "venue_down", "unknown"),
    _kucoin(200, "200004", "Balance insufficient!", "insufficient_funds"),
    _kucoin(200, "400100", "Order size below the minimum requirement.", "below_minimum"),
    _kucoin(200, "600101", "The order funds should more then 0.1 USDT.", "below_minimum"),
    _kucoin(200, "600100", "Order size increment invalid.", "below_minimum"),
    _kucoin(200, "600100", "Order price increment invalid.", "below_minimum"),
    _kucoin(200, "400100", "order_not_exist_or_not_allow_to_cancel", "order_not_found", "unknown"),
    _kucoin(200, "400100", "The order does not exist.", "order_not_found", "unknown"),
    _kucoin(200, "126044", "clientOid duplicate", "duplicate_order", "unknown"),
    _kucoin(200, "400100", "validation.createOrder.clientOidDuplicated", "duplicate_order", "unknown"),
    _kucoin(200, "999999", "something new", "unrecognised", "unknown"),
)

MEXC: tuple[Case, ...] = (
    _mexc(400, 10072, "Api key info invalid", "key_unknown"),
    _mexc(400, 400, "api key required", "key_unknown"),
    _mexc(400, 700002, "Signature for this request is not valid.", "secret_wrong"),
    _mexc(400, 700001, "Signature for this request is not valid.", "secret_wrong"),
    _mexc(403, 700006, "IP [198.51.100.23] not in the ip white list", "ip_not_allowed"),
    _mexc(400, 10075, "IP [198.51.100.23] not in the ip white list", "ip_not_allowed"),
    _mexc(403, 700007, "No permission to access the endpoint.", "no_permission"),
    _mexc(400, 70011, "Pair user ban trade apikey.", "pair_not_tradable"),
    _mexc(400, 10007, "symbol not support api", "pair_not_tradable"),
    _mexc(400, 30020, "no permission for the symbol", "pair_not_tradable"),
    _mexc(400, -1121, "Invalid symbol.", "pair_not_tradable"),
    _mexc(400, 30018, "账号暂时不能下单，请联系客服", "account_restricted"),  # noqa: RUF001  (the venue's own words)
    _mexc(400, 200010, "User requires KYC", "account_restricted"),
    _mexc(400, 60005, "your account is abnormal", "account_restricted"),
    _mexc(400, 700003, "Timestamp for this request is outside of the recvWindow.", "clock_skew"),
    _mexc(400, 700005, "recvWindow must less than 60000", "clock_skew"),
    _mexc(400, 10073, "Invalid Request-Time", "clock_skew"),
    _mexc(429, 429, "Too Many Requests", "rate_limited"),
    Case("mexc", 429, "429", "rate_limited", "refused"),
    Case("mexc", 403, "<HTML><HEAD><TITLE>Access Denied</TITLE></HEAD></HTML>", "venue_down", "unknown"),
    _mexc(500, 500, "Internal error", "venue_down", "unknown"),
    Case("mexc", 200, {"code": 500, "message": "Under maintenance, please try again later"}, "venue_down", "unknown"),
    Case("mexc", 504, "<html>504 Gateway Time-out</html>", "venue_down", "unknown"),
    _mexc(400, 30004, "Insufficient position", "insufficient_funds"),
    _mexc(400, 30005, "Oversold", "insufficient_funds"),
    _mexc(400, 10101, "资金不足", "insufficient_funds"),
    _mexc(400, 30002, "The minimum transaction volume cannot be less than:1USDT", "below_minimum"),
    _mexc(400, 30041, "current order type can not place order", "order_type_disabled"),
    _mexc(400, 400, "price scale is invalid", "bad_request"),
    _mexc(400, -2013, "Order does not exist.", "order_not_found", "unknown"),
    _mexc(400, -2011, "Unknown order sent.", "order_not_found", "unknown"),
    _mexc(400, 30029, "Client order id is in use: b1", "duplicate_order", "unknown"),
    _mexc(400, 987654, "something new", "unrecognised", "unknown"),
)

CORPUS = (*KUCOIN, *MEXC)
