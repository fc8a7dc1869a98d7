"""The outbox in SQL."""

from collections.abc import Iterable, Sequence

from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from backfuture_gateway.db.tables import OutboxRow


async def take_unsent(session: AsyncSession, most: int) -> Sequence[OutboxRow]:
    """Return the oldest rows that have not been sent, attempted or not."""
    found = await session.execute(
        select(OutboxRow).where(OutboxRow.sent_ms.is_(None)).order_by(OutboxRow.id).limit(most)
    )
    return found.scalars().all()


async def attempted(session: AsyncSession) -> Sequence[OutboxRow]:
    """Return the rows whose sending was begun and is not known to have ended."""
    found = await session.execute(
        select(OutboxRow).where(OutboxRow.sent_ms.is_(None), OutboxRow.attempted_ms.is_not(None)).order_by(OutboxRow.id)
    )
    return found.scalars().all()


async def mark_attempted(session: AsyncSession, ids: Iterable[int], now_ms: int | None) -> None:
    """Record that sending begins; None: that it is known not to have happened."""
    await session.execute(update(OutboxRow).where(OutboxRow.id.in_(list(ids))).values(attempted_ms=now_ms))


async def mark_sent(session: AsyncSession, ids: Iterable[int], now_ms: int) -> None:
    await session.execute(update(OutboxRow).where(OutboxRow.id.in_(list(ids))).values(sent_ms=now_ms))


async def count_unsent(session: AsyncSession) -> int:
    found = await session.execute(select(func.count()).select_from(OutboxRow).where(OutboxRow.sent_ms.is_(None)))
    return found.scalar_one()


async def forget_sent(session: AsyncSession, before_ms: int) -> None:
    await session.execute(delete(OutboxRow).where(OutboxRow.sent_ms < before_ms))
