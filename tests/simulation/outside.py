"""What else a connector asks: the venue's public side, and the key store."""

import asyncio

from backfuture_common.domain.ids import ConnectionId, Symbol, UserId
from backfuture_connector.core.facts import Top
from backfuture_connector.core.failures import VenueError, local_failure
from backfuture_connector.ports import Lease

from tests.property.connector.world import failure
from tests.simulation.fate import Fate
from tests.simulation.loop import START_MS
from tests.simulation.venue import Venue


class SimPublic:
    """What the venue tells everybody."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue

    async def server_time_ms(self) -> int:
        await asyncio.sleep(0.02)
        if self._venue.fate.pick("server time", good=False, bad=[True]):
            raise failure("network", "RequestTimeout")
        return START_MS + int(self._venue.now_s() * 1000)

    async def fetch_top(self, symbol: Symbol) -> Top | None:
        return Top(self._venue.bid, self._venue.ask, START_MS + int(self._venue.now_s() * 1000))


class SimKeys:
    """Leases the one key there is."""

    def __init__(self, fate: Fate) -> None:
        self._fate = fate

    async def lease(self, owner: UserId, connection_id: ConnectionId) -> Lease:
        await asyncio.sleep(0.005)
        if self._fate.pick("vault", good=False, bad=[True]):
            raise VenueError(local_failure("signer_unavailable", "Sealed"))
        return _lease(connection_id)

    async def renew(self, lease: Lease) -> Lease:
        await asyncio.sleep(0.005)
        if self._fate.pick("renewal", good=False, bad=[True]):
            raise VenueError(local_failure("lease_gone", "Forgotten"))
        return lease

    async def drop(self, lease: Lease) -> None:
        await asyncio.sleep(0.005)


def _lease(connection_id: ConnectionId) -> Lease:
    return Lease(
        connection_id=connection_id, handle="h", api_key="k", version=1, needs_passphrase=False, expires_in_s=300
    )
