"""Makes users. There is none, and no password, until somebody makes one."""

from backfuture_common.domain.ids import new_id
from backfuture_common.runtime.clock import Clock
from sqlalchemy.ext.asyncio import AsyncSession

from backfuture_gateway.db.tables import Role, UserRow
from backfuture_gateway.http.errors import Conflict
from backfuture_gateway.users import repository


async def create(session: AsyncSession, clock: Clock, *, name: str, password_hash: str, role: Role) -> UserRow:
    """Add a user; :class:`Conflict` when the name is taken (capitals do not matter)."""
    if await repository.find_by_name(session, repository.folded(name)) is not None:
        raise Conflict("user.name_taken", "There is a user of that name.", "Choose another name.")
    user = UserRow(
        id=new_id("usr"),
        name=repository.folded(name),
        role=role,
        password_hash=password_hash,
        created_ms=clock.now_ms(),
    )
    session.add(user)
    await session.flush()
    return user
