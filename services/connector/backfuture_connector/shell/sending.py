"""The one place from which an order leaves."""

from collections.abc import Awaitable, Callable

from backfuture_common.domain.ids import ClientOrderId
from backfuture_common.errors import ErrorInfo
from backfuture_common.messages.orders import LedgerEntry
from backfuture_common.runtime import metrics
from backfuture_common.runtime.clock import Clock
from backfuture_common.runtime.logging import get_logger

from backfuture_connector.core.failures import TRANSIENT, Failure, VenueError, local_failure
from backfuture_connector.core.order_outcomes import placing_outcome
from backfuture_connector.ports import AccountVenue
from backfuture_connector.shell.steady import ClockWatch

SEND_WINDOW_S = 2.0
"""From the ledger's "submitting" to the last moment of sending. A process that wakes up later does not send: another
one may have taken over meanwhile. Together with the venue's time window it is below the rules' grace period."""

Regain = Callable[[], Awaitable[bool]]
"""Gets a fresh lease after the signer has forgotten the old one; says whether orders may be signed again."""

_log = get_logger("backfuture.connector.sending")


class Sender:
    """Sends orders that the ledger has as "submitting". Remembers which of them the venue took."""

    def __init__(self, clock: Clock, regain: Regain, watch: ClockWatch) -> None:
        self._clock = clock
        self._regain = regain
        self._watch = watch
        self.sent_s: dict[ClientOrderId, float] = {}
        """When "submitting" of an order's last sending began to be recorded (monotonic)."""
        self.accepted: dict[ClientOrderId, str] = {}
        """The venue's ids of orders it has acknowledged."""

    async def send(self, entry: LedgerEntry, venue: AccountVenue, started_s: float) -> Failure | None:
        """Send the order; None when the venue took it. ``started_s``: when "submitting" began to be recorded.

        Nothing is sent after the machine's clock was set: its signature could live longer than the rules allow for.
        """
        self.sent_s[entry.command.client_order_id] = started_s
        if self._watch.moved:
            return local_failure("clock_skew", "ClockMoved")
        failure = await self._send_once(entry, venue, started_s)
        forgotten = failure is not None and failure.kind == "lease_gone" and placing_outcome(failure) == "not_sent"
        if forgotten and await self._regain():
            failure = await self._send_once(entry, venue, started_s)
        return failure

    async def _send_once(self, entry: LedgerEntry, venue: AccountVenue, started_s: float) -> Failure | None:
        command = entry.command
        sent_s, now_ms = self._clock.monotonic_s(), self._clock.now_ms()
        window_s = SEND_WINDOW_S - (sent_s - started_s)
        within_s = max(0.0, min(window_s, (command.expires_ms - now_ms) / 1000))
        metrics.DECISION_TO_SEND.labels(exchange=command.exchange).observe(max(0, now_ms - command.issued_ms) / 1000)
        try:
            exchange_order_id = await venue.place(command, within_s=within_s)
        except VenueError as error:
            failure = error.failure
            metrics.EXCHANGE_ERRORS.labels(exchange=command.exchange, code=failure.kind).inc()
            _log.warning("order.not_taken", order=command.client_order_id, kind=failure.kind, code=failure.raw)
            return failure
        metrics.SEND_TO_ACK.labels(exchange=command.exchange).observe(self._clock.monotonic_s() - sent_s)
        self.accepted[command.client_order_id] = exchange_order_id
        return None


def told(failure: Failure) -> ErrorInfo:
    """Return a refusal as it is told: the platform's kind, and the venue's own code."""
    return ErrorInfo(
        code=f"order.{failure.kind}",
        message=f"The exchange did not take the order ({failure.raw}).",
        retryable=failure.kind in TRANSIENT,
    )
