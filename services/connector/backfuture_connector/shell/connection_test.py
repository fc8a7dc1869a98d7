"""The test of a connection, step by step: at most six requests, each step told as it passes, one code at the end."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, TypeVar

from backfuture_common.domain.ids import Symbol
from backfuture_common.domain.money import divide, plain, round_down, round_up
from backfuture_common.messages.connections import Balance, ConnectionState, TestCode, TestStepName
from backfuture_common.messages.market import Instrument
from backfuture_common.runtime.clock import Clock
from backfuture_common.runtime.logging import get_logger

from backfuture_connector.core.facts import Top
from backfuture_connector.core.failures import Failure, VenueError
from backfuture_connector.core.key_verdict import KeyVerdict
from backfuture_connector.core.report import Report, Subject
from backfuture_connector.core.step_codes import code_for, trial_order_code
from backfuture_connector.ports import AccountVenue, KeyStore, Lease, OpenAccount, PublicVenue

DEADLINE_S = 30.0
CLOCK_WARN_MS = 1_000

T = TypeVar("T")
Ended = Literal["passed", "warned"]
Publish = Callable[[ConnectionState], Awaitable[None]]

_log = get_logger("backfuture.connector.test")


@dataclass(frozen=True, slots=True)
class Session:
    """An account in use: its lease and its venue."""

    lease: Lease
    venue: AccountVenue


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a test ended. ``session`` only when the connection is online."""

    state: ConnectionState
    session: Session | None = None
    balances: tuple[Balance, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What tests need from the rest of the connector."""

    public: PublicVenue
    keys: KeyStore
    open_account: OpenAccount
    clock: Clock
    trial_market: Callable[[], Instrument | None]
    newest_price: Callable[[Symbol], Top | None]


class _EndedError(Exception):
    """A step has ended the test."""

    def __init__(self, code: TestCode, why: str = "", address: str | None = None) -> None:
        super().__init__(code)
        self.code: TestCode = code
        self.why = why
        self.address = address


class ConnectionTest:
    """One run. Whatever happens, it ends within its deadline in exactly one code, and leaves no lease behind unless
    the connection is online."""

    def __init__(self, bench: Bench, subject: Subject, publish: Publish) -> None:
        self._bench = bench
        self._publish = publish
        self._report = Report.start(subject, bench.clock.now_ms())
        self._subject = subject
        self._lease: Lease | None = None
        self._venue: AccountVenue | None = None
        self._balances: tuple[Balance, ...] | None = None
        self._running: TestStepName = "reachable"
        self._warning = ""

    async def run(self) -> Outcome:
        """Run the steps and return the end; the last state is not published here."""
        try:
            async with asyncio.timeout(DEADLINE_S):
                code = await self._steps()
            end = _EndedError(code, self._warning)
        except _EndedError as ended:
            end = ended
        except TimeoutError:
            end = _EndedError("NETWORK", f"the test took longer than {DEADLINE_S:.0f} s")
        now_ms = self._bench.clock.now_ms()
        if any(step.status == "running" for step in self._report.steps):
            self._report = self._report.end(self._running, "failed", now_ms, end.why)
        state = self._report.finished(end.code, now_ms, why=end.why, address=end.address)
        if state.status == "online" and self._lease is not None and self._venue is not None:
            return Outcome(state=state, session=Session(self._lease, self._venue), balances=self._balances)
        await self._give_back()
        return Outcome(state=state)

    async def _steps(self) -> TestCode:
        offset_ms = await self._reachable()
        venue = await self._lease_key(offset_ms)
        verdict = await self._key(venue)
        await self._rights(verdict)
        market = self._bench.trial_market()
        await self._trade_right(venue, market)
        await self._ip_list(verdict)
        await self._balance(venue)
        await self._orders(venue, market)
        self._warning = verdict.why
        return verdict.code

    async def _reachable(self) -> int:
        """Return the exchange's clock minus ours."""
        await self._begin("reachable")
        before_ms = self._bench.clock.now_ms()
        server_ms = await self._ask(self._bench.public.server_time_ms())
        offset_ms = server_ms - (before_ms + self._bench.clock.now_ms()) // 2
        if abs(offset_ms) > CLOCK_WARN_MS:
            await self._end_step("warned", f"this server's clock is {-offset_ms} ms ahead of the exchange's")
        else:
            await self._end_step("passed", f"clock offset {offset_ms} ms")
        return offset_ms

    async def _lease_key(self, offset_ms: int) -> AccountVenue:
        await self._begin("key")
        self._lease = await self._ask(self._bench.keys.lease(self._subject.owner, self._subject.connection_id))
        self._report = self._report.with_version(self._lease.version)
        self._venue = self._bench.open_account(self._lease, offset_ms)
        return self._venue

    async def _key(self, venue: AccountVenue) -> KeyVerdict:
        verdict = await self._ask(venue.key_verdict())
        self._report = self._report.with_key(verdict.rights, verdict.ip_restricted, verdict.expires_ms)
        if verdict.code == "KEY_EXPIRED":
            raise _EndedError(verdict.code, verdict.why)
        await self._end_step("passed")
        return verdict

    async def _rights(self, verdict: KeyVerdict) -> None:
        await self._begin("rights")
        if verdict.code in {"PERMISSIONS_UNVERIFIABLE", "READ_RIGHT_MISSING"}:
            raise _EndedError(verdict.code, verdict.why)
        await self._end_step("passed", ", ".join(verdict.rights))
        await self._begin("no_withdrawal")
        if verdict.code in {"WITHDRAW_ENABLED", "TRANSFER_ENABLED"}:
            raise _EndedError(verdict.code, verdict.why)
        await self._end_step("passed")
        await self._begin("trade_right")
        if not verdict.ok:
            raise _EndedError(verdict.code, verdict.why)

    async def _trade_right(self, venue: AccountVenue, market: Instrument | None) -> None:
        """Have a test order checked: the token says the key may trade, this says the exchange agrees."""
        if market is None:
            await self._end_step("warned", "no market to try an order on")
            return
        amount, price = await self._trial(market)
        try:
            await venue.try_order(market.symbol, plain(amount), plain(price))
        except VenueError as error:
            code = trial_order_code(error.failure.kind)
            if code is not None:
                raise _EndedError(code, error.failure.raw, error.failure.seen_address) from None
            await self._end_step("warned", f"the test order was not taken ({error.failure.raw})")
            return
        await self._end_step("passed", f"test order on {market.symbol}")

    async def _trial(self, market: Instrument) -> tuple[Decimal, Decimal]:
        """Return amount and price of a small order that the exchange's filters let pass."""
        top = self._bench.newest_price(market.symbol) or await self._ask(self._bench.public.fetch_top(market.symbol))
        price = round_down(top.bid, market.price_step) if top else market.price_step
        wanted = max(market.amount_min, divide(market.cost_min * 2, price))
        return round_up(wanted, market.amount_step), price

    async def _ip_list(self, verdict: KeyVerdict) -> None:
        await self._begin("ip_list")
        if verdict.ip_restricted:
            await self._end_step("passed")
        else:
            await self._end_step("warned", "the key works from every address")

    async def _balance(self, venue: AccountVenue) -> None:
        await self._begin("balance")
        self._balances = await self._ask(venue.balances())
        await self._end_step("passed", f"{len(self._balances)} currencies")

    async def _orders(self, venue: AccountVenue, market: Instrument | None) -> None:
        await self._begin("orders")
        if market is None:
            await self._end_step("warned", "no market to ask for")
            return
        orders = await self._ask(venue.open_orders(market.symbol))
        await self._end_step("passed", f"{len(orders)} open on {market.symbol}")

    async def _ask(self, answer: Awaitable[T]) -> T:
        failure: Failure | None = None
        try:
            return await answer
        except VenueError as error:
            failure = error.failure
        raise _EndedError(code_for(failure.kind, self._running), failure.raw, failure.seen_address)

    async def _begin(self, step: TestStepName) -> None:
        self._running = step
        self._report = self._report.begin(step, self._bench.clock.now_ms())
        await self._publish(self._report.running(self._bench.clock.now_ms()))

    async def _end_step(self, status: Ended, detail: str = "") -> None:
        self._report = self._report.end(self._running, status, self._bench.clock.now_ms(), detail)

    async def _give_back(self) -> None:
        if self._venue is not None:
            await self._venue.close()
        if self._lease is not None:
            try:
                await self._bench.keys.drop(self._lease)
            except VenueError as error:  # it ends by itself when it is not renewed
                _log.warning("lease.not_dropped", connection=self._subject.connection_id, code=error.failure.raw)
