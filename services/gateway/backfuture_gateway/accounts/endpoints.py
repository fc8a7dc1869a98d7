"""Balances."""

from fastapi import APIRouter

from backfuture_gateway.accounts.schemas import BalanceOut
from backfuture_gateway.http.dependencies import CallerDep, ServicesDep
from backfuture_gateway.http.errors import refusals

router = APIRouter(tags=["accounts"])


@router.get("/balances", responses=refusals(401))
async def list_balances(caller: CallerDep, services: ServicesDep) -> list[BalanceOut]:
    """Return what is in the accounts behind my connections, as the exchanges last told it."""
    return await services.accounts.balances(caller.user_id)
