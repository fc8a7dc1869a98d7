"""Which things have changed since the event stream was last told: noted in a transaction, seen after its commit."""

import asyncio
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncSession

Kind = Literal["connection", "bot", "group", "order", "decision"]
_MOST = 5_000


@dataclass(frozen=True, slots=True)
class Change:
    kind: Kind
    id: str


class Changes:
    """A set, so that many changes of one thing are told once. When it grows too large the details are given up."""

    def __init__(self) -> None:
        self._noted: dict[Change, None] = {}
        self._overflowed = False
        self._any = asyncio.Event()

    def note(self, session: AsyncSession, *changes: Change) -> None:
        """Tell of these changes if and when the session's transaction commits."""
        event.listen(session.sync_session, "after_commit", lambda _session: self._take(changes), once=True)

    async def next(self) -> list[Change] | None:
        """Wait for changes and return all; None when there were too many to name: clients must look for themselves."""
        await self._any.wait()
        self._any.clear()
        noted, self._noted = list(self._noted), {}
        overflowed, self._overflowed = self._overflowed, False
        return None if overflowed else noted

    def _take(self, changes: tuple[Change, ...]) -> None:
        self._noted.update(dict.fromkeys(changes))
        if len(self._noted) > _MOST:
            self._noted.clear()
            self._overflowed = True
        self._any.set()
