"""What endpoints ask for by type: the services, who calls, the request's idempotency key."""

from typing import Annotated

from fastapi import Depends, Header, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from backfuture_gateway.auth.service import Caller
from backfuture_gateway.http.errors import Forbidden, Unauthorised
from backfuture_gateway.http.idempotency import KEY_PATTERN, RequestKey
from backfuture_gateway.services import Services

_bearer = HTTPBearer(auto_error=False, description="The access token of POST /auth/login or /auth/refresh.")


def _services(request: Request) -> Services:
    services = request.app.state.services
    assert isinstance(services, Services)  # noqa: S101 - narrows the type of app.state
    return services


ServicesDep = Annotated[Services, Depends(_services)]


async def _caller(
    services: ServicesDep, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> Caller:
    if credentials is None:
        raise Unauthorised(
            "auth.token_missing", "This needs an access token.", "Log in, then send it as Authorization: Bearer …"
        )
    return await services.auth.caller_of(credentials.credentials)


CallerDep = Annotated[Caller, Depends(_caller)]
"""Anybody with a valid access token."""


async def _admin(caller: CallerDep) -> Caller:
    if not caller.is_admin:
        raise Forbidden("auth.admin_only", "Only an administrator may do this.", "")
    return caller


AdminDep = Annotated[Caller, Depends(_admin)]
"""An administrator."""


async def _request_key(
    request: Request,
    services: ServicesDep,
    caller: CallerDep,
    idempotency_key: Annotated[
        str | None,
        Header(
            pattern=KEY_PATTERN,
            description="The same key with the same body is done once and answered the same, for 24 hours.",
        ),
    ] = None,
) -> RequestKey | None:
    if idempotency_key is None:
        return None
    fingerprint = services.fingerprints.of_request(
        request.method, request.url.path, request.url.query, await request.body()
    )
    return RequestKey(owner_id=caller.user_id, key=idempotency_key, fingerprint=fingerprint)


RequestKeyDep = Annotated[RequestKey | None, Depends(_request_key)]
"""What makes a mutating request repeatable, None when its sender does not care."""
