"""Follows one order until its end is known: ask, decide by the rules, act, ask again."""

import asyncio

from backfuture_common.domain.ids import ClientOrderId
from backfuture_common.errors import ErrorInfo
from backfuture_common.messages.orders import LedgerEntry, PlaceOrder
from backfuture_common.runtime.clock import Clock
from backfuture_common.runtime.logging import get_logger

from backfuture_connector.core.evidence import (
    CLOCK_TOLERANCE_MS,
    Evidence,
    Finding,
    Found,
    NoAnswer,
    Suspect,
    Unclear,
    conclude,
)
from backfuture_connector.core.facts import OrderFact, TradeFact
from backfuture_connector.core.failures import VenueError
from backfuture_connector.core.fills import FillsRead, newer, read_fills
from backfuture_connector.core.order_outcomes import placing_outcome
from backfuture_connector.core.order_states import Trigger, advance
from backfuture_connector.core.recovery import (
    Adopt,
    AskAgain,
    CancelRest,
    End,
    GiveUp,
    Next,
    Rules,
    Search,
    SendAgain,
    next_step,
    remember,
)
from backfuture_connector.ports import AccountVenue
from backfuture_connector.shell.ledger import Ledger, is_final
from backfuture_connector.shell.sending import Sender, told

FEES_PATIENCE_S = 5.0
"""How long the end of an order waits for its trades; later the reconciliation brings the fees."""
_FIRST_PAUSE_MS = 100

_log = get_logger("backfuture.connector.settling")


