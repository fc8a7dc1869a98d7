"""The body limit against clients that do not behave."""

import asyncio
from typing import Any

from backfuture_gateway.http.middleware import MAX_BODY_BYTES, BodyLimit
from starlette.types import Message, Receive, Scope, Send

_SCOPE: dict[str, Any] = {"type": "http", "method": "POST", "path": "/", "headers": []}


class _App:
    """Reads its body and answers 200."""

    def __init__(self) -> None:
        self.body: bytes | None = None

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        self.body = (await receive())["body"]
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})


async def _send(app: _App, *messages: Message, then_wait: bool = False) -> int | None:
    """Feed messages through the limit; return the answer's status, None when there was none."""
    waiting = list(messages)
    statuses: list[int] = []

    async def receive() -> Message:
        if not waiting and then_wait:
            await asyncio.Event().wait()
        return waiting.pop(0) if waiting else {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    await BodyLimit(app, within_s=0.05)(_SCOPE, receive, send)
    return statuses[0] if statuses else None


def _chunk(size: int, *, more: bool) -> Message:
    return {"type": "http.request", "body": b"x" * size, "more_body": more}


async def test_a_body_in_pieces_arrives_whole() -> None:
    app = _App()

    assert await _send(app, _chunk(5, more=True), _chunk(7, more=False)) == 200
    assert app.body == b"x" * 12


async def test_a_body_of_exactly_the_limit_passes_and_one_byte_more_does_not() -> None:
    app = _App()

    assert await _send(app, _chunk(MAX_BODY_BYTES, more=False)) == 200
    assert await _send(app, _chunk(MAX_BODY_BYTES, more=True), _chunk(1, more=False)) == 413


async def test_a_client_that_never_finishes_is_let_go() -> None:
    app = _App()

    assert await _send(app, _chunk(5, more=True), then_wait=True) == 408
    assert app.body is None


async def test_a_client_that_went_away_is_not_served() -> None:
    app = _App()

    assert await _send(app, _chunk(5, more=True)) is None
    assert app.body is None
