"""Decisions."""

from typing import Annotated

from backfuture_common.messages.bots import Verdict
from fastapi import APIRouter, Query

from backfuture_gateway.decisions.repository import DecisionFilter
from backfuture_gateway.decisions.schemas import DecisionOut
from backfuture_gateway.http.dependencies import CallerDep, ServicesDep
from backfuture_gateway.http.errors import refusals
from backfuture_gateway.http.pages import Cursor, Limit, Page
from backfuture_gateway.http.texts import QueryId

router = APIRouter(prefix="/decisions", tags=["decisions"])


@router.get("", responses=refusals(401))
async def list_decisions(
    *,
    caller: CallerDep,
    services: ServicesDep,
    bot_id: QueryId = None,
    group_id: QueryId = None,
    verdict: Annotated[Verdict | None, Query(description="Only these verdicts.")] = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Page[DecisionOut]:
    """Return what my bots decided and why, newest first."""
    wanted = DecisionFilter(bot_id=bot_id, group_id=group_id, verdict=verdict)
    return await services.decisions.page(caller.user_id, wanted, cursor, limit)