class Settler:
    """Settles the orders of one connection. ``nudge`` is set by the private stream: then waiting ends early."""

    def __init__(self, ledger: Ledger, sender: Sender, clock: Clock, rules: Rules, nudge: asyncio.Event) -> None:
        self._ledger = ledger
        self._sender = sender
        self._clock = clock
        self._rules = rules
        self._nudge = nudge
        self._searches: dict[ClientOrderId, Search] = {}

    async def settle(self, client_order_id: ClientOrderId, venue: AccountVenue, within_s: float) -> bool:
        """Follow the order for at most ``within_s``; return whether its end is known."""
        until_s = self._clock.monotonic_s() + within_s
        pause_ms = _FIRST_PAUSE_MS
        while True:
            wait_ms = await self._round(client_order_id, venue)
            if wait_ms is None:
                self._searches.pop(client_order_id, None)
                self._sender.accepted.pop(client_order_id, None)
                self._sender.sent_s.pop(client_order_id, None)
                return True
            wait_ms = min(wait_ms, pause_ms)
            pause_ms *= 2
            if self._clock.monotonic_s() + wait_ms / 1000 > until_s:
                return False
            await self._pause(wait_ms)

    async def look_again(self, client_order_id: ClientOrderId, venue: AccountVenue) -> None:
        """Ask once more about an order that has ended: late fees, or one that the venue had hidden."""
        entry = self._ledger.get(client_order_id)
        order = await self._by_id(entry.command, venue) if entry is not None else None
        if entry is None or not isinstance(order, OrderFact) or order.state == "open":
            return
        read = await self._fills(order, venue)
        fills = newer(entry.update.fills, read)
        trigger = _end_of(order, fills.amount >= entry.command.amount)
        revived = entry.update.status in {"expired", "rejected"} and fills.amount > 0
        if revived or (fills, read.complete) != (entry.update.fills, entry.fees_known):
            now_ms, venues_id = self._clock.now_ms(), order.exchange_order_id
            await self._ledger.record(
                advance(entry, trigger, now_ms, exchange_order_id=venues_id, fills=fills, fees_known=read.complete)
            )

    async def _round(self, client_order_id: ClientOrderId, venue: AccountVenue) -> int | None:
        """Ask once and act; return the milliseconds to wait before the next round, None at the end."""
        entry = self._ledger.get(client_order_id)
        if entry is None or is_final(entry):
            return None
        asked_ms = self._steady_ms()
        finding = await self._ask(entry, venue, asked_ms)
        now_ms = self._steady_ms()
        search = self._searches.get(client_order_id) or self._new_search(client_order_id, asked_ms)
        search = self._searches[client_order_id] = remember(search, finding, now_ms)
        entry = await self._note_acceptance(entry, finding)
        expired = self._clock.now_ms() >= entry.command.expires_ms
        step = next_step(entry, search, finding, asked_ms=asked_ms, now_ms=now_ms, expired=expired, rules=self._rules)
        return await self._act(step, entry, finding, venue)

    def _steady_ms(self) -> int:
        return round(self._clock.monotonic_s() * 1000)

    def _new_search(self, client_order_id: ClientOrderId, began_ms: int) -> Search:
        sent_s = self._sender.sent_s.get(client_order_id)
        return Search(began_ms=began_ms, sent_ms=None if sent_s is None else round(sent_s * 1000))

    async def _act(self, step: Next, entry: LedgerEntry, finding: Finding, venue: AccountVenue) -> int | None:
        wait_ms: int | None = self._rules.ask_every_ms
        match step:
            case Adopt(order):
                await self._adopt(entry, order, venue)
                wait_ms = None
            case CancelRest(order):
                await self._cancel_rest(entry, order, venue)
            case SendAgain():
                await self._send_again(entry, venue)
            case End(refusal):
                await self._end(entry, refusal)
                wait_ms = None
            case GiveUp(why):
                await self._give_up(entry, why)
            case AskAgain(after_ms, order):
                await self._note_doubt(entry, finding, order, venue)
                wait_ms = after_ms
        return wait_ms

    async def _ask(self, entry: LedgerEntry, venue: AccountVenue, asked_ms: int) -> Finding:
        command = entry.command
        by_id = await self._by_id(command, venue)
        if isinstance(by_id, OrderFact):  # the other questions would tell nothing more
            return conclude(entry, Evidence(by_id=by_id, open_orders=(), trades=(), asked_ms=asked_ms), ())
        evidence = Evidence(
            by_id=by_id,
            open_orders=await self._open_orders(command, venue),
            trades=await self._trades(entry, venue),
            asked_ms=asked_ms,
        )
        others = self._ledger.of_connection(command.connection_id)
        explained = {
            other.update.exchange_order_id
            for other in others
            if other.update.exchange_order_id and other.command.client_order_id != command.client_order_id
        }
        return conclude(entry, evidence, explained)

    async def _by_id(self, command: PlaceOrder, venue: AccountVenue) -> OrderFact | NoAnswer | None:
        try:
            return await venue.find_order(command.client_order_id, command.symbol)
        except VenueError as error:
            return NoAnswer(error.failure.kind)

    async def _open_orders(self, command: PlaceOrder, venue: AccountVenue) -> tuple[OrderFact, ...] | NoAnswer:
        try:
            return await venue.open_orders(command.symbol)
        except VenueError as error:
            return NoAnswer(error.failure.kind)

    async def _trades(self, entry: LedgerEntry, venue: AccountVenue) -> tuple[TradeFact, ...] | NoAnswer:
        since_ms = (entry.submitted_ms or entry.command.issued_ms) - CLOCK_TOLERANCE_MS
        try:
            return await venue.trades(entry.command.symbol, since_ms, None)
        except VenueError as error:
            return NoAnswer(error.failure.kind)

    async def _note_acceptance(self, entry: LedgerEntry, finding: Finding) -> LedgerEntry:
        """Write down that the venue took the order while its end is not known: it must never be sent again."""
        exchange_order_id = self._sender.accepted.get(entry.command.client_order_id)
        if exchange_order_id is None or entry.update.exchange_order_id is not None:
            return entry
        if isinstance(finding, Found) and finding.order.state != "open":
            return entry
        accepted = advance(entry, "resting", self._clock.now_ms(), exchange_order_id=exchange_order_id)
        return await self._ledger.record(accepted)

    async def _note_doubt(
        self, entry: LedgerEntry, finding: Finding, order: OrderFact | None, venue: AccountVenue
    ) -> None:
        """Publish what is new about an order that has not ended."""
        now_ms, status = self._clock.now_ms(), entry.update.status
        if order is not None:
            fills = newer(entry.update.fills, await self._fills(order, venue))
            if status != "open" or fills != entry.update.fills:
                await self._ledger.record(
                    advance(entry, "resting", now_ms, exchange_order_id=order.exchange_order_id, fills=fills)
                )
        elif status == "submitting":
            why = finding.why if isinstance(finding, Unclear | Suspect) else "not found yet"
            error = ErrorInfo(code="order.unknown", message=f"Its fate is being found out ({why}).")
            await self._ledger.record(advance(entry, "lost", now_ms, error=error))

    async def _adopt(self, entry: LedgerEntry, order: OrderFact, venue: AccountVenue) -> None:
        read = await self._fills(order, venue)
        until_s = self._clock.monotonic_s() + FEES_PATIENCE_S
        while not read.complete and self._clock.monotonic_s() < until_s:
            await self._pause(_FIRST_PAUSE_MS * 5)
            read = await self._fills(order, venue)
        fills = newer(entry.update.fills, read)
        trigger = _end_of(order, fills.amount >= entry.command.amount)
        now_ms, venues_id = self._clock.now_ms(), order.exchange_order_id
        await self._ledger.record(
            advance(entry, trigger, now_ms, exchange_order_id=venues_id, fills=fills, fees_known=read.complete)
        )

    async def _fills(self, order: OrderFact, venue: AccountVenue) -> FillsRead:
        trades: tuple[TradeFact, ...] = ()
        if order.filled > 0:
            since_ms = (order.placed_ms or self._clock.now_ms()) - CLOCK_TOLERANCE_MS
            try:
                trades = await venue.trades(order.symbol, since_ms, order.exchange_order_id)
            except VenueError as error:
                _log.warning("trades.not_read", kind=error.failure.kind, code=error.failure.raw)
        return read_fills(order, trades)

    async def _cancel_rest(self, entry: LedgerEntry, order: OrderFact, venue: AccountVenue) -> None:
        try:
            await venue.cancel(entry.command.client_order_id, entry.command.symbol)
        except VenueError as error:  # whatever it means, the next question tells
            _log.warning("cancel.not_confirmed", order=entry.command.client_order_id, kind=error.failure.kind)
        _log.info("order.rest_cancelled", order=entry.command.client_order_id, exchange_order=order.exchange_order_id)

    async def _send_again(self, entry: LedgerEntry, venue: AccountVenue) -> None:
        _log.warning("order.sent_again", order=entry.command.client_order_id)
        started_s = self._clock.monotonic_s()
        sent = await self._ledger.record(advance(entry, "sent", self._clock.now_ms()))
        failure = await self._sender.send(sent, venue, started_s)
        key = entry.command.client_order_id
        refusal = told(failure) if failure is not None and placing_outcome(failure) == "refused" else None
        # even a refusal is not believed yet: it may come from the first sending, which the venue hid until now
        began_ms = self._searches[key].began_ms
        self._searches[key] = Search(began_ms=began_ms, sent_ms=round(started_s * 1000), refusal=refusal)

    async def _end(self, entry: LedgerEntry, refusal: ErrorInfo | None) -> None:
        trigger: Trigger = "refused" if refusal is not None else "canceled" if entry.cancel_requested else "expired"
        error = refusal or ErrorInfo(code="order.not_placed", message="The exchange does not know the order.")
        await self._ledger.record(advance(entry, trigger, self._clock.now_ms(), error=error))

    async def _give_up(self, entry: LedgerEntry, why: str) -> None:
        if entry.update.status != "needs_operator":
            error = ErrorInfo(
                code="order.needs_operator",
                message=f"The exchange could not tell what became of it ({why}).",
                hint="Look for the order at the exchange. The connector goes on asking and adopts what it finds.",
            )
            await self._ledger.record(advance(entry, "given_up", self._clock.now_ms(), error=error))
            _log.error("order.needs_operator", order=entry.command.client_order_id, why=why)

    async def _pause(self, wait_ms: int) -> None:
        self._nudge.clear()
        try:
            async with asyncio.timeout(wait_ms / 1000):
                await self._nudge.wait()
        except TimeoutError:
            return


def _end_of(order: OrderFact, whole: bool) -> Trigger:
    return "filled" if whole or order.state == "filled" else "canceled"
