"""KuCoin's REST interface put together."""

from backfuture_paper.core.instruments import Venue
from backfuture_paper.core.keys import Right
from backfuture_paper.core.limits import Verdict, WindowLimit
from backfuture_paper.core.refusals import ExchangeRefusal
from backfuture_paper.kucoin import auth, codes
from backfuture_paper.kucoin.private import PrivateEndpoints, UnknownOrder
from backfuture_paper.kucoin.public import PublicEndpoints
from backfuture_paper.market import Market
from backfuture_paper.sessions import Sessions
from backfuture_paper.web.call import Call, Json, VenueError
from backfuture_paper.web.endpoints import Endpoint, Router
from backfuture_paper.web.view import VenueView
from backfuture_paper.world import World

PREFIX = "/kucoin"
FUTURES_PREFIX = "/kucoinf"
WS_PATH = f"{PREFIX}/ws"
_WINDOW_MS = 30_000
_POOLS = {"spot": 4_000, "management": 2_000, "public": 2_000}


class KucoinApi:
    """The venue's part of the way of a request. Signed calls count per account, public ones per address."""

    venue: Venue = "kucoin"
    prefix = PREFIX

    def __init__(
        self, world: World, market: Market, sessions: Sessions, *, unknown_order: UnknownOrder, limit_percent: int
    ) -> None:
        self._world = world
        self.view = VenueView(world, market, "kucoin")
        self.public = PublicEndpoints(self.view, sessions, WS_PATH)
        private = PrivateEndpoints(world, self.public, unknown_order)
        self.router = Router([*self.public.table(), *private.table()])
        share = limit_percent or 1_000_000
        self._pools = {name: WindowLimit(size * share // 100, _WINDOW_MS) for name, size in _POOLS.items()}

    def charge(self, call: Call, endpoint: Endpoint) -> Verdict:
        subject = call.key.account if call.key else call.address
        return self._pools[endpoint.pool].charge(subject, endpoint.weight, call.now_ms)

    def authenticate(self, call: Call) -> None:
        call.key = auth.authenticate(call, self._world.keys)

    def require(self, call: Call, right: Right) -> None:
        if right not in call.signer.rights:
            raise codes.right_missing()

    def limited(self, verdict: Verdict) -> VenueError:  # noqa: ARG002 - the headers carry it
        return codes.too_many_requests()

    def limit_headers(self, verdict: Verdict) -> dict[str, str]:
        return {
            "gw-ratelimit-limit": str(verdict.limit),
            "gw-ratelimit-remaining": str(verdict.remaining),
            "gw-ratelimit-reset": str(verdict.reset_ms),
        }

    def refused(self, refusal: ExchangeRefusal, call: Call) -> VenueError:  # noqa: ARG002 - same for every call
        return codes.refused(refusal)

    def unknown_endpoint(self, call: Call) -> VenueError:
        return codes.endpoint_unknown(call)

    def success(self, data: Json) -> Json:
        return {"code": codes.OK, "data": data}

    def failure(self, error: VenueError) -> Json:
        return {"code": error.code, "msg": error.message}

    def client_order_ids(self, call: Call) -> list[str]:
        if call.method != "POST":
            return []
        try:
            body = call.json_object()
        except ExchangeRefusal:
            return []
        many = body.get("orderList")
        orders: list[object] = many if isinstance(many, list) else [body]
        return [str(order["clientOid"]) for order in orders if isinstance(order, dict) and order.get("clientOid")]


class KucoinFuturesApi(KucoinApi):
    """The futures host, which has no markets here: enough for clients that list them."""

    prefix = FUTURES_PREFIX

    def __init__(self, world: World, market: Market, sessions: Sessions) -> None:
        super().__init__(world, market, sessions, unknown_order="error", limit_percent=100)
        self.router = Router(
            [
                Endpoint(method="GET", path="/api/v1/contracts/active", handler=lambda _call: []),
                Endpoint(method="GET", path="/api/v1/timestamp", handler=self.public.timestamp),
                Endpoint(method="GET", path="/api/v1/status", handler=self.public.status),
            ]
        )
