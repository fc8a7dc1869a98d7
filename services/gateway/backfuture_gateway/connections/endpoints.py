"""Connections to exchanges."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from backfuture_gateway.connections.schemas import ConnectionCreate, ConnectionOut
from backfuture_gateway.http.dependencies import CallerDep, RequestKeyDep, ServicesDep
from backfuture_gateway.http.errors import refusals
from backfuture_gateway.http.texts import PathId

router = APIRouter(prefix="/connections", tags=["connections"])


@router.get("", responses=refusals(401))
async def list_connections(caller: CallerDep, services: ServicesDep) -> list[ConnectionOut]:
    """Return my connections with the last word of their exchanges."""
    return await services.connections.list_of(caller.user_id)


@router.post("", status_code=201, response_model=ConnectionOut, responses=refusals(400, 401, 409, 503, 504))
async def create_connection(
    body: ConnectionCreate, caller: CallerDep, services: ServicesDep, key: RequestKeyDep
) -> Response:
    """Store an API key and have it tested.

    The key goes to the key store and is never shown again. The test runs on: look at the connection, or listen to the
    event stream, until its status is no longer `testing`. A key that can withdraw is refused and destroyed.
    """
    answer = await services.connections.create(caller.user_id, body, key)
    return answer.response()


@router.get("/{connection_id}", responses=refusals(401, 404))
async def get_connection(connection_id: PathId, caller: CallerDep, services: ServicesDep) -> ConnectionOut:
    """Return one of my connections."""
    return await services.connections.get(caller.user_id, connection_id)


@router.delete("/{connection_id}", status_code=202, response_model=ConnectionOut, responses=refusals(401, 404, 409))
async def remove_connection(
    connection_id: PathId,
    caller: CallerDep,
    services: ServicesDep,
    key: RequestKeyDep,
    force: Annotated[bool, Query(description="Also while bots run (they are stopped) or groups are open.")] = False,
) -> Response:
    """Revoke a connection and have its key destroyed."""
    return await services.requests.once(
        services.db,
        key,
        202,
        lambda session: services.connections.remove(session, caller.user_id, connection_id, force=force),
    )


@router.post("/{connection_id}/test", status_code=202, response_model=ConnectionOut, responses=refusals(401, 404, 409))
async def test_connection(
    connection_id: PathId, caller: CallerDep, services: ServicesDep, key: RequestKeyDep
) -> Response:
    """Test the key again. The answer names the new test; its steps follow on the connection."""
    return await services.requests.once(
        services.db, key, 202, lambda session: services.connections.test(session, caller.user_id, connection_id)
    )
