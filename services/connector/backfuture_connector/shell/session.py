"""The account of one connection while it is in use: lease, venue, private stream."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

from backfuture_common.runtime.logging import get_logger

from backfuture_connector.core.failures import VenueError
from backfuture_connector.ports import AccountVenue, KeyStore, Lease
from backfuture_connector.shell.connection_test import Session

_log = get_logger("backfuture.connector.session")

OnChange = Callable[[str | None], None]


class SessionKeeper:
    """Holds at most one session. The stream runs in the owner's task group."""

    def __init__(self, keys: KeyStore, on_change: OnChange, on_gap: Callable[[], None]) -> None:
        self._keys = keys
        self._on_change = on_change
        self._on_gap = on_gap
        self._session: Session | None = None
        self._stream: asyncio.Task[None] | None = None

    @property
    def venue(self) -> AccountVenue | None:
        return self._session.venue if self._session else None

    @property
    def lease(self) -> Lease | None:
        return self._session.lease if self._session else None

    def take(self, session: Session, group: asyncio.TaskGroup) -> None:
        """Use this session from now on, with its stream."""
        self._session = session
        self._stream = group.create_task(session.venue.watch_private(self._on_change, self._on_gap))

    def use(self, lease: Lease) -> None:
        """Sign with another lease of the same version from now on."""
        if self._session is not None:
            self._session = replace(self._session, lease=lease)
            self._session.venue.use(lease)

    async def end(self) -> None:
        """Stop the stream, close the account, give the lease back."""
        session, self._session = self._session, None
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.cancel()
            await asyncio.wait({stream})
        if session is None:
            return
        await session.venue.close()
        try:
            await self._keys.drop(session.lease)
        except VenueError as error:  # it ends by itself when it is not renewed
            _log.warning("lease.not_dropped", connection=session.lease.connection_id, code=error.failure.raw)
