"""Small JSON interfaces of our own, for people and tests on this machine."""

import ipaddress
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import TypeVar

import msgspec
from aiohttp import web
from backfuture_common.domain.money import plain

from backfuture_paper.core.refusals import ExchangeRefusal

T = TypeVar("T")
Answer = dict[str, object] | list[object]
JsonHandler = Callable[[web.Request], Awaitable[Answer]]


async def read(request: web.Request, kind: type[T]) -> T:
    """Return the body as ``kind``. HTTP 415 unless it is JSON (no web page can send that), 422 when it does not fit."""
    if request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType(text="send application/json\n")
    try:
        return msgspec.json.decode(await request.read(), type=kind)
    except msgspec.MsgspecError as error:
        raise web.HTTPUnprocessableEntity(text=f"{error}\n") from None


def loopback_only(handler: JsonHandler) -> Callable[[web.Request], Awaitable[web.Response]]:
    """Serve a handler to this machine only. A refusal is HTTP 404, 409 or 422 with its reason."""

    async def serve(request: web.Request) -> web.Response:
        if not request.remote or not ipaddress.ip_address(request.remote).is_loopback:
            raise web.HTTPForbidden(text="this machine only\n")
        try:
            return answer(await handler(request))
        except ExchangeRefusal as refusal:
            return answer({"error": {"code": refusal.reason, "message": str(refusal)}}, status=422)

    return serve


def answer(data: object, status: int = 200) -> web.Response:
    return web.Response(status=status, body=msgspec.json.encode(data), content_type="application/json")


def readable(value: object) -> object:
    """Return structs as plain objects, money as text without exponents."""
    return msgspec.to_builtins(_with_plain_money(msgspec.to_builtins(value, builtin_types=(Decimal,))))


def _with_plain_money(value: object) -> object:
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, dict):
        return {key: _with_plain_money(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_with_plain_money(inner) for inner in value]
    return value
