"""Balances in SQL."""

from collections.abc import Sequence
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from backfuture_gateway.db.tables import ConnectionRow
from backfuture_gateway.read_model.tables import BalanceView


async def list_of(session: AsyncSession, owner_id: str) -> Sequence[tuple[BalanceView, ConnectionRow]]:
    """Return all balances behind the owner's connections."""
    found = await session.execute(
        select(BalanceView, ConnectionRow)
        .join(ConnectionRow, ConnectionRow.id == BalanceView.connection_id)
        .where(ConnectionRow.owner_id == owner_id, ConnectionRow.phase != "removed")
        .order_by(ConnectionRow.created_ms, BalanceView.connection_id, BalanceView.currency)
    )
    return [(row[0], row[1]) for row in found]


async def total_of(session: AsyncSession, connection_id: str, currency: str) -> Decimal | None:
    """Return free and held together, None when nothing is known of this account."""
    row = await session.get(BalanceView, (connection_id, currency))
    return row.free + row.held if row else None
