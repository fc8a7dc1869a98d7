"""Sessions and their refresh tokens in SQL."""

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from backfuture_gateway.db.tables import RefreshTokenRow, SessionRow, UserRow


async def find_session(session: AsyncSession, session_id: str) -> tuple[SessionRow, UserRow] | None:
    """Return a session with its user, ended or not."""
    found = await session.execute(
        select(SessionRow, UserRow).join(UserRow, UserRow.id == SessionRow.user_id).where(SessionRow.id == session_id)
    )
    row = found.one_or_none()
    return (row[0], row[1]) if row else None


async def find_token(session: AsyncSession, token_hash: str) -> RefreshTokenRow | None:
    """Return a refresh token; inside a write nobody else can use it until that ends."""
    found = await session.execute(
        select(RefreshTokenRow).where(RefreshTokenRow.token_hash == token_hash).with_for_update()
    )
    return found.scalar_one_or_none()


async def end_session(session: AsyncSession, session_id: str, *, by: str, now_ms: int) -> None:
    """End a session; its tokens are worth nothing from now on. A second end changes nothing."""
    await session.execute(
        update(SessionRow)
        .where(SessionRow.id == session_id, SessionRow.ended_ms.is_(None))
        .values(ended_ms=now_ms, ended_by=by)
    )


async def delete_expired(session: AsyncSession, now_ms: int) -> None:
    """Forget sessions whose last token has expired, with their tokens."""
    old = select(SessionRow.id).where(SessionRow.expires_ms < now_ms)
    await session.execute(delete(RefreshTokenRow).where(RefreshTokenRow.session_id.in_(old)))
    await session.execute(delete(SessionRow).where(SessionRow.expires_ms < now_ms))


async def end_sessions_of(session: AsyncSession, user_id: str, *, by: str, now_ms: int) -> None:
    """End every session of a user."""
    await session.execute(
        update(SessionRow)
        .where(SessionRow.user_id == user_id, SessionRow.ended_ms.is_(None))
        .values(ended_ms=now_ms, ended_by=by)
    )
