"""How long connections live, whatever the venue."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import aiohttp
import pytest
from aiohttp import web
from backfuture_paper.core.instruments import Venue
from backfuture_paper.web.streams import Connection, Connections, StreamHandler

Open = Callable[[], Awaitable[aiohttp.ClientWebSocketResponse]]


class Echo:
    """Subscribes to what it is told and answers with it."""

    venue: Venue = "mexc"
    idle_s = 0.6
    topicless_s: float | None = 0.2

    def __init__(self) -> None:
        self.connections = Connections(self.venue)

    def accept(self, request: web.Request) -> Connection | str:
        return Connection(self.venue, request.query.get("account"), request.transport)

    def opened(self, connection: Connection) -> None:
        connection.reply("hello")

    def received(self, connection: Connection, text: str) -> None:
        self.connections.subscribe(connection, [text])
        connection.reply(text)


@pytest.fixture
def echo() -> Echo:
    return Echo()


@pytest.fixture
async def connect(echo: Echo) -> AsyncIterator[Open]:
    app = web.Application()
    app.router.add_get("/ws", StreamHandler(echo, echo.connections).serve)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with aiohttp.ClientSession() as session:
        yield lambda: session.ws_connect(f"http://127.0.0.1:{runner.addresses[0][1]}/ws?account=me")
    await runner.cleanup()


async def until_closed(socket: aiohttp.ClientWebSocketResponse, echo: Echo) -> list[str]:
    """Return what was heard until the server ended the connection, and forgot it."""
    async with asyncio.timeout(5):
        heard = [message.data async for message in socket]
        while list(echo.connections):  # noqa: ASYNC110 - the server's side ends by itself
            await asyncio.sleep(0.01)
    return heard


async def test_a_connection_without_subscriptions_is_ended(connect: Open, echo: Echo) -> None:
    socket = await connect()

    assert await until_closed(socket, echo) == ["hello"]


async def test_a_silent_connection_is_ended_although_it_is_subscribed(connect: Open, echo: Echo) -> None:
    socket = await connect()
    await socket.send_str("topic")

    assert await until_closed(socket, echo) == ["hello", "topic"]
    assert echo.connections.of("topic") == []


async def test_a_connection_that_talks_lives_on(connect: Open, echo: Echo) -> None:
    socket = await connect()
    for _ in range(8):
        await socket.send_str("topic")
        await asyncio.sleep(0.1)

    assert len(echo.connections.of("topic", "me")) == 1
    assert echo.connections.of("topic", "you") == []
    await socket.close()


async def test_a_client_that_does_not_read_is_cut_off(connect: Open, echo: Echo) -> None:
    socket = await connect()
    await socket.send_str("topic")
    assert [(await socket.receive()).data, (await socket.receive()).data] == ["hello", "topic"]
    (connection,) = echo.connections.of("topic")

    for _ in range(6_000):
        connection.push("x")

    assert len(await until_closed(socket, echo)) < 6_000
