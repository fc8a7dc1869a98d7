"""WebSocket connections: subscriptions, bounded outgoing queues, and ways to disturb them."""

import asyncio
from collections.abc import Iterable, Iterator
from typing import Literal, Protocol

from aiohttp import WSCloseCode, WSMsgType, web
from backfuture_common.runtime import metrics

from backfuture_paper.core.instruments import Venue

_QUEUE = 5_000
_LIFE_S = 86_400.0
Muted = Literal["pings", "data", "all"]


class Connection:
    """One client's connection. ``account`` None: public. Messages that do not fit into its queue end it."""

    def __init__(self, venue: Venue, account: str | None, transport: asyncio.Transport | None) -> None:
        self.venue: Venue = venue
        self.account = account
        self.topics: set[str] = set()
        self.muted: Muted | None = None
        self.outgoing: asyncio.Queue[str | bytes | WSCloseCode] = asyncio.Queue(_QUEUE)
        self._transport = transport

    def push(self, message: str | bytes) -> None:
        """Send data."""
        if self.muted not in {"data", "all"}:
            self._put(message)

    def reply(self, message: str | bytes, *, to_ping: bool = False) -> None:
        """Answer what the client said."""
        if self.muted != "all" and not (to_ping and self.muted == "pings"):
            self._put(message)

    def close(self, code: WSCloseCode = WSCloseCode.GOING_AWAY) -> None:
        """Say goodbye after what is still to be sent."""
        self._put(code)

    def drop(self) -> None:
        """Cut the line without a word."""
        if self._transport is not None:
            self._transport.abort()

    def _put(self, item: str | bytes | WSCloseCode) -> None:
        try:
            self.outgoing.put_nowait(item)
        except asyncio.QueueFull:
            self.drop()


class Connections:
    """A venue's open connections, found by the topics they subscribed to."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue
        self._all: set[Connection] = set()
        self._by_topic: dict[str, set[Connection]] = {}

    def __iter__(self) -> Iterator[Connection]:
        return iter(tuple(self._all))

    def add(self, connection: Connection) -> None:
        self._all.add(connection)
        metrics.PAPER_STREAMS.labels(venue=self._venue).set(len(self._all))

    def discard(self, connection: Connection) -> None:
        self.unsubscribe(connection, tuple(connection.topics))
        self._all.discard(connection)
        metrics.PAPER_STREAMS.labels(venue=self._venue).set(len(self._all))

    def subscribe(self, connection: Connection, topics: Iterable[str]) -> None:
        for topic in topics:
            connection.topics.add(topic)
            self._by_topic.setdefault(topic, set()).add(connection)

    def unsubscribe(self, connection: Connection, topics: Iterable[str]) -> None:
        for topic in topics:
            connection.topics.discard(topic)
            wanting = self._by_topic.get(topic, set())
            wanting.discard(connection)
            if not wanting:
                self._by_topic.pop(topic, None)

    def of(self, topic: str, account: str | None = None) -> list[Connection]:
        """Return who wants a topic; with an account only that account's connections."""
        wanting = self._by_topic.get(topic, ())
        return [connection for connection in wanting if account is None or connection.account == account]


class StreamProtocol(Protocol):
    """What a venue adds: who may connect, what to say first, and what to do with a message."""

    venue: Venue
    idle_s: float
    """A client that sends nothing for so long is disconnected."""
    topicless_s: float | None
    """So is, with a goodbye, one that is subscribed to nothing when so much time has passed; None: it may be."""

    def accept(self, request: web.Request) -> Connection | str:
        """Return a connection, or a text that the client gets before it is disconnected."""

    def opened(self, connection: Connection) -> None: ...

    def received(self, connection: Connection, text: str) -> None: ...


class StreamHandler:
    """Serves one venue's WebSocket endpoint and knows its open connections."""

    def __init__(self, protocol: StreamProtocol, connections: Connections) -> None:
        self._protocol = protocol
        self.connections = connections
        self.refusing = False
        """Refuse handshakes with HTTP 503."""

    async def serve(self, request: web.Request) -> web.StreamResponse:
        if self.refusing:
            return web.Response(status=503)
        socket = web.WebSocketResponse(compress=False, autoping=True, max_msg_size=64 * 1024)
        await socket.prepare(request)
        accepted = self._protocol.accept(request)
        if isinstance(accepted, str):
            await socket.send_str(accepted)
            await socket.close()
            return socket
        self.connections.add(accepted)
        try:
            self._protocol.opened(accepted)
            async with asyncio.TaskGroup() as group:
                company = [
                    group.create_task(_write(socket, accepted)),
                    group.create_task(_expire(accepted, self._protocol.topicless_s)),
                ]
                await self._read(socket, accepted)
                for task in company:
                    task.cancel()
        except* (ConnectionError, TimeoutError):
            pass
        finally:
            self.connections.discard(accepted)
        return socket

    async def _read(self, socket: web.WebSocketResponse, connection: Connection) -> None:
        while True:
            message = await socket.receive(timeout=self._protocol.idle_s)
            if message.type is WSMsgType.TEXT:
                self._protocol.received(connection, message.data)
            elif message.type in {WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR}:
                return


async def _expire(connection: Connection, topicless_s: float | None) -> None:
    """End a connection without subscriptions, and any after a day."""
    passed_s = 0.0
    while passed_s < _LIFE_S and (connection.topics or topicless_s is None or not passed_s):
        await asyncio.sleep(topicless_s or _LIFE_S)
        passed_s += topicless_s or _LIFE_S
    connection.close()


async def _write(socket: web.WebSocketResponse, connection: Connection) -> None:
    while True:
        item = await connection.outgoing.get()
        if isinstance(item, WSCloseCode):
            await socket.close(code=item)
            return
        if isinstance(item, str):
            await socket.send_str(item)
        else:
            await socket.send_bytes(item)
