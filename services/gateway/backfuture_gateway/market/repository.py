"""Instruments in SQL."""

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from backfuture_gateway.read_model.tables import InstrumentView


async def count_by_exchange(session: AsyncSession) -> dict[str, int]:
    found = await session.execute(
        select(InstrumentView.exchange, func.count())
        .where(InstrumentView.active.is_(True))
        .group_by(InstrumentView.exchange)
    )
    return {row[0]: row[1] for row in found}


async def list_of(session: AsyncSession, exchange: str) -> Sequence[InstrumentView]:
    found = await session.execute(
        select(InstrumentView).where(InstrumentView.exchange == exchange).order_by(InstrumentView.symbol)
    )
    return found.scalars().all()
