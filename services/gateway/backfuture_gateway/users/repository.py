"""Users in SQL."""

from collections.abc import Sequence

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from backfuture_gateway.db.tables import UserRow


def folded(name: str) -> str:
    """Return the form in which names are stored and compared: capitals do not tell two users apart."""
    return name.strip().casefold()


async def find_by_name(session: AsyncSession, folded_name: str) -> UserRow | None:
    found = await session.execute(select(UserRow).where(UserRow.name == folded_name))
    return found.scalar_one_or_none()


async def list_all(session: AsyncSession) -> Sequence[UserRow]:
    found = await session.execute(select(UserRow).order_by(UserRow.created_ms, UserRow.id))
    return found.scalars().all()


async def set_password_hash(session: AsyncSession, user_id: str, password_hash: str) -> None:
    await session.execute(update(UserRow).where(UserRow.id == user_id).values(password_hash=password_hash))
