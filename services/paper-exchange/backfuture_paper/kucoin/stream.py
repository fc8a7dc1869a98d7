"""KuCoin's streams: topics of public markets, of own orders and of own balances."""

from collections.abc import Callable, Iterable
from functools import partial

import msgspec
from aiohttp import web

from backfuture_paper.core.exchange import Changes
from backfuture_paper.core.instruments import Venue
from backfuture_paper.kucoin import render
from backfuture_paper.kucoin.messages import Data, MarketMessages, balance_change, fill_message, order_change
from backfuture_paper.kucoin.public import INTERVALS_MS, PING_INTERVAL_MS, PING_TIMEOUT_MS
from backfuture_paper.market import Tick
from backfuture_paper.sessions import Sessions
from backfuture_paper.web.book_changes import BookChanges
from backfuture_paper.web.call import Json
from backfuture_paper.web.streams import Connection, Connections
from backfuture_paper.web.view import VenueView
from backfuture_paper.world import World

_SNAPSHOT_EVERY_MS = 2_000
_TOPICS_MAX = 400
_ORDERS = "/spotMarket/tradeOrders"
_FILLS = "/spot/tradeFills"
_BALANCE = "/account/balance"
_PRIVATE = {_ORDERS, _FILLS, _BALANCE}
_PUBLIC = {
    "/market/snapshot",
    "/market/ticker",
    "/market/match",
    "/market/candles",
    "/market/level2",
    "/spotMarket/level1",
    "/spotMarket/level2Depth5",
    "/spotMarket/level2Depth50",
}


class _Request(msgspec.Struct, frozen=True):
    type: str
    id: str | int = ""
    topic: str = ""


