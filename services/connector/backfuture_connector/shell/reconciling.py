"""Orders of one connection compared with the venue: those that have not ended, and those that ended in doubt."""

from backfuture_common.domain.ids import ConnectionId
from backfuture_common.messages.orders import LedgerEntry
from backfuture_common.runtime.clock import Clock
from backfuture_common.topics import DAY_MS

from backfuture_connector.ports import AccountVenue
from backfuture_connector.shell.ledger import Ledger, is_final
from backfuture_connector.shell.orders import RECENT_MS
from backfuture_connector.shell.settling import Settler

SOON_S, LATER_S = 1.0, 30.0
FEES_WANTED_MS = DAY_MS
"""How long a venue is asked for the fees of an order that has ended."""


class Reconciler:
    """Heals what streams and answers have missed."""

    def __init__(self, connection_id: ConnectionId, ledger: Ledger, settler: Settler, clock: Clock) -> None:
        self._connection_id = connection_id
        self._ledger = ledger
        self._settler = settler
        self._clock = clock

    async def settle_all(self, venue: AccountVenue, within_s: float) -> float | None:
        """Settle every order that has not ended, for at most ``within_s`` in all (0: one look each).

        Return in how many seconds to look again, None when all have ended.
        """
        until_s = self._clock.monotonic_s() + within_s
        again_s: float | None = None
        for entry in self._ledger.of_connection(self._connection_id):
            if is_final(entry):
                continue
            left_s = max(0.0, until_s - self._clock.monotonic_s())
            key = entry.command.client_order_id
            if not await self._settler.settle(key, venue, left_s):
                newest = self._ledger.get(key)
                waiting = newest is not None and newest.update.status == "needs_operator"
                again_s = min(again_s or LATER_S, LATER_S if waiting else SOON_S)
        return again_s

    async def look_again(self, venue: AccountVenue) -> None:
        """Ask again about recent orders that ended without a trace at the venue, or whose fees were late."""
        now_ms = self._clock.now_ms()
        for entry in self._ledger.of_connection(self._connection_id):
            if self._in_doubt(entry, now_ms):
                await self._settler.look_again(entry.command.client_order_id, venue)

    def _in_doubt(self, entry: LedgerEntry, now_ms: int) -> bool:
        if not is_final(entry) or entry.submitted_ms is None:
            return False
        age_ms = now_ms - entry.update.at_ms
        traceless = entry.update.status in {"expired", "rejected"} and age_ms < RECENT_MS
        return traceless or (not entry.fees_known and age_ms < FEES_WANTED_MS)
