"""What the gateway needs of a database, on every database it supports."""

import asyncio
import itertools
from decimal import Decimal

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from backfuture_common.domain.ids import UserId
from backfuture_common.runtime.clock import Clock
from backfuture_gateway.bots import repository as bots
from backfuture_gateway.connections import repository as connections
from backfuture_gateway.db.engine import Database
from backfuture_gateway.db.migrate import forget_read_model, metadata, migrate
from backfuture_gateway.db.tables import BotRow, ConnectionRow, OutboxRow, UserRow
from backfuture_gateway.db.types import upsert
from backfuture_gateway.groups import repository as groups
from backfuture_gateway.groups.repository import GroupFilter
from backfuture_gateway.http.errors import Conflict
from backfuture_gateway.http.idempotency import Answer, RequestKey, Requests
from backfuture_gateway.outbox import repository as outbox
from backfuture_gateway.read_model.tables import BalanceView, PositionRow
from pydantic import BaseModel
from sqlalchemy import Connection, inspect, select, text
from sqlalchemy.ext.asyncio import AsyncSession


async def _add_user(session: AsyncSession, user_id: str = "usr_1") -> None:
    session.add(UserRow(id=user_id, name=user_id, role="user", password_hash="", created_ms=1))
    await session.flush()


def _connection(connection_id: str, **changed: object) -> ConnectionRow:
    values: dict[str, object] = {
        "id": connection_id, "owner_id": "usr_1", "name": "main", "exchange": "paper-mexc", "fingerprint": "f",
        "phase": "kept", "created_ms": 1, "updated_ms": 1,
    }  # fmt: skip
    return ConnectionRow(**(values | changed))


async def test_the_migrations_make_exactly_the_tables_of_the_code(db: Database) -> None:
    def differences(connection: Connection) -> object:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return [compare_metadata(context, one) for one in metadata() if one is not None]

    async with db.engine.connect() as connection:
        missing_or_changed = [
            difference
            for found in await connection.run_sync(differences)  # type: ignore[attr-defined]  # Alembic's loose type
            for difference in found
            if not (isinstance(difference, tuple) and difference[0] in {"remove_table", "remove_index"})
        ]
        tables = set(await connection.run_sync(lambda sync: inspect(sync).get_table_names()))

    assert missing_or_changed == []
    assert tables == {"alembic_version", *itertools.chain(*(one.tables for one in metadata()))}


async def test_migrating_again_and_at_once_changes_nothing(db: Database) -> None:
    async with db.write() as session:
        await _add_user(session)

    await asyncio.gather(migrate(db), migrate(db))

    async with db.read() as session:
        assert await session.get(UserRow, "usr_1") is not None


async def test_dropped_read_model_tables_come_back_empty_and_the_rest_stays(db: Database) -> None:
    async with db.write() as session:
        await _add_user(session)
        await upsert(
            session, PositionRow, [{"topic": "t", "partition": 0, "next_offset": 5}], key=("topic", "partition")
        )
        await session.execute(text("DROP TABLE group_views"))

    await migrate(db)

    async with db.read() as session:
        assert (await session.execute(select(PositionRow))).all() == []
        assert await groups.page(session, "usr_1", GroupFilter(), after=None, limit=5) == []
        assert await session.get(UserRow, "usr_1") is not None


async def test_forgetting_the_read_model_leaves_what_users_made(db: Database) -> None:
    async with db.write() as session:
        await _add_user(session)
        await upsert(
            session, PositionRow, [{"topic": "t", "partition": 0, "next_offset": 5}], key=("topic", "partition")
        )

    await forget_read_model(db)

    async with db.read() as session:
        assert (await session.execute(select(PositionRow))).all() == []
        assert await session.get(UserRow, "usr_1") is not None


@pytest.mark.parametrize("amount", ["0", "0.00000001", "123456789012345678901234567890.123456789012345678", "-1.10"])
async def test_amounts_come_back_digit_by_digit(db: Database, amount: str) -> None:
    row = {
        "connection_id": "c", "currency": "BTC", "owner_id": "usr_1", "free": Decimal(amount), "held": Decimal(0),
        "at_ms": 1,
    }  # fmt: skip
    async with db.write() as session:
        await upsert(session, BalanceView, [row], key=("connection_id", "currency"))

    async with db.read() as session:
        found = await session.get(BalanceView, ("c", "BTC"))

    assert found is not None
    assert found.free == Decimal(amount)


