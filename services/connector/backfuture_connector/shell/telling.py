"""What the connector tells about connections: states and balances."""

from backfuture_common.bus import Outgoing, Publisher
from backfuture_common.messages.connections import AccountBalances, Balance, ConnectionState, TestCode
from backfuture_common.runtime import metrics
from backfuture_common.topics import ACCOUNT_BALANCES, CONNECTION_EVENTS


class Teller:
    """Publishes; every failure is Fatal."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher

    async def state(self, state: ConnectionState) -> None:
        """Publish the newest state of a connection."""
        await self._publisher.publish(Outgoing(CONNECTION_EVENTS, state.connection_id, state))

    async def balances(self, state: ConnectionState, balances: tuple[Balance, ...], at_ms: int) -> None:
        """Publish the balances behind a connection."""
        message = AccountBalances(
            connection_id=state.connection_id,
            owner=state.owner,
            exchange=state.exchange,
            balances=balances,
            at_ms=at_ms,
        )
        await self._publisher.publish(Outgoing(ACCOUNT_BALANCES, state.connection_id, message))

    def test_ended(self, state: ConnectionState, code: TestCode) -> None:
        """Count a test's end."""
        metrics.CONNECTION_TESTS.labels(exchange=state.exchange, code=code).inc()
