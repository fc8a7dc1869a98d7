"""Keeps a connection's standing true: tests it, checks its rights again and again, keeps its lease alive."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from backfuture_common.messages.connections import ConnectionState, TestCode
from backfuture_common.runtime.logging import get_logger

from backfuture_connector.core.failures import TRANSIENT, VenueError
from backfuture_connector.core.key_verdict import KeyVerdict
from backfuture_connector.core.report import Subject, with_code, with_verdict
from backfuture_connector.core.step_codes import TRANSIENT_CODES, code_for
from backfuture_connector.ports import AccountVenue, Lease
from backfuture_connector.shell.agenda import Dates
from backfuture_connector.shell.connection_test import Bench, ConnectionTest, Session
from backfuture_connector.shell.session import SessionKeeper
from backfuture_connector.shell.steady import ClockWatch
from backfuture_connector.shell.telling import Teller

RENEWALS_PER_LIFE = 6
RETRY_S = 60.0
CLOCK_EVERY_S = 5.0
BALANCES_S, BALANCES_AGAIN_S = 0.5, 5.0
"""Balances wait for nobody: orders need the worker and the budget more."""
_FIRST_RETEST_S, _MAX_RETEST_S = 5.0, 600.0

_log = get_logger("backfuture.connector.keeping")


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """How often what is repeated."""

    reconcile_s: float
    recheck_s: float


@dataclass(slots=True)
class Standing:
    """The newest state as published; one object shared by keeper and account."""

    state: ConnectionState | None


class StandingKeeper:
    """Owns state and session of one connection."""

    def __init__(
        self,
        *,
        standing: Standing,
        bench: Bench,
        teller: Teller,
        times: Times,
        agenda: Dates,
        on_push: Callable[[str | None, bool], None],
    ) -> None:
        self._standing = standing
        self._bench = bench
        self._teller = teller
        self._times = times
        self._agenda = agenda
        self._session = SessionKeeper(bench.keys, lambda order: on_push(order, False), lambda: on_push(None, True))
        self._retests = 0
        self.clock_watch = ClockWatch(bench.clock)

    @property
    def venue(self) -> AccountVenue | None:
        """Return the account while it is in use."""
        return self._session.venue

    async def resume(self, group: asyncio.TaskGroup) -> None:
        """Take up a connection as it was published before this process started."""
        state = self._standing.state
        if state is None:
            return
        if state.status == "online":
            await self._open_again(state, group)
        elif state.status == "testing" or (state.status == "attention" and state.code in TRANSIENT_CODES):
            self._agenda.set("retest", _FIRST_RETEST_S)

    async def test(self, subject: Subject, group: asyncio.TaskGroup) -> None:
        """Test as the user asked, telling each step. A refused key is never tested again; a new one is."""
        old = self._standing.state
        if old is not None and old.status == "refused" and subject.credential_version <= old.credential_version:
            await self.tell(old)
            return
        if old is not None and old.status == "removed":
            return
        self._retests = 0
        await self.close()
        await self._run_test(subject, group, silent=False)

    async def on_date(self, name: str, group: asyncio.TaskGroup) -> None:
        """Do what is due."""
        if name == "retest":
            await self._retest(group)
        elif name == "recheck":
            await self._recheck()
        elif name == "renew":
            await self._renew()
        elif name == "clock":
            self._agenda.set("clock", CLOCK_EVERY_S)

    async def mind_the_clock(self, group: asyncio.TaskGroup) -> None:
        """When somebody has set this machine's clock: compare it with the exchange's anew before signing."""
        if self._session.venue is not None and self.clock_watch.moved:
            _log.warning("clock.moved")
            await self._retest(group)

    async def regain(self) -> bool:
        """Get a fresh lease after the signer has forgotten the old one; False when the key may not be used now."""
        state, failure = self._standing.state, None
        if state is None or self._session.lease is None:
            return False
        try:
            lease = await self._bench.keys.lease(state.owner, state.connection_id)
        except VenueError as error:
            failure = error.failure
        if failure is not None:
            self._agenda.hasten("renew", RETRY_S)
            return False
        return self._take_lease(lease)

    async def tell(self, state: ConnectionState) -> None:
        """Publish a state; it is the connection's from now on."""
        self._standing.state = state
        await self._teller.state(state)

    async def tell_balances(self, venue: AccountVenue) -> None:
        """Publish the balances, if the venue tells them now."""
        state = self._standing.state
        if state is None:
            return
        try:
            balances = await venue.balances(within_s=BALANCES_S)
        except VenueError as error:
            _log.warning("balances.not_read", connection=state.connection_id, kind=error.failure.kind)
            self._agenda.hasten("balances", BALANCES_AGAIN_S)
            return
        await self._teller.balances(state, balances, self._bench.clock.now_ms())

    async def close(self) -> None:
        """End the session and everything that is planned for it."""
        self._agenda.clear("recheck", "renew", "reconcile", "settle", "balances", "retest", "clock")
        await self._session.end()

    async def _open_again(self, state: ConnectionState, group: asyncio.TaskGroup) -> None:
        self.clock_watch.note()
        try:
            lease = await self._bench.keys.lease(state.owner, state.connection_id)
            offset_ms = await self._bench.public.server_time_ms() - self._bench.clock.now_ms()
        except VenueError as error:
            await self._demote(code_for(error.failure.kind, "key"), error.failure.raw)
            return
        session = Session(lease, self._bench.open_account(lease, offset_ms))
        self._begin(session, group)
        if lease.version == state.credential_version:
            await self._recheck()
        else:  # the key was exchanged while we were away: not to be used before it is tested
            await self._retest(group)

    def _begin(self, session: Session, group: asyncio.TaskGroup) -> None:
        self._session.take(session, group)
        self._agenda.set("clock", CLOCK_EVERY_S)
        self._agenda.set("reconcile", self._times.reconcile_s)
        self._agenda.set("recheck", self._times.recheck_s)
        self._agenda.set("renew", session.lease.expires_in_s / RENEWALS_PER_LIFE)

    async def _run_test(self, subject: Subject, group: asyncio.TaskGroup, *, silent: bool) -> None:
        async def quiet(_state: ConnectionState) -> None:
            return

        old = self._standing.state
        self.clock_watch.note()
        outcome = await ConnectionTest(self._bench, subject, quiet if silent else self.tell).run()
        code = outcome.state.code
        if not silent or _differ(old, outcome.state):
            await self.tell(outcome.state)
        if code is not None:
            self._teller.test_ended(outcome.state, code)
        if outcome.session is not None:
            self._retests = 0
            self._begin(outcome.session, group)
            if outcome.balances is not None:
                await self._teller.balances(outcome.state, outcome.balances, self._bench.clock.now_ms())
        elif code in TRANSIENT_CODES:
            self._plan_retest()

    async def _retest(self, group: asyncio.TaskGroup) -> None:
        """Test again by ourselves: quietly, because nobody waits for the steps."""
        state = self._standing.state
        if state is None or state.status in {"refused", "removed"}:
            return
        subject = Subject(
            connection_id=state.connection_id,
            owner=state.owner,
            exchange=state.exchange,
            test_id=state.test_id,
            credential_version=state.credential_version,
        )
        await self.close()
        await self._run_test(subject, group, silent=True)

    async def _recheck(self) -> None:
        """Ask the exchange again what the key may do: rights can be added to a key later."""
        state, venue = self._standing.state, self._session.venue
        if state is None or venue is None:
            return
        self._agenda.set("recheck", self._times.recheck_s)
        verdict: KeyVerdict | None = None
        try:
            verdict = await venue.key_verdict()
        except VenueError as error:
            failure = error.failure
        if verdict is None:
            if failure.kind in TRANSIENT:
                self._agenda.set("recheck", RETRY_S)  # it says nothing about the key
            else:
                await self._demote(code_for(failure.kind, "key"), failure.raw, failure.seen_address)
        elif not verdict.ok:
            await self._demote(verdict.code, verdict.why)
        elif verdict.code != state.code or verdict.rights != state.rights:
            await self.tell(with_verdict(state, verdict, self._bench.clock.now_ms()))

    async def _renew(self) -> None:
        lease = self._session.lease
        if lease is None:
            return
        try:
            renewed = await self._bench.keys.renew(lease)
        except VenueError as error:
            kind = error.failure.kind
        else:
            if self._take_lease(renewed):
                self._agenda.set("renew", renewed.expires_in_s / RENEWALS_PER_LIFE)
            return
        if kind == "lease_gone" and not await self.regain():
            await self._demote("KEY_STORE_UNAVAILABLE", "the lease ended")
        else:
            self._agenda.hasten("renew", RETRY_S)

    def _take_lease(self, lease: Lease) -> bool:
        """Use the lease; False when it is of another key than the one that was tested."""
        state = self._standing.state
        if state is None or lease.version != state.credential_version:
            self._agenda.set("retest", 0)
            return False
        self._session.use(lease)
        return True

    async def _demote(self, code: TestCode, why: str, address: str | None = None) -> None:
        """The connection may not be used (any more): say so, and give the lease back."""
        state = self._standing.state
        if state is None:
            return
        _log.warning("connection.demoted", connection=state.connection_id, code=code, why=why)
        await self.close()
        await self.tell(with_code(state, code, self._bench.clock.now_ms(), why=why, address=address))
        if code in TRANSIENT_CODES:
            self._plan_retest()

    def _plan_retest(self) -> None:
        self._agenda.set("retest", min(_MAX_RETEST_S, _FIRST_RETEST_S * 2**self._retests))
        self._retests = min(self._retests + 1, 10)


def _differ(old: ConnectionState | None, new: ConnectionState) -> bool:
    """Say whether a test of ourselves has found something worth telling."""
    if old is None:
        return True
    return (old.status, old.code, old.credential_version) != (new.status, new.code, new.credential_version)
