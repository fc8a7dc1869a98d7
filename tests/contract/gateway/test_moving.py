"""Schema changes up and down with data in them, writers side by side, and the move from one kind to the other."""

import asyncio
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path

import pytest
from backfuture_common.errors import Refused
from backfuture_gateway.db.engine import Database, open_database
from backfuture_gateway.db.migrate import downgrade, metadata, migrate
from backfuture_gateway.db.move import move
from backfuture_gateway.db.tables import BotRow, ConnectionRow, OutboxRow, UserRow
from backfuture_gateway.db.types import upsert
from backfuture_gateway.http.errors import Conflict, Unavailable
from backfuture_gateway.read_model.tables import BalanceView, PositionRow
from sqlalchemy import inspect, make_url, select

from tests.contract.gateway.conftest import KINDS, NewDatabase
from tests.support.broker import free_port
from tests.support.gateway import GatewayProcess
from tests.support.postgres import new_database

SPEC = {"symbols": ["BTC/USDT"], "strategy": {"kind": "dca", "nothing": None, "yes": True}}


async def fill(db: Database) -> None:
    """Put something of every kind of column into it."""
    async with db.write() as session:
        session.add(UserRow(id="usr_1", name="Ana Ünï", role="admin", password_hash="$argon2id$x", created_ms=2**41))
        await session.flush()
        session.add(
            ConnectionRow(
                id="con_1", owner_id="usr_1", name="main", exchange="paper-mexc", fingerprint="f", phase="kept",
                created_ms=1, updated_ms=1, removing=True,
            )
        )  # fmt: skip
        await session.flush()
        session.add(
            BotRow(
                id="bot_1", owner_id="usr_1", name="b", connection_id="con_1", spec=SPEC, wanted="running",
                wanted_ms=1, command_id="c", created_ms=1,
            )
        )  # fmt: skip
        for number in range(3):
            session.add(OutboxRow(exchange=None, key="usr_1", value=bytes([0, 255, number]), created_ms=number))
        balance = {"connection_id": "con_1", "currency": "BTC", "owner_id": "usr_1", "free": Decimal("0.000000010"),
                   "held": Decimal("1e24"), "at_ms": 1}  # fmt: skip
        await upsert(session, BalanceView, [balance], key=("connection_id", "currency"))


async def everything(db: Database) -> dict[str, list[tuple[object, ...]]]:
    """Return all rows of all tables, as Python sees them."""
    found = {}
    async with db.read() as session:
        for table in (table for one in metadata() for table in one.sorted_tables):
            rows = (await session.execute(select(table).order_by(*table.primary_key.columns))).all()
            found[table.name] = [tuple(row) for row in rows]
    return found


async def tables_of(db: Database) -> set[str]:
    async with db.engine.connect() as connection:
        return set(await connection.run_sync(lambda sync: inspect(sync).get_table_names()))


async def test_going_back_drops_the_read_model_and_keeps_what_users_made(db: Database) -> None:
    await fill(db)
    before = await everything(db)

    await downgrade(db, "0001")
    assert "balance_views" not in await tables_of(db)
    await migrate(db)

    after = await everything(db)
    own = {"users", "connections", "bots", "outbox"}
    assert {name: after[name] for name in own} == {name: before[name] for name in own}
    assert after["balance_views"] == []

    await downgrade(db, "base")
    assert await tables_of(db) <= {"alembic_version"}
    await migrate(db)
    assert (await everything(db))["users"] == []


@pytest.mark.parametrize(("first", "second"), [KINDS, KINDS[::-1]], ids=["to-postgresql", "to-sqlite"])
async def test_a_move_takes_everything_along_and_counting_goes_on(fresh: NewDatabase, first: str, second: str) -> None:
    source, target = await fresh(first), await fresh(second)
    await migrate(source)
    await fill(source)

    counts = await move(source, target)

    assert counts["outbox"] == 3
    moved = await everything(target)
    assert moved == await everything(source)
    async with target.write() as session:
        session.add(OutboxRow(exchange=None, key="usr_1", value=b"next", created_ms=9))
    async with target.read() as session:
        numbers = list((await session.execute(select(OutboxRow.id).order_by(OutboxRow.id))).scalars())
    assert numbers == sorted(set(numbers))
    assert len(numbers) == 4


