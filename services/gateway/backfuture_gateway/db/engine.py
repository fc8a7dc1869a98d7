"""The database as the rest sees it: short reads, and writes one at a time, each a transaction."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from backfuture_common.errors import Fatal
from sqlalchemy import URL, Connection, event
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

from backfuture_gateway.http.errors import Conflict, Unavailable

_DEADLINE_S = 20.0
_BUSY_MS = 15_000
_WRITES = "backfuture_writes"
_TRY_AGAIN = frozenset({"40P01", "40001", "57P01", "57P02", "57P03"})
"""PostgreSQL: deadlock, lost race, shutting down, crashed, starting. Nothing of the transaction has happened."""


class Database:
    """Sessions on one database. ``write`` commits when its block ends well and rolls back otherwise.

    On SQLite a write takes the one write lock at its begin, so that what it has read stays true until it commits; the
    projector and the endpoints queue for it here, in order. Both raise :class:`Unavailable` when the database does not
    answer in time, :class:`Conflict` when somebody else was faster with something unique.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine
        self.writing = engine.execution_options(**{_WRITES: True})
        self._turn = asyncio.Lock() if engine.dialect.name == "sqlite" else None

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncSession]:
        async with _deadline(), AsyncSession(self.engine, expire_on_commit=False) as session:
            yield session

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncSession]:
        async with _deadline():
            if self._turn is None:
                async with AsyncSession(self.writing, expire_on_commit=False) as session, session.begin():
                    yield session
                return
            async with self._turn, AsyncSession(self.writing, expire_on_commit=False) as session, session.begin():
                yield session

    async def close(self) -> None:
        await self.engine.dispose()


def open_database(url: URL) -> Database:
    """Return the database at ``url``. Nothing is contacted yet; an SQLite file's folder is made."""
    if url.get_backend_name() != "sqlite":
        return Database(create_async_engine(url, pool_pre_ping=True, pool_size=8, hide_parameters=True))
    if url.database and url.database != ":memory:":
        file = Path(url.database)
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        file.touch(mode=0o600)
    engine = create_async_engine(url, hide_parameters=True)
    event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    event.listen(engine.sync_engine, "begin", _begin_sqlite)
    return Database(engine)


@asynccontextmanager
async def _deadline() -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(_DEADLINE_S):
            yield
    except TimeoutError:
        raise Unavailable("database.slow", "The database does not answer.", "Try again soon.", retryable=True) from None
    except IntegrityError:
        raise Conflict(
            "database.conflict", "Another request changed the same thing.", "Look at it again.", retryable=True
        ) from None
    except DBAPIError as error:
        raise _translated(error) from None
    except ConnectionError:
        raise Unavailable(
            "database.unreachable", "The database does not answer.", "Try again soon.", retryable=True
        ) from None


def _translated(error: DBAPIError) -> Exception:
    text = str(error.orig).lower()
    undone = getattr(error.orig, "sqlstate", None) in _TRY_AGAIN
    if undone or "locked" in text or "busy" in text or error.connection_invalidated:
        return Unavailable("database.busy", "The database is busy.", "Try again soon.", retryable=True)
    if not isinstance(error, OperationalError):
        return error
    return Fatal("database.failed", f"the database failed: {str(error.orig)[:200]}")


def _prepare_sqlite(connection: Any, _record: object) -> None:
    """Leave transactions to :func:`_begin_sqlite`; write-ahead log, synced at each commit."""
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"busy_timeout={_BUSY_MS}"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
