"""Decisions as their owner sees them."""

from collections.abc import Sequence

from backfuture_common.domain.ids import UserId
from backfuture_common.messages.decisions import REASONS, Reason, ReasonCode, decision_in_words
from sqlalchemy.ext.asyncio import AsyncSession

from backfuture_gateway.db.engine import Database
from backfuture_gateway.decisions import repository
from backfuture_gateway.decisions.repository import DecisionFilter
from backfuture_gateway.decisions.schemas import DecisionOut, ExplanationOut, ReasonOut
from backfuture_gateway.http.errors import NotFound
from backfuture_gateway.http.pages import Page, Position
from backfuture_gateway.orders import repository as orders
from backfuture_gateway.orders.service import present as present_order
from backfuture_gateway.read_model.tables import DecisionView


class DecisionService:
    """Reads decisions; they are made by the engine alone."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def page(self, owner: UserId, wanted: DecisionFilter, cursor: str | None, limit: int) -> Page[DecisionOut]:
        async with self._db.read() as session:
            rows = await repository.page(session, owner, wanted, after=Position.parse(cursor), limit=limit + 1)
        more = Position(at_ms=rows[limit - 1].at_ms, row_id=rows[limit - 1].decision_id) if rows[limit:] else None
        return Page(items=[present(row) for row in rows[:limit]], next_cursor=more.write() if more else None)

    async def get(self, owner: UserId, decision_id: str) -> DecisionOut:
        async with self._db.read() as session:
            row = await repository.find(session, owner, decision_id)
        if row is None:
            raise NotFound("decision.not_found", "You have no such decision.", "GET /decisions lists yours.")
        return present(row)

    async def explain(self, owner: UserId, which: str) -> ExplanationOut:
        """Explain a decision, or the order with this id by the decision behind it."""
        async with self._db.read() as session:
            order = await orders.find(session, owner, which)
            wanted = which if order is None else order.decision_id
            row = await repository.find(session, owner, wanted) if wanted else None
            followed = await orders.of_decision(session, owner, wanted) if wanted else []
        if row is None:
            raise NotFound(
                "explanation.not_found",
                "You have no such order or decision, or what explains it has not been read yet.",
                "GET /orders and GET /decisions list yours.",
            )
        return ExplanationOut(
            decision=present(row),
            reasons=[ReasonOut(code=code, stage=one.stage, words=one.words) for code, one in _reasons(row)],
            orders=[present_order(one) for one in followed],
        )

    async def present_many(self, session: AsyncSession, ids: Sequence[str]) -> list[tuple[str, DecisionOut]]:
        """Return owner and look of these decisions."""
        return [(row.owner_id, present(row)) for row in await repository.find_many(session, ids)]


def present(row: DecisionView) -> DecisionOut:
    numbers = {name: str(value) for name, value in row.numbers.items()}
    reasons = [code for code, _ in _reasons(row)]
    return DecisionOut(
        decision_id=row.decision_id,
        bot_id=row.bot_id,
        group_id=row.group_id,
        symbol=row.symbol,
        verdict=row.verdict,
        reasons=reasons,
        numbers=numbers,
        at_ms=row.at_ms,
        words=decision_in_words(row.verdict, row.symbol, reasons, numbers),
    )


def _reasons(row: DecisionView) -> list[tuple[ReasonCode, Reason]]:
    """Return the codes of a decision with their words, in the order of the stages."""
    return [(code, reason) for code, reason in REASONS.items() if code in row.reasons]
