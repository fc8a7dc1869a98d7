"""MEXC's streams: channels of public markets, and of an account behind a listen key."""

import msgspec
from aiohttp import web

from backfuture_paper.core.exchange import Changes
from backfuture_paper.core.instruments import Venue
from backfuture_paper.market import Tick
from backfuture_paper.mexc import messages, render
from backfuture_paper.sessions import Sessions
from backfuture_paper.web.book_changes import BookChanges
from backfuture_paper.web.streams import Connection, Connections
from backfuture_paper.web.view import VenueView
from backfuture_paper.world import World

_MINUTE_MS = 60_000
INTERVALS_MS = {
    "Min1": _MINUTE_MS,
    "Min5": 5 * _MINUTE_MS,
    "Min15": 15 * _MINUTE_MS,
    "Min30": 30 * _MINUTE_MS,
    "Min60": 60 * _MINUTE_MS,
    "Hour4": 240 * _MINUTE_MS,
    "Hour8": 480 * _MINUTE_MS,
    "Day1": 1_440 * _MINUTE_MS,
    "Week1": 10_080 * _MINUTE_MS,
    "Month1": 43_200 * _MINUTE_MS,
}
_ORDERS = "spot@private.orders.v3.api.pb"
_DEALS = "spot@private.deals.v3.api.pb"
_ACCOUNT = "spot@private.account.v3.api.pb"
_PRIVATE = {_ORDERS, _DEALS, _ACCOUNT}
_KLINE = "spot@public.kline.v3.api.pb"
_AGGREGATED = {
    "ticker": "spot@public.aggre.bookTicker.v3.api.pb",
    "deals": "spot@public.aggre.deals.v3.api.pb",
    "depth": "spot@public.aggre.depth.v3.api.pb",
}
_SPEEDS = ("100ms", "10ms")
_CHANNELS_MAX = 30


class _Request(msgspec.Struct, frozen=True):
    method: str
    params: list[str] = []
    id: int = 0


class MexcStream:
    """Pushes ticks and changes to whoever subscribed."""

    venue: Venue = "mexc"
    idle_s = 60.0
    topicless_s: float | None = 30.0

    def __init__(self, world: World, sessions: Sessions, view: VenueView) -> None:
        self.connections = Connections(self.venue)
        self._world = world
        self._view = view
        self._sessions = sessions
        self._books = BookChanges(world.exchange("mexc"))

    # -- the client's side

    def accept(self, request: web.Request) -> Connection | str:
        token = request.query.get("listenKey")
        if token is None:
            return Connection("mexc", None, request.transport)
        session = self._sessions.find("mexc", token, self._world.now_ms())
        if session is None:
            return "Invalid listen key"
        return Connection("mexc", session.account, request.transport)

    def opened(self, connection: Connection) -> None:
        """Nothing is said before the client speaks."""

    def received(self, connection: Connection, text: str) -> None:
        try:
            request = msgspec.json.decode(text, type=_Request)
        except msgspec.MsgspecError:
            connection.reply(_answer(0, 1, "invalid message"))
            return
        if request.method.lower() == "ping":
            connection.reply(_answer(request.id, 0, "PONG"), to_ping=True)
        elif request.method == "SUBSCRIPTION":
            self._subscribe(connection, request)
        elif request.method == "UNSUBSCRIPTION":
            self.connections.unsubscribe(connection, request.params)
            connection.reply(_answer(request.id, 0, ",".join(request.params)))
        else:
            connection.reply(_answer(request.id, 1, "unknown method"))

    def _subscribe(self, connection: Connection, request: _Request) -> None:
        good = [channel for channel in request.params if self._exists(connection, channel)]
        bad = [channel for channel in request.params if channel not in good]
        if len(connection.topics | set(good)) > _CHANNELS_MAX:
            connection.reply(_answer(request.id, 1, "too many subscriptions"))
            return
        self.connections.subscribe(connection, good)
        if good:
            connection.reply(_answer(request.id, 0, ",".join(good)))
        if bad:
            text = f"Not Subscribed successfully! [{','.join(bad)}].  Reason： Blocked! "  # noqa: RUF001 - as sent
            connection.reply(_answer(request.id, 0, text))

    def _exists(self, connection: Connection, channel: str) -> bool:
        if channel in _PRIVATE:
            return connection.account is not None
        markets = {render.market_id(symbol) for symbol in self._view.rules.instruments}
        match channel.split("@"):
            case ["spot", kind, speed, market] if f"spot@{kind}" in _AGGREGATED.values():
                return speed in _SPEEDS and market in markets
            case ["spot", kind, market, interval] if f"spot@{kind}" == _KLINE:
                return market in markets and interval in INTERVALS_MS
        return False

    # -- the exchange's side

    def on_tick(self, tick: Tick) -> None:
        """Push what a new price means to the channels of its market."""
        symbol = tick.quote.symbol
        if symbol not in self._view.rules.instruments:
            return
        market = render.market_id(symbol)
        change = self._books.since_last(symbol)
        best = self._view.best(symbol)
        for speed in _SPEEDS:
            channel = f"{_AGGREGATED['ticker']}@{speed}@{market}"
            if best is not None and self._wanted(channel):
                self._push(channel, market, messages.book_ticker(*best))
            channel = f"{_AGGREGATED['deals']}@{speed}@{market}"
            if tick.trades and self._wanted(channel):
                trades = self._view.in_steps(symbol, tick.trades)
                self._push(channel, market, messages.deals(trades, channel))
            channel = f"{_AGGREGATED['depth']}@{speed}@{market}"
            if change is not None and self._wanted(channel):
                self._push(channel, market, messages.depth(change, channel))
        self._push_klines(symbol, market, tick.quote.at_ms)

    def _push_klines(self, symbol: str, market: str, at_ms: int) -> None:
        for name, interval_ms in INTERVALS_MS.items():
            channel = f"{_KLINE}@{market}@{name}"
            if self._wanted(channel):
                bar = self._view.bar_at(symbol, interval_ms, at_ms)
                if bar is not None:
                    self._push(channel, market, messages.kline(bar, name, interval_ms))

    def on_changes(self, venue: Venue, changes: Changes) -> None:
        """Push own orders, fills and balances to their owners."""
        if venue != self.venue:
            return
        for event in changes.orders:
            account, market = event.order.account, render.market_id(event.order.symbol)
            self._push(_ORDERS, market, messages.order(event), account)
            if event.fill is not None:
                self._push(_DEALS, market, messages.deal(event.fill), account)
        for change in changes.balances:
            self._push(_ACCOUNT, None, messages.balance(change, self._world.now_ms()), change.account)

    def _wanted(self, channel: str) -> bool:
        return bool(self.connections.of(channel))

    def _push(self, channel: str, market: str | None, body: messages.Body, account: str | None = None) -> None:
        wanting = self.connections.of(channel, account)
        if wanting:
            frame = messages.wrapped(channel, market, body, self._world.now_ms())
            for connection in wanting:
                connection.push(frame)


def _answer(identity: int, code: int, text: str) -> str:
    return msgspec.json.encode({"id": identity, "code": code, "msg": text}).decode()
