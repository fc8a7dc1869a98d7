"""The fault controls: everything a test may do to the exchange. On a port of their own, closed unless asked for."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Literal

import msgspec
from aiohttp import web
from backfuture_common.domain.money import ZERO

from backfuture_paper.core.instruments import VENUES, Venue
from backfuture_paper.core.keys import KeyState, Right
from backfuture_paper.core.refusals import ExchangeRefusal
from backfuture_paper.market import Market
from backfuture_paper.sessions import Sessions
from backfuture_paper.web.faults import Fault, Faults
from backfuture_paper.web.json_api import Answer, loopback_only, read, readable
from backfuture_paper.web.outages import Outage, outage_fault
from backfuture_paper.web.streams import Connection, Muted, StreamHandler
from backfuture_paper.world import World


class _Order(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of what tests order."""


class OutageOrder(_Order, frozen=True, kw_only=True):
    kind: Outage
    venue: Venue
    path: str = ".*"
    times: int | None = None


class StreamOrder(_Order, frozen=True, kw_only=True):
    """``refuse``/``accept`` are about new connections, the others about those that are open."""

    action: Literal["drop", "close", "mute", "unmute", "refuse", "accept"]
    venue: Venue | None = None
    what: Muted = "all"
    private: bool | None = None


class ForgetOrder(_Order, frozen=True, kw_only=True):
    venue: Venue | None = None


class PriceOrder(_Order, frozen=True, kw_only=True):
    """``bid`` and ``ask`` hold until others are set; without them the symbol goes back to its source."""

    symbol: str
    bid: Decimal | None = None
    ask: Decimal | None = None


class PauseOrder(_Order, frozen=True, kw_only=True):
    paused: bool


class FillsOrder(_Order, frozen=True, kw_only=True):
    symbol: str
    stopped: bool


class FillOrder(_Order, frozen=True, kw_only=True):
    api_key: str
    order_id: str
    amount: Decimal | None = None


class KeyOrder(_Order, frozen=True, kw_only=True):
    """Only what is given changes."""

    api_key: str
    rights: frozenset[Right] | None = None
    ip_list: tuple[str, ...] | None = None
    state: KeyState | None = None
    expires_ms: int | None = None


class ClockOrder(_Order, frozen=True, kw_only=True):
    offset_ms: int


