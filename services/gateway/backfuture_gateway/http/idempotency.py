"""``Idempotency-Key``: the same request twice is done once and answered the same.

The key is kept with a fingerprint of the request in the transaction that does the work, so that a crash leaves both or
neither. Only what was done is kept: a refused request may be tried again under its key.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from backfuture_common.runtime.clock import Clock
from fastapi import Response
from pydantic import BaseModel
from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession

from backfuture_gateway.db.engine import Database
from backfuture_gateway.db.tables import RequestRow
from backfuture_gateway.http.errors import Conflict

KEPT_MS = 24 * 3_600_000
KEY_PATTERN = r"^[\x21-\x7e]{8,128}$"


@dataclass(frozen=True, slots=True)
class RequestKey:
    """A request that is to be done once: whose, under which key, and what it asked."""

    owner_id: str
    key: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What a mutating request is answered, now or again."""

    status: int
    body: str
    replayed: bool = False

    def response(self) -> Response:
        headers = {"Idempotency-Replayed": "true"} if self.replayed else {}
        return Response(self.body, status_code=self.status, media_type="application/json", headers=headers)


class Requests:
    """Keeps keyed requests for 24 hours."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def begin(self, session: AsyncSession, key: RequestKey | None) -> Answer | None:
        """Return the answer given before, or None after having taken the key.

        :class:`Conflict` when the key was used for another request, or when the first one is still under way.
        """
        if key is None:
            return None
        now_ms = self._clock.now_ms()
        known = await session.get(RequestRow, (key.owner_id, key.key))
        if known is not None and known.created_ms < now_ms - KEPT_MS:
            await session.delete(known)
            await session.flush()
            known = None
        if known is None:
            session.add(RequestRow(owner_id=key.owner_id, key=key.key, fingerprint=key.fingerprint, created_ms=now_ms))
            await session.flush()
            return None
        if known.fingerprint != key.fingerprint:
            raise Conflict(
                "request.key_reused",
                "This Idempotency-Key was used for another request.",
                "Make a new key for each new request; repeat one with exactly the same body.",
            )
        if known.status is None or known.answer is None:
            raise Conflict(
                "request.under_way", "The first request of this key is still under way.", "Ask again soon.",
                retryable=True, retry_after_s=5,
            )  # fmt: skip
        return Answer(known.status, known.answer, replayed=True)

    async def finish(self, session: AsyncSession, owner_id: str, key: str | None, answer: Answer) -> None:
        """Keep the answer; to be called in the transaction that did the work."""
        known = await session.get(RequestRow, (owner_id, key)) if key else None
        if known is not None:
            known.status = answer.status
            known.answer = answer.body

    async def release(self, session: AsyncSession, owner_id: str, key: str | None) -> None:
        """Forget a key whose work was not done."""
        if key:
            await session.execute(delete(RequestRow).where(RequestRow.owner_id == owner_id, RequestRow.key == key))

    async def forget_old(self, session: AsyncSession) -> None:
        await session.execute(delete(RequestRow).where(RequestRow.created_ms < self._clock.now_ms() - KEPT_MS))

    async def once(
        self, db: Database, key: RequestKey | None, status: int, work: Callable[[AsyncSession], Awaitable[BaseModel]]
    ) -> Response:
        """Do ``work`` in one transaction with the keeping of its answer, or return the answer given before."""
        async with db.write() as session:
            answer = await self.begin(session, key)
            if answer is None:
                done = await work(session)
                answer = Answer(status, done.model_dump_json())
                if key is not None:
                    await self.finish(session, key.owner_id, key.key, answer)
        return answer.response()
