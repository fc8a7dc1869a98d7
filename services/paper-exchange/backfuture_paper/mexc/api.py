"""MEXC's REST interface put together."""

from backfuture_paper.core.instruments import Venue
from backfuture_paper.core.keys import Right
from backfuture_paper.core.limits import Verdict, WindowLimit
from backfuture_paper.core.refusals import ExchangeRefusal
from backfuture_paper.market import Market
from backfuture_paper.mexc import auth, codes
from backfuture_paper.mexc.private import PrivateEndpoints
from backfuture_paper.mexc.public import PublicEndpoints
from backfuture_paper.sessions import Sessions
from backfuture_paper.web.call import Call, Json, VenueError, read_objects
from backfuture_paper.web.endpoints import Endpoint, Router
from backfuture_paper.web.view import VenueView
from backfuture_paper.world import World

PREFIX = "/mexc"
WS_PATH = f"{PREFIX}/ws"
_WINDOW_MS = 10_000
_POOLS = {"public": 300, "uid": 500}


class MexcApi:
    """The venue's part of the way of a request. Signed calls count per account, public ones per address."""

    venue: Venue = "mexc"
    prefix = PREFIX

    def __init__(self, world: World, market: Market, sessions: Sessions, *, limit_percent: int) -> None:
        self._world = world
        self.view = VenueView(world, market, "mexc")
        self.public = PublicEndpoints(self.view)
        private = PrivateEndpoints(world, self.public, sessions)
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

    def limited(self, verdict: Verdict) -> VenueError:
        return codes.too_many_requests(verdict.reset_ms // 1000 + 1)

    def limit_headers(self, verdict: Verdict) -> dict[str, str]:  # noqa: ARG002 - MEXC tells only on refusal
        return {}

    def refused(self, refusal: ExchangeRefusal, call: Call) -> VenueError:
        return codes.refused(refusal, call)

    def unknown_endpoint(self, call: Call) -> VenueError:
        return codes.endpoint_unknown(call)

    def success(self, data: Json) -> Json:
        return data

    def failure(self, error: VenueError) -> Json:
        return {"code": error.code, "msg": error.message}

    def client_order_ids(self, call: Call) -> list[str]:
        if call.method != "POST":
            return []
        if "newClientOrderId" in call.params:
            return [call.params["newClientOrderId"]]
        try:
            batch = read_objects(call.params.get("batchOrders", "[]"), "batchOrders")
        except ExchangeRefusal:
            return []
        return [str(order["newClientOrderId"]) for order in batch if order.get("newClientOrderId")]