class ControlApi:
    """Carries the orders out."""

    def __init__(
        self,
        world: World,
        market: Market,
        sessions: Sessions,
        faults: Faults,
        streams: Mapping[Venue, StreamHandler],
    ) -> None:
        self._world = world
        self._market = market
        self._sessions = sessions
        self._faults = faults
        self._streams = streams

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/control/faults", loopback_only(self.order_fault)),
            web.get("/control/faults", loopback_only(self.show_faults)),
            web.delete("/control/faults", loopback_only(self.clear_faults)),
            web.post("/control/outage", loopback_only(self.outage)),
            web.post("/control/streams", loopback_only(self.streams)),
            web.get("/control/streams", loopback_only(self.show_streams)),
            web.post("/control/sessions/forget", loopback_only(self.forget)),
            web.post("/control/price", loopback_only(self.price)),
            web.post("/control/prices", loopback_only(self.pause)),
            web.post("/control/fills", loopback_only(self.fills)),
            web.post("/control/fill", loopback_only(self.fill)),
            web.post("/control/key", loopback_only(self.key)),
            web.post("/control/clock", loopback_only(self.clock)),
            web.get("/control/requests", loopback_only(self.requests)),
            web.delete("/control/requests", loopback_only(self.clear_requests)),
        ]

    # -- requests

    async def order_fault(self, request: web.Request) -> Answer:
        self._faults.order(await read(request, Fault))
        return {"pending": len(self._faults.pending())}

    async def show_faults(self, _request: web.Request) -> Answer:
        return [readable(fault) for fault in self._faults.pending()]

    async def clear_faults(self, _request: web.Request) -> Answer:
        self._faults.clear()
        return {"pending": 0}

    async def outage(self, request: web.Request) -> Answer:
        order = await read(request, OutageOrder)
        self._faults.order(outage_fault(order.venue, order.kind, order.path, order.times))
        return {"pending": len(self._faults.pending())}

    async def requests(self, request: web.Request) -> Answer:
        """List requests, oldest first; ``venue``, ``method``, ``path`` (its beginning), ``client_order_id`` choose."""
        wanted = request.query
        return [
            readable(record)
            for record in self._faults.requests
            if wanted.get("venue") in {None, record.venue}
            and wanted.get("method") in {None, record.method}
            and record.path.startswith(wanted.get("path", ""))
            and ("client_order_id" not in wanted or wanted["client_order_id"] in record.client_order_ids)
        ]

    async def clear_requests(self, _request: web.Request) -> Answer:
        self._faults.requests.clear()
        return {"requests": 0}

    # -- streams

    async def streams(self, request: web.Request) -> Answer:
        order = await read(request, StreamOrder)
        touched = 0
        for venue in VENUES if order.venue is None else (order.venue,):
            handler = self._streams[venue]
            if order.action in {"refuse", "accept"}:
                handler.refusing = order.action == "refuse"
                continue
            for connection in handler.connections:
                if order.private is None or order.private == (connection.account is not None):
                    _disturb(connection, order)
                    touched += 1
        return {"connections": touched}

    async def show_streams(self, _request: web.Request) -> Answer:
        """List open connections, whose they are and what they are subscribed to."""
        return [
            {"venue": venue, "account": connection.account, "topics": sorted(connection.topics)}
            for venue in VENUES
            for connection in self._streams[venue].connections
        ]

    async def forget(self, request: web.Request) -> Answer:
        return {"forgotten": self._sessions.forget((await read(request, ForgetOrder)).venue)}

    # -- prices and fills

    async def price(self, request: web.Request) -> Answer:
        order = await read(request, PriceOrder)
        if order.symbol not in self._market.symbols:
            raise ExchangeRefusal("unknown_symbol", order.symbol)
        if order.bid is None or order.ask is None:
            self._market.by_hand.pop(order.symbol, None)
        elif not ZERO < order.bid < order.ask:
            raise ExchangeRefusal("bad_parameter", "bid and ask")
        else:
            self._market.by_hand[order.symbol] = (order.bid, order.ask)
        self._market.requote(order.symbol)
        return {"symbol": order.symbol, "by_hand": order.symbol in self._market.by_hand}

    async def pause(self, request: web.Request) -> Answer:
        """Stop the passing of prices: no new books, no ticks, not ready."""
        self._market.paused = (await read(request, PauseOrder)).paused
        return {"paused": self._market.paused}

    async def fills(self, request: web.Request) -> Answer:
        order = await read(request, FillsOrder)
        for venue in VENUES:
            stopped = self._world.exchange(venue).stopped
            (stopped.add if order.stopped else stopped.discard)(order.symbol)
        return {"symbol": order.symbol, "stopped": order.stopped}

    async def fill(self, request: web.Request) -> Answer:
        order = await read(request, FillOrder)
        key = self._world.keys.get(order.api_key)
        if key is None:
            raise ExchangeRefusal("bad_parameter", "api_key")
        self._world.fill(key.venue, key.account, order.order_id, order.amount)
        return {"order_id": order.order_id}

    # -- keys and time

    async def key(self, request: web.Request) -> Answer:
        order = await read(request, KeyOrder)
        given = {
            name: value
            for name in ("rights", "ip_list", "state", "expires_ms")
            if (value := getattr(order, name)) is not None
        }
        key = self._world.change_key(order.api_key, **given)
        return {"api_key": key.api_key, "rights": sorted(key.rights), "state": key.state}

    async def clock(self, request: web.Request) -> Answer:
        self._world.clock_offset_ms = (await read(request, ClockOrder)).offset_ms
        return {"offset_ms": self._world.clock_offset_ms}


def _disturb(connection: Connection, order: StreamOrder) -> None:
    match order.action:
        case "drop":
            connection.drop()
        case "close":
            connection.close()
        case "mute":
            connection.muted = order.what
        case "unmute":
            connection.muted = None
