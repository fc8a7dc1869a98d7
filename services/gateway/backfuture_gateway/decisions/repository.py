"""Decisions in SQL."""

from collections.abc import Sequence
from dataclasses import dataclass

from backfuture_common.messages.decisions import Verdict
from sqlalchemy import select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from backfuture_gateway.http.pages import Position
from backfuture_gateway.read_model.tables import DecisionView


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionFilter:
    bot_id: str | None = None
    group_id: str | None = None
    verdict: Verdict | None = None


async def page(
    session: AsyncSession, owner_id: str, wanted: DecisionFilter, *, after: Position | None, limit: int
) -> Sequence[DecisionView]:
    """Return the owner's decisions, newest first."""
    query = select(DecisionView).where(DecisionView.owner_id == owner_id)
    if wanted.bot_id is not None:
        query = query.where(DecisionView.bot_id == wanted.bot_id)
    if wanted.group_id is not None:
        query = query.where(DecisionView.group_id == wanted.group_id)
    if wanted.verdict is not None:
        query = query.where(DecisionView.verdict == wanted.verdict)
    if after is not None:
        query = query.where(tuple_(DecisionView.at_ms, DecisionView.decision_id) < (after.at_ms, after.row_id))
    found = await session.execute(
        query.order_by(DecisionView.at_ms.desc(), DecisionView.decision_id.desc()).limit(limit)
    )
    return found.scalars().all()


async def find(session: AsyncSession, owner_id: str, decision_id: str) -> DecisionView | None:
    row = await session.get(DecisionView, decision_id)
    return row if row is not None and row.owner_id == owner_id else None


async def find_many(session: AsyncSession, ids: Sequence[str]) -> Sequence[DecisionView]:
    found = await session.execute(select(DecisionView).where(DecisionView.decision_id.in_(ids)))
    return found.scalars().all()
