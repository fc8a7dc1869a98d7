"""Column types and the upsert that both databases know."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from backfuture_common.domain.money import plain
from sqlalchemy import BigInteger, Dialect, Integer, Table, Text
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.types import TypeDecorator

Serial = BigInteger().with_variant(Integer, "sqlite")
"""A number the database counts up; SQLite counts INTEGER only."""


class Exact(TypeDecorator[Decimal]):
    """A Decimal kept as plain text: no digit is lost in any database."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> str | None:  # noqa: ARG002 - given
        return None if value is None else plain(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> Decimal | None:  # noqa: ARG002 - given
        return None if value is None else Decimal(value)


async def upsert(
    session: AsyncSession,
    entity: type[DeclarativeBase],
    rows: Sequence[Mapping[str, object]],
    *,
    key: Sequence[str],
    keep: bool = False,
) -> None:
    """Insert rows; where a row with the same ``key`` stands, overwrite it, or with ``keep`` leave it.

    All rows name the same columns, and no two the same key.
    """
    table = entity.__table__
    if not rows or not isinstance(table, Table):
        return
    dialect = session.get_bind().dialect.name
    make = postgresql_insert if dialect == "postgresql" else sqlite_insert
    statement = make(table)
    others = [name for name in rows[0] if name not in key]
    if keep or not others:
        statement = statement.on_conflict_do_nothing(index_elements=list(key))
    else:
        statement = statement.on_conflict_do_update(
            index_elements=list(key), set_={name: statement.excluded[name] for name in others}
        )
    await session.execute(statement, [dict(row) for row in rows])
