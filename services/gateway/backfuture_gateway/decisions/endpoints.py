"""Decisions."""

from typing import Annotated

from backfuture_common.messages.decisions import Verdict
from fastapi import APIRouter, Query

from backfuture_gateway.decisions.repository import DecisionFilter
from backfuture_gateway.decisions.schemas import DecisionOut, ExplanationOut
from backfuture_gateway.http.dependencies import CallerDep, ServicesDep
from backfuture_gateway.http.errors import refusals
from backfuture_gateway.http.pages import Cursor, Limit, Page
from backfuture_gateway.http.texts import PathLongId, QueryId

router = APIRouter(tags=["decisions"])


@router.get("/decisions", responses=refusals(401))
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


@router.get("/decisions/{decision_id}", responses=refusals(401, 404))
async def get_decision(decision_id: PathLongId, caller: CallerDep, services: ServicesDep) -> DecisionOut:
    """Return one decision, however old."""
    return await services.decisions.get(caller.user_id, decision_id)


@router.get("/explain/{which}", responses=refusals(401, 404))
async def explain(which: PathLongId, caller: CallerDep, services: ServicesDep) -> ExplanationOut:
    """Say why an order was placed, or why something was decided: every reason in words, and the orders it led to."""
    return await services.decisions.explain(caller.user_id, which)
