"""Order commands of one connection. All methods run in the connection's one worker, one after another."""

from dataclasses import dataclass

from backfuture_common.errors import ErrorInfo
from backfuture_common.messages.connections import ConnectionState
from backfuture_common.messages.market import Instrument
from backfuture_common.messages.orders import CancelOrder, PlaceOrder
from backfuture_common.runtime.clock import Clock
from backfuture_common.runtime.logging import get_logger

from backfuture_connector.core.admission import admit
from backfuture_connector.core.failures import Failure
from backfuture_connector.core.order_outcomes import placing_outcome
from backfuture_connector.core.order_states import Trigger, advance, first_entry, with_cancel_requested
from backfuture_connector.ports import AccountVenue
from backfuture_connector.shell.ledger import Ledger, is_final
from backfuture_connector.shell.sending import Sender, told
from backfuture_connector.shell.settling import Settler

SETTLE_S = 15.0
"""How long one command holds up the next ones of its connection; after that the search goes on beside them."""
RECENT_MS = 600_000
"""How long an order that ended without a trace at the venue is asked about again."""

_NO_KEY = ErrorInfo(
    code="order.signer_unavailable", message="The connection's key cannot be used at the moment.", retryable=True
)
_log = get_logger("backfuture.connector.orders")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where an order would go: the connection's state, its venue when that is open, the market."""

    connection: ConnectionState | None
    venue: AccountVenue | None
    instrument: Instrument | None


class OrderDesk:
    """Handles commands; each is safe to repeat."""

    def __init__(self, ledger: Ledger, sender: Sender, settler: Settler, clock: Clock) -> None:
        self._ledger = ledger
        self._sender = sender
        self._settler = settler
        self._clock = clock

    async def place(self, command: PlaceOrder, place: Place) -> Failure | None:
        """Handle the command; return the failure when the venue refused the order."""
        known = self._ledger.get(command.client_order_id)
        if known is not None:
            await self._ledger.publish_again(known)
            return None
        now_ms = self._clock.now_ms()
        end = admit(command, place.connection, place.instrument, now_ms)
        if end is not None or place.venue is None:
            status, error = end or ("rejected", _NO_KEY)
            await self._ledger.record(first_entry(command, status, now_ms, error=error))
            return None
        return await self._submit(command, place.venue, now_ms)

    async def cancel(self, command: CancelOrder, venue: AccountVenue | None) -> None:
        """Handle the command; an order that has ended, or was never seen here, needs nothing."""
        entry = self._ledger.get(command.client_order_id)
        if entry is None or entry.command.owner != command.owner:
            _log.warning("cancel.order_unknown", order=command.client_order_id)
        elif is_final(entry):
            await self._ledger.publish_again(entry)
        else:
            await self._ledger.record(with_cancel_requested(entry))
            if venue is not None:
                await self._settler.settle(command.client_order_id, venue, SETTLE_S)

    async def _submit(self, command: PlaceOrder, venue: AccountVenue, now_ms: int) -> Failure | None:
        started_s = self._clock.monotonic_s()
        entry = await self._ledger.record(first_entry(command, "submitting", now_ms, submitted=True))
        failure = await self._sender.send(entry, venue, started_s)
        if failure is not None:
            trigger: Trigger = "lost" if placing_outcome(failure) == "unknown" else "refused"
            await self._ledger.record(advance(entry, trigger, self._clock.now_ms(), error=told(failure)))
            if trigger == "refused":
                return failure
        await self._settler.settle(command.client_order_id, venue, SETTLE_S)
        return None