async def test_an_upsert_overwrites_or_keeps(db: Database) -> None:
    def row(offset: int) -> dict[str, object]:
        return {"topic": "t", "partition": 0, "next_offset": offset}

    async with db.write() as session:
        await upsert(session, PositionRow, [row(1)], key=("topic", "partition"))
        await upsert(session, PositionRow, [row(2)], key=("topic", "partition"))
        await upsert(session, PositionRow, [row(3)], key=("topic", "partition"), keep=True)

    async with db.read() as session:
        assert (await session.execute(select(PositionRow.next_offset))).scalar_one() == 2


async def test_a_failed_write_leaves_nothing(db: Database) -> None:
    async def write_and_fail() -> None:
        async with db.write() as session:
            await _add_user(session)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await write_and_fail()

    async with db.read() as session:
        assert await session.get(UserRow, "usr_1") is None


async def test_names_and_keys_are_unique_among_what_is_not_removed(db: Database) -> None:
    async with db.write() as session:
        await _add_user(session)
        session.add(_connection("con_1", phase="removed"))
        session.add(_connection("con_2"))

    with pytest.raises(Conflict):
        async with db.write() as session:
            session.add(_connection("con_3", name="other"))
    with pytest.raises(Conflict):
        async with db.write() as session:
            session.add(_connection("con_4", fingerprint="other"))

    async with db.read() as session:
        assert [row.id for row, _ in await connections.list_of(session, "usr_1")] == ["con_2"]
        same = await connections.same_key(session, "f")
        assert same is not None
        assert same.id == "con_2"


async def test_bots_are_found_with_what_the_engine_says(db: Database) -> None:
    async with db.write() as session:
        await _add_user(session)
        session.add(_connection("con_1"))
        await session.flush()
        for bot_id, wanted in (("bot_1", "stopped"), ("bot_2", "deleted")):
            session.add(
                BotRow(
                    id=bot_id, owner_id="usr_1", name="dips", connection_id="con_1", spec={"a": [1, "x"]}, preset=None,
                    wanted=wanted, wanted_ms=1, created_ms=1, command_id="cmd",
                )
            )  # fmt: skip

    async with db.read() as session:
        ((row, view, refusal),) = await bots.list_of(session, "usr_1")
        assert await connections.count_open_groups(session, "con_1") == 0

    assert (row.id, row.spec, view, refusal) == ("bot_1", {"a": [1, "x"]}, None, None)


async def test_the_outbox_keeps_its_order_and_its_marks(db: Database) -> None:
    async with db.write() as session:
        session.add_all(OutboxRow(exchange=None, key="k", value=b"%d" % n, created_ms=1) for n in range(5))

    async with db.write() as session:
        rows = await outbox.take_unsent(session, 3)
        await outbox.mark_attempted(session, [row.id for row in rows], 7)
        await outbox.mark_sent(session, [rows[0].id], 8)

    async with db.read() as session:
        assert [row.value for row in rows] == [b"0", b"1", b"2"]
        assert [row.value for row in await outbox.attempted(session)] == [b"1", b"2"]
        assert await outbox.count_unsent(session) == 4


class _Done(BaseModel):
    times: int


async def test_a_keyed_request_sent_at_once_is_done_once(db: Database) -> None:
    requests = Requests(Clock())
    key = RequestKey(owner_id="usr_1", key="key-1", fingerprint="f")
    async with db.write() as session:
        await _add_user(session)

    async def work(session: AsyncSession) -> _Done:
        session.add(OutboxRow(exchange=None, key="k", value=b"", created_ms=1))
        await asyncio.sleep(0.05)
        return _Done(times=1)

    answers = await asyncio.gather(*(requests.once(db, key, 201, work) for _ in range(4)), return_exceptions=True)

    async with db.read() as session:
        assert await outbox.count_unsent(session) == 1
    assert all(isinstance(answer, Conflict) or getattr(answer, "status_code", 0) == 201 for answer in answers)
    assert any(getattr(answer, "status_code", 0) == 201 for answer in answers)


async def test_an_unfinished_keyed_request_is_told_as_under_way_and_a_finished_one_again(db: Database) -> None:
    requests = Requests(Clock())
    key = RequestKey(owner_id="usr_1", key="key-1", fingerprint="f")
    async with db.write() as session:
        await _add_user(session)
        assert await requests.begin(session, key) is None

    with pytest.raises(Conflict, match="under_way"):
        async with db.write() as session:
            await requests.begin(session, key)
    async with db.write() as session:
        await requests.finish(session, "usr_1", "key-1", Answer(201, "{}"))
    async with db.write() as session:
        again = await requests.begin(session, key)
    assert again == Answer(201, "{}", replayed=True)
    async with db.write() as session:
        await requests.release(session, UserId("usr_1"), "key-1")
        assert await requests.begin(session, key) is None
