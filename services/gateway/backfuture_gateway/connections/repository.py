"""Connections in SQL, together with what the connector says of them."""

from collections.abc import Sequence

from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from backfuture_gateway.db.tables import BotRow, ConnectionRow
from backfuture_gateway.read_model.tables import BotView, ConnectionView, GroupView

Pair = tuple[ConnectionRow, ConnectionView | None]


def _with_view() -> Select[ConnectionRow, ConnectionView]:
    return select(ConnectionRow, ConnectionView).outerjoin(
        ConnectionView, ConnectionView.connection_id == ConnectionRow.id
    )


async def find(session: AsyncSession, owner_id: str, connection_id: str) -> Pair | None:
    """Return one of the owner's connections that has not been removed."""
    found = await session.execute(
        _with_view().where(
            ConnectionRow.id == connection_id, ConnectionRow.owner_id == owner_id, ConnectionRow.phase != "removed"
        )
    )
    row = found.one_or_none()
    return (row[0], row[1]) if row else None


async def find_many(session: AsyncSession, ids: Sequence[str]) -> Sequence[Pair]:
    found = await session.execute(_with_view().where(ConnectionRow.id.in_(ids)))
    return [(row[0], row[1]) for row in found]


async def list_of(session: AsyncSession, owner_id: str) -> Sequence[Pair]:
    found = await session.execute(
        _with_view()
        .where(ConnectionRow.owner_id == owner_id, ConnectionRow.phase != "removed")
        .order_by(ConnectionRow.created_ms, ConnectionRow.id)
    )
    return [(row[0], row[1]) for row in found]


async def same_name(session: AsyncSession, owner_id: str, name: str) -> ConnectionRow | None:
    found = await session.execute(
        select(ConnectionRow).where(
            ConnectionRow.owner_id == owner_id, ConnectionRow.name == name, ConnectionRow.phase != "removed"
        )
    )
    return found.scalar_one_or_none()


async def same_key(session: AsyncSession, fingerprint: str) -> ConnectionRow | None:
    """Return the connection, anybody's, that uses the same API key."""
    found = await session.execute(
        select(ConnectionRow).where(ConnectionRow.fingerprint == fingerprint, ConnectionRow.phase != "removed")
    )
    return found.scalar_one_or_none()


async def bots_on(session: AsyncSession, connection_id: str) -> Sequence[tuple[BotRow, BotView | None]]:
    """Return the bots of a connection that have not been deleted."""
    found = await session.execute(
        select(BotRow, BotView)
        .outerjoin(BotView, BotView.bot_id == BotRow.id)
        .where(BotRow.connection_id == connection_id, BotRow.wanted != "deleted")
    )
    return [(row[0], row[1]) for row in found]


async def count_open_groups(session: AsyncSession, connection_id: str) -> int:
    found = await session.execute(
        select(func.count())
        .select_from(GroupView)
        .join(BotRow, BotRow.id == GroupView.bot_id)
        .where(BotRow.connection_id == connection_id, GroupView.closed_ms.is_(None))
    )
    return found.scalar_one()


async def stuck_in_storing(session: AsyncSession, before_ms: int) -> Sequence[ConnectionRow]:
    found = await session.execute(
        select(ConnectionRow).where(ConnectionRow.phase == "storing", ConnectionRow.updated_ms < before_ms)
    )
    return found.scalars().all()


async def due_for_destruction(session: AsyncSession, now_ms: int) -> Sequence[ConnectionRow]:
    found = await session.execute(
        select(ConnectionRow)
        .where(ConnectionRow.phase == "destroying", ConnectionRow.destroy_after_ms <= now_ms)
        .order_by(ConnectionRow.destroy_after_ms)
        .limit(20)
    )
    return found.scalars().all()
