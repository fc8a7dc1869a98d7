"""Orders."""

from typing import Annotated

from backfuture_common.messages.orders import OrderStatus
from fastapi import APIRouter, Query

from backfuture_gateway.http.dependencies import CallerDep, ServicesDep
from backfuture_gateway.http.errors import refusals
from backfuture_gateway.http.pages import Cursor, Limit, Page
from backfuture_gateway.http.texts import PathLongId, QueryId
from backfuture_gateway.orders.repository import OrderFilter
from backfuture_gateway.orders.schemas import OrderOut

router = APIRouter(prefix="/orders", tags=["orders"])


@router.get("", responses=refusals(401))
async def list_orders(
    *,
    caller: CallerDep,
    services: ServicesDep,
    bot_id: QueryId = None,
    group_id: QueryId = None,
    status: Annotated[OrderStatus | None, Query(description="Only orders in this state.")] = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Page[OrderOut]:
    """Return my orders, newest first, each with the decision behind it."""
    wanted = OrderFilter(bot_id=bot_id, group_id=group_id, status=status)
    return await services.orders.page(caller.user_id, wanted, cursor, limit)


@router.get("/{client_order_id}", responses=refusals(401, 404))
async def get_order(client_order_id: PathLongId, caller: CallerDep, services: ServicesDep) -> OrderOut:
    """Return one order, however old."""
    return await services.orders.get(caller.user_id, client_order_id)
