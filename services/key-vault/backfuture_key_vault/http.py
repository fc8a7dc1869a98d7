"""What both sockets have in common: who is asking, how much may be sent, and what an answer looks like.

Nothing that was sent is ever sent back or logged: a refused body is answered with a fixed sentence, a failure inside
with its place in the code.
"""

import traceback
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import msgspec
from backfuture_common.contracts.key_vault import ErrorAnswer
from backfuture_common.errors import ErrorInfo, PlatformError, Refused
from backfuture_common.runtime.http import health_routes
from backfuture_common.runtime.logging import get_logger
from backfuture_common.runtime.service import Runtime
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from backfuture_key_vault.callers import Caller, Callers, Role

T = TypeVar("T")
Endpoint = Callable[[Request], Awaitable[msgspec.Struct]]

BODY_LIMIT = 64 * 1024
_STATUS = {
    "invalid_request": 400, "invalid_id": 400, "exchange_unsupported": 400, "credential_malformed": 400,
    "unauthorized": 401, "lease_unknown": 401, "forbidden": 403, "wrong_exchange": 403, "sign.refused": 403,
    "orders_suspended": 403, "no_credential": 404, "not_found": 404, "method_not_allowed": 405, "version_conflict": 409,
    "body_too_large": 413, "sign.rate_limited": 429, "vault_busy": 429, "internal": 500, "vault_denied": 502,
    "vault_untrusted": 503, "vault_redirect": 503, "vault_error": 503, "vault_sealed": 503, "vault_unreachable": 503,
    "outcome_unknown": 504,
}  # fmt: skip
_RETRY_AFTER_S = {429: "1", 503: "5"}

_log = get_logger("backfuture.key-vault.http")


def build_app(runtime: Runtime, routes: Sequence[Route]) -> FastAPI:
    """Return an app of these routes and the health routes: no documentation, no echo."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    app.router.redirect_slashes = False
    app.router.routes.extend(routes)
    app.include_router(health_routes(runtime))
    app.add_exception_handler(HTTPException, _answer_http_error)
    app.add_exception_handler(RequestValidationError, _answer_invalid)
    return app


def route(path: str, method: str, endpoint: Endpoint) -> Route:
    """Return a route whose endpoint gives a struct or raises a :class:`PlatformError`."""

    async def answer(request: Request) -> Response:
        try:
            return Response(msgspec.json.encode(await endpoint(request)), media_type="application/json")
        except PlatformError as error:
            return error_response(error.info)
        except Exception as error:  # noqa: BLE001  # arch: catch-all - its text and its frames may hold a secret
            place = traceback.extract_tb(error.__traceback__)[-1]
            _log.error("http.failed", kind=type(error).__name__, file=place.filename, line=place.lineno)
            return error_response(ErrorInfo(code="internal", message="the service has failed"))

    return Route(path, answer, methods=[method], include_in_schema=False)


def error_response(info: ErrorInfo) -> Response:
    """Return the answer for a refusal, with the status its code stands for."""
    status = _STATUS.get(info.code, 500)
    headers = {"Retry-After": _RETRY_AFTER_S[status]} if status in _RETRY_AFTER_S else None
    body = msgspec.json.encode(ErrorAnswer(error=info))
    return Response(body, status_code=status, headers=headers, media_type="application/json")


def bearer(request: Request) -> str:
    """Return the bearer token. Raises :class:`Refused` ``unauthorized`` when there is none."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Refused("unauthorized", "a bearer token is needed")
    return token.strip()


def require_caller(request: Request, callers: Callers, role: Role) -> Caller:
    """Return the caller of this role. Raises :class:`Refused` ``unauthorized`` or ``forbidden``."""
    caller = callers.find(bearer(request))
    if caller is None:
        raise Refused("unauthorized", "this token is not known here")
    if caller.role != role:
        _log.error("caller.forbidden", caller=caller.name, path=request.url.path, alarm=True)
        raise Refused("forbidden", "this caller may not do that")
    return caller


async def read_body(request: Request, decoder: "msgspec.json.Decoder[T]") -> T:
    """Return the body as the decoder's type. Raises :class:`Refused` that says nothing of what was sent."""
    raw = bytearray()
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > BODY_LIMIT:
            raise Refused("body_too_large", "a body has at most 64 kB")
    value: T | None = None
    try:
        value = decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        value = None
    raw[:] = bytes(len(raw))
    if value is None:
        raise Refused("invalid_request", "the body is not what this call takes")
    return value


async def _answer_http_error(_request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    codes = {404: ("not_found", "there is no such call"), 405: ("method_not_allowed", "not with this method")}
    code, message = codes.get(status, ("invalid_request", "the request cannot be read"))
    return error_response(ErrorInfo(code=code, message=message))


async def _answer_invalid(_request: Request, _error: Exception) -> Response:
    return error_response(ErrorInfo(code="invalid_request", message="the request is not what this call takes"))
