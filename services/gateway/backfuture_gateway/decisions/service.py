"""Decisions as their owner sees them."""

from collections.abc import Sequence

from backfuture_common.domain.ids import UserId
from sqlalchemy.ext.asyncio import AsyncSession

from backfuture_gateway.db.engine import Database
from backfuture_gateway.decisions import repository
from backfuture_gateway.decisions.repository import DecisionFilter
from backfuture_gateway.decisions.schemas import DecisionOut
from backfuture_gateway.http.pages import Page, Position


class DecisionService:
    """Reads decisions; they are made by the engine alone."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def page(self, owner: UserId, wanted: DecisionFilter, cursor: str | None, limit: int) -> Page[DecisionOut]:
        async with self._db.read() as session:
            rows = await repository.page(session, owner, wanted, after=Position.parse(cursor), limit=limit + 1)
        more = Position(at_ms=rows[limit - 1].at_ms, row_id=rows[limit - 1].decision_id) if rows[limit:] else None
        return Page(
            items=[DecisionOut.model_validate(row) for row in rows[:limit]], next_cursor=more.write() if more else None
        )

    async def present_many(self, session: AsyncSession, ids: Sequence[str]) -> list[tuple[str, DecisionOut]]:
        """Return owner and look of these decisions."""
        return [(row.owner_id, DecisionOut.model_validate(row)) for row in await repository.find_many(session, ids)]