async def test_a_database_that_is_in_use_is_not_moved_into(fresh: NewDatabase) -> None:
    source, target = await fresh("sqlite"), await fresh("postgresql")
    for one in (source, target):
        await migrate(one)
        await fill(one)
    with pytest.raises(Refused) as refusal:
        await move(source, target)
    assert refusal.value.info.code == "database.not_empty"
    assert len((await everything(target))["outbox"]) == 3


async def test_a_move_that_fails_leaves_the_target_empty(fresh: NewDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    source, target = await fresh("sqlite"), await fresh("postgresql")
    await migrate(source)
    await fill(source)

    def fail(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("backfuture_gateway.db.move._count_on", fail)
    with pytest.raises(ZeroDivisionError):
        await move(source, target)
    assert not any((await everything(target)).values())


async def test_the_operator_moves_with_one_command(server: str, tmp_path: Path) -> None:
    gateway = GatewayProcess(tmp_path, {})
    assert gateway.task("create-user", "--name", "ana", stdin="correct horse battery\n").returncode == 0
    target = await new_database(server)

    done = gateway.task("move-to", "--database-url", target)

    assert done.returncode == 0, done.stderr
    assert "1 users" in done.stdout
    gateway.environment["BACKFUTURE_DATABASE_URL"] = target
    assert gateway.task("create-user", "--name", "ana", stdin="correct horse battery\n").stdout.strip() == "exists"
    again = gateway.task("move-to", "--database-url", target)
    assert again.returncode == 1
    assert "database.not_empty" in again.stderr


async def test_two_processes_write_side_by_side_and_no_write_is_lost(db: Database) -> None:
    """Two gateways at a take-over: each row ends as one of them wrote it, counters never go back."""
    other = open_database(db.engine.url)
    try:
        await asyncio.gather(*(_count_up(one, turn) for turn in range(20) for one in (db, other)))
    finally:
        await other.close()
    async with db.read() as session:
        assert (await session.execute(select(PositionRow.next_offset))).scalar_one() == 40
        assert len((await session.execute(select(OutboxRow.id))).all()) == 40


async def _count_up(db: Database, turn: int) -> None:
    async with db.write() as session:
        session.add(OutboxRow(exchange=None, key="k", value=b"v", created_ms=turn))
        await upsert(session, PositionRow, [_row(0)], key=("topic", "partition"), keep=True)
        row = (await session.execute(select(PositionRow).with_for_update())).scalar_one()
        row.next_offset += 1


async def test_writers_that_block_each_other_are_told_to_try_again(fresh: NewDatabase) -> None:
    db = await fresh("postgresql")
    await migrate(db)
    async with db.write() as session:
        await upsert(session, PositionRow, [_row(0, 0), _row(0, 1)], key=("topic", "partition"))
    met = asyncio.Barrier(2)

    async def write(partitions: Iterable[int]) -> None:
        async with db.write() as session:
            for number, partition in enumerate(partitions):
                await upsert(session, PositionRow, [_row(number, partition)], key=("topic", "partition"))
                if number == 0:
                    await met.wait()

    ends = await asyncio.gather(write((0, 1)), write((1, 0)), return_exceptions=True)

    assert sum(end is None for end in ends) == 1
    (failure,) = [end for end in ends if end is not None]
    assert isinstance(failure, Unavailable | Conflict)
    assert failure.info.retryable


async def test_a_database_that_is_away_is_told_so() -> None:
    db = open_database(make_url(f"postgresql+asyncpg://gateway@127.0.0.1:{free_port()}/nowhere"))
    with pytest.raises(Unavailable) as failure:
        async with db.read() as session:
            await session.execute(select(PositionRow))
    assert failure.value.info.retryable
    await db.close()


def _row(offset: int, partition: int = 0) -> dict[str, object]:
    return {"topic": "t", "partition": partition, "next_offset": offset}
