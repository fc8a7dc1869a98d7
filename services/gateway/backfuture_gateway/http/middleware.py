"""Around every request: no body above the limit, no header that helps an attacker."""

import asyncio
from collections.abc import Sequence

from backfuture_common.errors import ErrorInfo
from fastapi.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backfuture_gateway.http.errors import body_of

MAX_BODY_BYTES = 64 * 1024
_BODY_S = 15.0

_HEADERS: Sequence[tuple[bytes, bytes]] = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
)


class SecurityHeaders:
    """Adds the headers that keep browsers from guessing, framing, caching and leaking; opens no other origin."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                present = {name.lower() for name, _ in message.get("headers", [])}
                message["headers"] = [
                    *message.get("headers", []),
                    *((name, value) for name, value in _HEADERS if name not in present),
                ]
            await send(message)

        await self._app(scope, receive, with_headers)


class BodyLimit:
    """Reads the whole body before the application does; refuses one above the limit, or not there ``within_s``."""

    def __init__(self, app: ASGIApp, within_s: float = _BODY_S) -> None:
        self._app = app
        self._within_s = within_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in {"GET", "HEAD", "OPTIONS"}:
            await self._app(scope, receive, send)
            return
        if _declared_length(scope) > MAX_BODY_BYTES:
            await _too_large(scope, receive, send)
            return
        try:
            async with asyncio.timeout(self._within_s):
                body = await _read(receive)
        except TimeoutError:
            await _too_slow(scope, receive, send)
            return
        if body is None:
            return  # the client has gone
        if len(body) > MAX_BODY_BYTES:
            await _too_large(scope, receive, send)
            return
        await self._app(scope, _replay(body, receive), send)


async def _read(receive: Receive) -> bytes | None:
    """Return the body, or a little more than is allowed of it; None when the client went away."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        body += message.get("body", b"")
        if len(body) > MAX_BODY_BYTES or not message.get("more_body", False):
            return bytes(body)


def _replay(body: bytes, receive: Receive) -> Receive:
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


def _declared_length(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value[:20])
    return 0


async def _too_large(scope: Scope, receive: Receive, send: Send) -> None:
    info = ErrorInfo(
        code="request.too_large",
        message="The body is larger than 64 kB.",
        hint="No request of this API needs that much.",
    )
    await _refuse(scope, receive, send, 413, info)


async def _too_slow(scope: Scope, receive: Receive, send: Send) -> None:
    info = ErrorInfo(code="request.too_slow", message="The body did not arrive in time.", hint="", retryable=True)
    await _refuse(scope, receive, send, 408, info)


async def _refuse(scope: Scope, receive: Receive, send: Send, status: int, info: ErrorInfo) -> None:
    answer = JSONResponse(body_of(info), status_code=status, headers={"Connection": "close"})
    await answer(scope, receive, send)
