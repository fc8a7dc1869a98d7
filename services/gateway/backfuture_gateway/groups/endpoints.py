"""Groups."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from backfuture_gateway.groups.repository import GroupFilter, Which
from backfuture_gateway.groups.schemas import GroupDetail, GroupOut
from backfuture_gateway.http.dependencies import CallerDep, RequestKeyDep, ServicesDep
from backfuture_gateway.http.errors import refusals
from backfuture_gateway.http.pages import Cursor, Limit, Page
from backfuture_gateway.http.texts import PathGroupId, QueryId

router = APIRouter(prefix="/groups", tags=["groups"])


@router.get("", responses=refusals(401))
async def list_groups(
    *,
    caller: CallerDep,
    services: ServicesDep,
    state: Annotated[Which, Query(description="Which groups.")] = "all",
    bot_id: QueryId = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[GroupOut]:
    """Return my groups, newest first."""
    return await services.groups.page(caller.user_id, GroupFilter(which=state, bot_id=bot_id), cursor, limit)


@router.get("/{group_id}", responses=refusals(401, 404))
async def get_group(group_id: PathGroupId, caller: CallerDep, services: ServicesDep) -> GroupDetail:
    """Return a group with all its orders."""
    return await services.groups.get(caller.user_id, group_id)


@router.post("/{group_id}/close", status_code=202, response_model=GroupOut, responses=refusals(401, 404, 409))
async def close_group(group_id: PathGroupId, caller: CallerDep, services: ServicesDep, key: RequestKeyDep) -> Response:
    """Sell the whole group now, at a loss if need be."""
    return await services.requests.once(
        services.db, key, 202, lambda session: services.groups.close(session, caller.user_id, group_id)
    )
