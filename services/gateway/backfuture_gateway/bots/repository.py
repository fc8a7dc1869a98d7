"""Bots in SQL: as configured, and as the engine has them."""

from collections.abc import Sequence

from sqlalchemy import Select, and_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from backfuture_gateway.db.tables import BotRow
from backfuture_gateway.read_model.tables import BotView, InstrumentView, JournalView, RefusalView

Found = tuple[BotRow, BotView | None, RefusalView | None]


def _with_views() -> Select[BotRow, BotView, RefusalView]:
    return (
        select(BotRow, BotView, RefusalView)
        .outerjoin(BotView, BotView.bot_id == BotRow.id)
        .outerjoin(RefusalView, RefusalView.bot_id == BotRow.id)
    )


_NOT_GONE = or_(BotRow.wanted != "deleted", and_(BotView.bot_id.is_not(None), BotView.deleted.is_(False)))


async def find(session: AsyncSession, owner_id: str, bot_id: str) -> Found | None:
    """Return one of the owner's bots that is not gone."""
    found = await session.execute(_with_views().where(BotRow.id == bot_id, BotRow.owner_id == owner_id, _NOT_GONE))
    row = found.one_or_none()
    return (row[0], row[1], row[2]) if row else None


async def find_many(session: AsyncSession, ids: Sequence[str]) -> list[Found]:
    found = await session.execute(_with_views().where(BotRow.id.in_(ids)))
    return [(row[0], row[1], row[2]) for row in found]


async def list_of(session: AsyncSession, owner_id: str) -> list[Found]:
    found = await session.execute(
        _with_views().where(BotRow.owner_id == owner_id, _NOT_GONE).order_by(BotRow.created_ms, BotRow.id)
    )
    return [(row[0], row[1], row[2]) for row in found]


async def same_name(session: AsyncSession, owner_id: str, name: str) -> BotRow | None:
    found = await session.execute(
        select(BotRow).where(BotRow.owner_id == owner_id, BotRow.name == name, BotRow.wanted != "deleted")
    )
    return found.scalar_one_or_none()


async def instruments(session: AsyncSession, exchange: str, symbols: Sequence[str]) -> dict[str, InstrumentView]:
    found = await session.execute(
        select(InstrumentView).where(InstrumentView.exchange == exchange, InstrumentView.symbol.in_(symbols))
    )
    return {row.symbol: row for row in found.scalars()}


async def journal(
    session: AsyncSession, owner_id: str, bot_id: str, *, before_seq: int | None, limit: int
) -> Sequence[JournalView]:
    """Return a bot's journal, newest first, from before a sequence number."""
    query = select(JournalView).where(JournalView.bot_id == bot_id, JournalView.owner_id == owner_id)
    if before_seq is not None:
        query = query.where(JournalView.seq < before_seq)
    found = await session.execute(query.order_by(JournalView.seq.desc()).limit(limit))
    return found.scalars().all()
