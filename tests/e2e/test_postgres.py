"""The whole platform on PostgreSQL, with the roles that the generated script makes: users' path, move, and refusals."""

from collections.abc import Iterator
from pathlib import Path

import anyio
import asyncpg
import pytest
from sqlalchemy import make_url

from tests.architecture.source import ROOT
from tests.support.newcomer import connect, eventually, make_bot, open_group, paper_book, paper_key
from tests.support.oracle import judge
from tests.support.platform import Platform
from tests.support.postgres import execute, new_database, postgres_bin, running_postgres

pytestmark = pytest.mark.timeout(300)

SCRIPT = ROOT / "deploy" / "postgres" / "access.sql"


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    """A database that was prepared as docs/operations/postgres.md says; the administrator's URL."""
    if postgres_bin() is None:
        pytest.skip("PostgreSQL is not installed here (make postgres-deps)")
    with running_postgres() as server:
        url = anyio.run(new_database, server)
        for _ in range(2):  # it may be repeated
            anyio.run(execute, url, SCRIPT.read_text())
        yield url


def as_role(url: str, role: str) -> str:
    return make_url(url).set(username=role).render_as_string()


def test_a_user_trades_on_postgresql_and_the_gateway_may_restart(database: str, tmp_path: Path) -> None:
    platform = Platform(tmp_path, BACKFUTURE_DATABASE_URL=as_role(database, "gateway"))
    platform.environment["BACKFUTURE_PAPER_CONTROL_PORT"] = str(platform.base_port + 6)
    try:
        platform.start()
        with platform.api() as api:
            key = paper_key(platform, "mexc")
            connection = connect(api, "paper-mexc", key)
            assert connection["status"] == "online", connection
            bot = make_bot(api, connection["id"], "SOL/USDT", "on postgres")
            eventually(lambda: (open_group(api, bot) or {}).get("status") == "active", 40, lambda: "a group")
            killed = platform.kill("gateway")
            platform.wait(
                lambda: platform.part("gateway")["pid"] not in {None, killed} and platform.is_ready(),
                60,
                "the gateway's return",
            )
            assert open_group(api, bot) is not None
            api.post(f"/bots/{bot}/stop")
            judge(api, bot, paper_book(platform, key["api_key"]))
        assert not (platform.home / "db" / "gateway.db").exists(), "nothing is kept in SQLite"
    finally:
        platform.stop()

    anyio.run(_each_role_has_its_rights_and_no_more, database)


async def _each_role_has_its_rights_and_no_more(database: str) -> None:
    backup = as_role(database, "backup")
    await execute(backup, "SELECT count(*) FROM users")
    for forbidden in ("DELETE FROM users", "CREATE TABLE mine (a int)", "UPDATE bots SET name = 'x'"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await execute(backup, forbidden)
    gateway = as_role(database, "gateway")
    for forbidden in ("CREATE ROLE friend", "CREATE DATABASE other", "ALTER ROLE backup SUPERUSER"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await execute(gateway, forbidden)
    await execute(database, "CREATE ROLE stranger LOGIN")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await execute(as_role(database, "stranger"), "SELECT 1")
