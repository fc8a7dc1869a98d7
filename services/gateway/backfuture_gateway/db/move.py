"""Moves everything to another, empty database: from SQLite to PostgreSQL, and back."""

from collections.abc import Sequence

from backfuture_common.errors import Refused
from sqlalchemy import Connection, Integer, Table, func, inspect, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from backfuture_gateway.db.engine import Database
from backfuture_gateway.db.migrate import metadata, migrate

_BATCH = 500


async def move(source: Database, target: Database) -> dict[str, int]:
    """Copy every row of every table, in one transaction on each side; return how many of each table.

    Nobody can write the source meanwhile. Raises :class:`Refused` when the target holds anything already, and leaves
    the target empty when anything fails.
    """
    await migrate(source)
    await migrate(target)
    tables = [table for one in metadata() for table in one.sorted_tables]
    async with source.writing.begin() as reading, target.writing.begin() as writing:
        if reading.dialect.name == "postgresql":
            names = ", ".join(table.name for table in tables)
            await reading.execute(text(f"LOCK TABLE {names} IN SHARE MODE"))
        await _require_empty(writing, tables)
        counts = {table.name: await _copy(reading, writing, table) for table in tables}
        await writing.run_sync(_count_on, tables)
    return counts


async def _require_empty(target: AsyncConnection, tables: Sequence[Table]) -> None:
    for table in tables:
        if (await target.execute(select(func.count()).select_from(table))).scalar_one():
            raise Refused("database.not_empty", f"the target has rows in {table.name} already")


async def _copy(source: AsyncConnection, target: AsyncConnection, table: Table) -> int:
    count = 0
    rows = await source.stream(select(table).order_by(*table.primary_key.columns))
    async for batch in rows.mappings().partitions(_BATCH):
        await target.execute(table.insert(), [dict(row) for row in batch])
        count += len(batch)
    return count


def _count_on(connection: Connection, tables: Sequence[Table]) -> None:
    """Let PostgreSQL's counters go on behind the highest number; SQLite looks for itself."""
    if connection.dialect.name != "postgresql":
        return
    existing = inspect(connection)
    for table in tables:
        for column in existing.get_columns(table.name):
            if column.get("autoincrement") and isinstance(column["type"], Integer):
                counted = table.c[column["name"]]
                highest = select(func.coalesce(func.max(counted), 0) + 1).select_from(table).scalar_subquery()
                sequence = func.pg_get_serial_sequence(table.name, counted.name)
                connection.execute(select(func.setval(sequence, highest, False)))
