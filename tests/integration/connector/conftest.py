"""One stage for the suite; each test may start, stop and kill connectors on it."""

from collections.abc import AsyncIterator, Iterator

import pytest
from backfuture_common.domain.ids import ConnectionId, ExchangeId
from backfuture_common.messages.connections import ConnectionState

from tests.integration.connector.stage import EXCHANGES, Connector, Stage, Topics, running_stage, topics
from tests.support.paper import Credentials


@pytest.fixture(scope="session")
def stage() -> Iterator[Stage]:
    with running_stage() as running:
        yield running


@pytest.fixture(autouse=True)
def _tidy(stage: Stage) -> Iterator[None]:
    yield
    stage.paper.clear_faults()
    stage.paper.control("clock", offset_ms=0)
    stage.paper.control("price", symbol="BTC/USDT")


@pytest.fixture
async def bus(stage: Stage) -> AsyncIterator[Topics]:
    async with topics(stage) as running:
        yield running


@pytest.fixture(params=EXCHANGES)
def exchange(request: pytest.FixtureRequest) -> ExchangeId:
    chosen: ExchangeId = request.param
    return chosen


@pytest.fixture
def connector(stage: Stage, exchange: ExchangeId) -> Connector:
    return stage.usual(exchange)


class Online:
    """An online connection with its key."""

    def __init__(self, connection: ConnectionId, key: Credentials, state: ConnectionState) -> None:
        self.connection = connection
        self.key = key
        self.state = state


async def go_online(
    stage: Stage, bus: Topics, exchange: ExchangeId, *, balances: dict[str, str] | None = None
) -> Online:
    """Store a good key and have it tested."""
    venue = exchange.removeprefix("paper-")
    key = stage.paper.key(venue, ip_list=["127.0.0.1"], balances=balances)
    connection = stage.new_connection()
    version = stage.store(connection, exchange, key)
    await bus.test(connection, exchange, version)
    state = await bus.test_end(connection)
    assert (state.status, state.code) == ("online", "OK"), state
    return Online(connection, key, state)
