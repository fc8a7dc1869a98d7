"""One connection: its state, its session, and the one worker through which everything about it goes."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import assert_never

from backfuture_common.domain.ids import ConnectionId, Symbol
from backfuture_common.messages.connections import ConnectionState, RemoveConnection, TestConnection
from backfuture_common.messages.market import Instrument
from backfuture_common.messages.orders import CancelOrder, PlaceOrder
from backfuture_common.runtime.logging import get_logger

from backfuture_connector.core.failures import Failure, FailureKind
from backfuture_connector.core.recovery import Rules
from backfuture_connector.core.report import Report, Subject, removed
from backfuture_connector.shell.agenda import Agenda
from backfuture_connector.shell.connection_test import Bench
from backfuture_connector.shell.keeping import Standing, StandingKeeper, Times
from backfuture_connector.shell.ledger import Ledger, is_final
from backfuture_connector.shell.orders import OrderDesk, Place
from backfuture_connector.shell.reconciling import Reconciler
from backfuture_connector.shell.sending import Sender
from backfuture_connector.shell.settling import Settler
from backfuture_connector.shell.telling import Teller

Command = TestConnection | RemoveConnection | PlaceOrder | CancelOrder
Done = Callable[[], None]

_ABOUT_THE_KEY: frozenset[FailureKind] = frozenset(
    {"key_unknown", "secret_wrong", "passphrase_wrong", "key_expired", "ip_not_allowed", "no_permission",
     "account_restricted", "auth_unclear", "clock_skew"}
)  # fmt: skip
"""Refusals after which the key is looked at again at once."""

_log = get_logger("backfuture.connector.account")


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What every account shares."""

    bench: Bench
    teller: Teller
    ledger: Ledger
    rules: Rules
    times: Times
    instrument: Callable[[Symbol], Instrument | None]


class Account:
    """Commands are handled one after another; dates of its agenda in between."""

    def __init__(self, connection_id: ConnectionId, state: ConnectionState | None, shared: Surroundings) -> None:
        clock = shared.bench.clock
        self.connection_id = connection_id
        self._shared = shared
        self._nudge = asyncio.Event()
        self._agenda: Agenda[tuple[Command, Done]] = Agenda(clock)
        self._standing = Standing(state)
        self._keeper = StandingKeeper(
            standing=self._standing,
            bench=shared.bench,
            teller=shared.teller,
            times=shared.times,
            agenda=self._agenda,
            on_push=self._on_push,
        )
        sender = Sender(clock, self._keeper.regain, self._keeper.clock_watch)
        settler = Settler(shared.ledger, sender, clock, shared.rules, self._nudge)
        self._desk = OrderDesk(shared.ledger, sender, settler, clock)
        self._reconciler = Reconciler(connection_id, shared.ledger, settler, clock)

    @property
    def status(self) -> str | None:
        """Return the connection's status, None when it is not known here."""
        return self._standing.state.status if self._standing.state else None

    @property
    def key_expires_ms(self) -> int | None:
        """Return when the key in use expires, None when it does not or none is in use."""
        state = self._standing.state
        return state.key_expires_ms if state is not None and state.status == "online" else None

    def submit(self, command: Command, done: Done) -> None:
        """Queue a command; ``done`` is called when it was handled."""
        self._agenda.add((command, done))

    async def run(self) -> None:
        """Work, for ever. Orders that have not ended are found out before any new command is taken."""
        async with asyncio.TaskGroup() as group:
            await self._keeper.resume(group)
            if self._keeper.venue is not None:
                await self._reconciler.settle_all(self._keeper.venue, self._shared.rules.give_up_ms / 1000)
                self._agenda.set("reconcile", 0)
            while True:
                item = await self._agenda.next()
                await self._keeper.mind_the_clock(group)
                if isinstance(item, str):
                    await self._on_date(item, group)
                else:
                    command, done = item
                    await self._handle(command, group)
                    done()

    async def _handle(self, command: Command, group: asyncio.TaskGroup) -> None:
        match command:
            case TestConnection():
                await self._on_test(command, group)
            case RemoveConnection():
                await self._on_remove(command)
            case PlaceOrder():
                await self._on_place(command)
            case CancelOrder():
                await self._desk.cancel(command, self._keeper.venue)
                self._follow(command)
            case _:
                assert_never(command)

    async def _on_test(self, command: TestConnection, group: asyncio.TaskGroup) -> None:
        subject = Subject(
            connection_id=command.connection_id,
            owner=command.owner,
            exchange=command.exchange,
            test_id=command.test_id,
            credential_version=command.credential_version,
        )
        await self._keeper.test(subject, group)
        if self._keeper.venue is not None:
            await self._reconciler.settle_all(self._keeper.venue, self._shared.rules.grace_ms / 1000)

    async def _on_remove(self, command: RemoveConnection) -> None:
        if self._keeper.venue is not None:
            await self._reconciler.settle_all(self._keeper.venue, self._shared.rules.grace_ms / 1000)
        await self._keeper.close()
        now_ms = self._shared.bench.clock.now_ms()
        nobody = Subject(
            connection_id=command.connection_id,
            owner=command.owner,
            exchange=command.exchange,
            test_id="",
            credential_version=0,
        )
        known = self._standing.state or Report.start(nobody, now_ms).running(now_ms)
        await self._keeper.tell(removed(known, now_ms))

    async def _on_place(self, command: PlaceOrder) -> None:
        place = Place(
            connection=self._standing.state,
            venue=self._keeper.venue,
            instrument=self._shared.instrument(command.symbol),
        )
        failure: Failure | None = await self._desk.place(command, place)
        if failure is not None and failure.kind in _ABOUT_THE_KEY:
            self._agenda.hasten("recheck", 0)
        self._follow(command)

    def _follow(self, command: PlaceOrder | CancelOrder) -> None:
        """Plan what comes after an order: its balances, and the search for its end when that is open."""
        entry = self._shared.ledger.get(command.client_order_id)
        if entry is None or self._keeper.venue is None:
            return
        if not is_final(entry):
            self._agenda.hasten("settle", 1)
        if entry.update.fills.amount > 0:
            self._agenda.hasten("balances", 0)

    async def _on_date(self, name: str, group: asyncio.TaskGroup) -> None:
        if name in {"settle", "reconcile", "balances"}:
            await self._look(name)
        else:
            await self._keeper.on_date(name, group)

    async def _look(self, name: str) -> None:
        venue = self._keeper.venue
        if venue is None:
            return
        if name == "reconcile":
            await self._reconciler.look_again(venue)
            self._agenda.set("reconcile", self._shared.times.reconcile_s)
        if name in {"settle", "reconcile"}:
            again_s = await self._reconciler.settle_all(venue, 0)
            if again_s is not None:
                self._agenda.hasten("settle", again_s)
        if name in {"balances", "reconcile"}:
            await self._keeper.tell_balances(venue)

    def _on_push(self, client_order_id: str | None, gap: bool) -> None:
        """Hear a hint of the private stream, or that it was interrupted."""
        self._nudge.set()
        if gap:
            self._agenda.hasten("reconcile", 1)
            return
        own = self._shared.ledger.find(client_order_id) if client_order_id else None
        if own is None or not is_final(own):
            self._agenda.hasten("settle", 0)
            self._agenda.hasten("balances", 1)
