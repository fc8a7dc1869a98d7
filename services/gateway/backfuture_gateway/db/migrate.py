"""Brings the database to the shape this version needs, at start, once for all processes that start together."""

import asyncio
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, MetaData, inspect, text

from backfuture_gateway.db.engine import Database
from backfuture_gateway.db.tables import Base
from backfuture_gateway.read_model.tables import ReadBase

_SCRIPTS = Path(__file__).parent / "migrations"
_LOCK = 0x6261_636B
_DEADLINE_S = 120.0


async def migrate(db: Database) -> None:
    """Upgrade to the newest revision; missing read-model tables are made anew, empty, so that they are read again."""
    async with asyncio.timeout(_DEADLINE_S), db.writing.connect() as connection, connection.begin():
        await connection.run_sync(_upgrade)


async def downgrade(db: Database, revision: str) -> None:
    """Go back to the shape of an older version: what only newer ones know is dropped. ``base`` drops everything."""
    async with asyncio.timeout(_DEADLINE_S), db.writing.connect() as connection, connection.begin():
        await connection.run_sync(lambda sync: command.downgrade(_locked(sync), revision))


async def forget_read_model(db: Database) -> None:
    """Empty every read-model table, positions too: the next start reads the topics from the beginning."""
    async with db.write() as session:
        for table in reversed(ReadBase.metadata.sorted_tables):
            await session.execute(table.delete())


def metadata() -> list[MetaData]:
    """Return the tables as the code has them."""
    return [Base.metadata, ReadBase.metadata]


def _upgrade(connection: Connection) -> None:
    command.upgrade(_locked(connection), "head")
    _repair_read_model(connection)


def _locked(connection: Connection) -> Config:
    """Return what Alembic needs; on PostgreSQL one process at a time gets here."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    config.attributes["connection"] = connection
    return config


def _repair_read_model(connection: Connection) -> None:
    existing = set(inspect(connection).get_table_names())
    if any(name not in existing for name in ReadBase.metadata.tables):
        ReadBase.metadata.drop_all(connection)
        ReadBase.metadata.create_all(connection)
