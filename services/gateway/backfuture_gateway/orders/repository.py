"""Orders in SQL."""

from collections.abc import Sequence
from dataclasses import dataclass

from backfuture_common.messages.orders import OrderStatus
from sqlalchemy import select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from backfuture_gateway.http.pages import Position
from backfuture_gateway.read_model.tables import OrderView


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFilter:
    bot_id: str | None = None
    group_id: str | None = None
    status: OrderStatus | None = None


async def page(
    session: AsyncSession, owner_id: str, wanted: OrderFilter, *, after: Position | None, limit: int
) -> Sequence[OrderView]:
    """Return the owner's orders, newest first."""
    query = select(OrderView).where(OrderView.owner_id == owner_id)
    if wanted.bot_id is not None:
        query = query.where(OrderView.bot_id == wanted.bot_id)
    if wanted.group_id is not None:
        query = query.where(OrderView.group_id == wanted.group_id)
    if wanted.status is not None:
        query = query.where(OrderView.status == wanted.status)
    if after is not None:
        query = query.where(tuple_(OrderView.first_ms, OrderView.client_order_id) < (after.at_ms, after.row_id))
    found = await session.execute(
        query.order_by(OrderView.first_ms.desc(), OrderView.client_order_id.desc()).limit(limit)
    )
    return found.scalars().all()


async def find(session: AsyncSession, owner_id: str, client_order_id: str) -> OrderView | None:
    row = await session.get(OrderView, client_order_id)
    return row if row is not None and row.owner_id == owner_id else None


async def of_decision(session: AsyncSession, owner_id: str, decision_id: str) -> Sequence[OrderView]:
    """Return the orders that a decision led to, oldest first."""
    query = select(OrderView).where(OrderView.owner_id == owner_id, OrderView.decision_id == decision_id)
    found = await session.execute(query.order_by(OrderView.first_ms, OrderView.client_order_id))
    return found.scalars().all()


async def find_many(session: AsyncSession, ids: Sequence[str]) -> Sequence[OrderView]:
    found = await session.execute(select(OrderView).where(OrderView.client_order_id.in_(ids)))
    return found.scalars().all()