class KucoinStream:
    """Pushes ticks and changes to whoever subscribed; every topic names one market."""

    venue: Venue = "kucoin"
    idle_s = (PING_INTERVAL_MS + PING_TIMEOUT_MS) / 1000
    topicless_s: float | None = None

    def __init__(self, world: World, sessions: Sessions, view: VenueView) -> None:
        self.connections = Connections(self.venue)
        self._world = world
        self._sessions = sessions
        self._messages = MarketMessages(world, view)
        self._view = view
        self._books = BookChanges(world.exchange("kucoin"))
        self._snapshot_ms: dict[str, int] = {}

    # -- the client's side

    def accept(self, request: web.Request) -> Connection | str:
        session = self._sessions.find("kucoin", request.query.get("token", ""), self._world.now_ms())
        if session is None:
            return _text({"id": "", "type": "error", "code": 401, "data": "token is expired"})
        return Connection("kucoin", session.account, request.transport)

    def opened(self, connection: Connection) -> None:
        connection.reply(_text({"id": "welcome", "type": "welcome"}))

    def received(self, connection: Connection, text: str) -> None:
        try:
            request = msgspec.json.decode(text, type=_Request)
        except msgspec.MsgspecError:
            connection.reply(_text({"id": "", "type": "error", "code": 400, "data": "message is invalid"}))
            return
        identity = str(request.id)
        if request.type == "ping":
            connection.reply(
                _text({"id": identity, "type": "pong", "timestamp": self._world.now_ms() * 1000}), to_ping=True
            )
        elif request.type == "subscribe":
            connection.reply(_text(self._subscribe(connection, identity, request.topic)))
        elif request.type == "unsubscribe":
            self.connections.unsubscribe(connection, _split(request.topic))
            connection.reply(_text({"id": identity, "type": "ack"}))
        else:
            connection.reply(_text({"id": identity, "type": "error", "code": 415, "data": "type is not supported"}))

    def _subscribe(self, connection: Connection, identity: str, topic: str) -> dict[str, Json]:
        wanted = _split(topic)
        for one in wanted:
            if one in _PRIVATE:
                if connection.account is None:
                    return {"id": identity, "type": "error", "code": 403, "data": "private channel needs a login"}
            elif not self._exists(one):
                return {"id": identity, "type": "error", "code": 404, "data": f"topic {one} is not found"}
        if len(connection.topics | set(wanted)) > _TOPICS_MAX:
            return {"id": identity, "type": "error", "code": 509, "data": "exceed max subscription count limitation"}
        self.connections.subscribe(connection, wanted)
        return {"id": identity, "type": "ack"}

    def _exists(self, topic: str) -> bool:
        channel, _, market = topic.partition(":")
        market, _, interval = market.partition("_")
        if channel not in _PUBLIC or (interval and interval not in INTERVALS_MS):
            return False
        return market == "all" or render.symbol_of(market) in self._view.rules.instruments

    # -- the exchange's side

    def on_tick(self, tick: Tick) -> None:
        """Push what a new price means to the topics of its market."""
        symbol, at_ms = tick.quote.symbol, tick.quote.at_ms
        if symbol not in self._view.rules.instruments:
            return
        market, make = render.market_id(symbol), self._messages
        self._push(f"/market/ticker:{market}", "trade.ticker", partial(make.ticker, symbol))
        self._push("/market/ticker:all", market, partial(make.ticker, symbol))
        self._push(f"/spotMarket/level1:{market}", "level1", partial(make.level1, symbol))
        self._push(f"/spotMarket/level2Depth5:{market}", "level2", partial(make.depth, symbol, 5))
        self._push(f"/spotMarket/level2Depth50:{market}", "level2", partial(make.depth, symbol, 50))
        change = self._books.since_last(symbol)
        if change is not None:
            self._push(f"/market/level2:{market}", "trade.l2update", partial(make.changes, symbol, change))
        for trade in self._view.in_steps(symbol, tick.trades):
            self._push(f"/market/match:{market}", "trade.l3match", partial(make.match, trade))
        if at_ms - self._snapshot_ms.get(symbol, 0) >= _SNAPSHOT_EVERY_MS:
            self._snapshot_ms[symbol] = at_ms
            self._push(f"/market/snapshot:{market}", "trade.snapshot", partial(make.snapshot, symbol, at_ms))
        for name, interval_ms in INTERVALS_MS.items():
            candle = partial(make.candle, symbol, interval_ms, at_ms)
            self._push(f"/market/candles:{market}_{name}", "trade.candles.update", candle)

    def on_changes(self, venue: Venue, changes: Changes) -> None:
        """Push own orders, fills and balances to their owners."""
        if venue != self.venue:
            return
        for event in changes.orders:
            account = event.order.account
            self._push_private(_ORDERS, "orderChange", account, order_change(event))
            if event.fill is not None:
                self._push_private(_FILLS, _FILLS, account, fill_message(event.fill))
        for change in changes.balances:
            data = balance_change(change, self._world.now_ms())
            self._push_private(_BALANCE, "account.balance", change.account, data)

    def _push_private(self, topic: str, subject: str, account: str, data: Data) -> None:
        message: Data = {"type": "message", "topic": topic, "subject": subject, "channelType": "private", "data": data}
        if wanting := self.connections.of(topic, account):
            _send(wanting, message)

    def _push(self, topic: str, subject: str, make: Callable[[], Data | None]) -> None:
        """Make and send a message, when somebody wants the topic and there is something to say."""
        wanting = self.connections.of(topic)
        data = make() if wanting else None
        if data is not None:
            _send(wanting, {"type": "message", "topic": topic, "subject": subject, "data": data})


def _split(topic: str) -> list[str]:
    """Return one topic per market: ``/market/ticker:A,B`` is two."""
    channel, colon, markets = topic.partition(":")
    return [f"{channel}:{market}" for market in markets.split(",")] if colon else [channel]


def _text(message: dict[str, Json]) -> str:
    return msgspec.json.encode(message).decode()


def _send(connections: Iterable[Connection], message: dict[str, Json]) -> None:
    text = _text(message)
    for connection in connections:
        connection.push(text)
