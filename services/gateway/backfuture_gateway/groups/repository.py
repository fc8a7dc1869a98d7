"""Groups in SQL, with the bot they belong to and the market they are in."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Select, and_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from backfuture_gateway.db.tables import BotRow, ConnectionRow
from backfuture_gateway.http.pages import Position
from backfuture_gateway.read_model.tables import GroupView, InstrumentView, OrderView

Found = tuple[GroupView, BotRow, ConnectionRow, InstrumentView | None]
Which = Literal["open", "closed", "all"]


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupFilter:
    which: Which = "all"
    bot_id: str | None = None


def _with_bot() -> Select[GroupView, BotRow, ConnectionRow, InstrumentView]:
    return (
        select(GroupView, BotRow, ConnectionRow, InstrumentView)
        .join(BotRow, BotRow.id == GroupView.bot_id)
        .join(ConnectionRow, ConnectionRow.id == BotRow.connection_id)
        .outerjoin(
            InstrumentView,
            and_(InstrumentView.exchange == ConnectionRow.exchange, InstrumentView.symbol == GroupView.symbol),
        )
    )


async def page(
    session: AsyncSession, owner_id: str, wanted: GroupFilter, *, after: Position | None, limit: int
) -> list[Found]:
    """Return the owner's groups, newest first."""
    query = _with_bot().where(GroupView.owner_id == owner_id)
    if wanted.which == "open":
        query = query.where(GroupView.closed_ms.is_(None))
    if wanted.which == "closed":
        query = query.where(GroupView.closed_ms.is_not(None))
    if wanted.bot_id is not None:
        query = query.where(GroupView.bot_id == wanted.bot_id)
    if after is not None:
        query = query.where(tuple_(GroupView.opened_ms, GroupView.group_id) < (after.at_ms, after.row_id))
    found = await session.execute(query.order_by(GroupView.opened_ms.desc(), GroupView.group_id.desc()).limit(limit))
    return [(row[0], row[1], row[2], row[3]) for row in found]


async def find(session: AsyncSession, owner_id: str, group_id: str) -> Found | None:
    found = await session.execute(_with_bot().where(GroupView.group_id == group_id, GroupView.owner_id == owner_id))
    row = found.one_or_none()
    return (row[0], row[1], row[2], row[3]) if row else None


async def find_many(session: AsyncSession, ids: Sequence[str]) -> list[Found]:
    found = await session.execute(_with_bot().where(GroupView.group_id.in_(ids)))
    return [(row[0], row[1], row[2], row[3]) for row in found]


async def orders_of(session: AsyncSession, group_id: str) -> Sequence[OrderView]:
    """Return a group's orders, oldest first."""
    found = await session.execute(
        select(OrderView).where(OrderView.group_id == group_id).order_by(OrderView.first_ms, OrderView.client_order_id)
    )
    return found.scalars().all()
