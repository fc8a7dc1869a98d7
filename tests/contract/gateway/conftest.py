"""A gateway inside the test process, with users; and databases of both kinds."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from backfuture_gateway.db.engine import Database, open_database
from backfuture_gateway.db.migrate import migrate
from sqlalchemy import make_url

from tests.support.gateway import GatewayUnderTest, gateway_in_process
from tests.support.postgres import new_database, postgres_bin, running_postgres

NewDatabase = Callable[[str], Awaitable[Database]]
KINDS = ("sqlite", "postgresql")


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """An empty PostgreSQL for the module."""
    if postgres_bin() is None:
        pytest.skip("PostgreSQL is not installed here (make postgres-deps)")
    with running_postgres() as url:
        yield url


@pytest.fixture
async def fresh(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[NewDatabase]:
    """Return a function that opens an empty database of a kind, without tables."""
    opened: list[Database] = []

    async def make(kind: str) -> Database:
        if kind == "sqlite":
            url = make_url(f"sqlite+aiosqlite:///{tmp_path}/{len(opened)}.db")
        else:
            url = make_url(await new_database(request.getfixturevalue("server")))
        opened.append(open_database(url))
        return opened[-1]

    yield make
    for database in opened:
        await database.close()


@pytest.fixture(params=KINDS)
async def db(request: pytest.FixtureRequest, fresh: NewDatabase) -> Database:
    """A migrated database of each kind."""
    database = await fresh(request.param)
    await migrate(database)
    return database


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[GatewayUnderTest]:
    async with gateway_in_process(tmp_path) as running:
        yield running


@pytest.fixture
async def ana(gateway: GatewayUnderTest) -> dict[str, str]:
    """Headers of a logged-in user."""
    await gateway.add_user("ana")
    return await gateway.log_in("ana")
