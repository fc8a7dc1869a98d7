"""A venue that misbehaves, and connector processes that die: everything around one order but the rules under test."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, TypeVar

from backfuture_common.bus import KafkaSettings, Outgoing
from backfuture_common.domain.ids import ClientOrderId, Symbol
from backfuture_common.messages.connections import Balance
from backfuture_common.messages.orders import LedgerEntry, OrderUpdate, PlaceOrder
from backfuture_connector.core.facts import FeeFact, OrderFact, TradeFact
from backfuture_connector.core.failures import Answer, Failure, VenueError, local_failure
from backfuture_connector.core.key_verdict import KeyVerdict
from backfuture_connector.core.recovery import Rules
from backfuture_connector.ports import Lease
from backfuture_connector.shell.ledger import Ledger
from backfuture_connector.shell.orders import OrderDesk, Place
from backfuture_connector.shell.reconciling import Reconciler
from backfuture_connector.shell.sending import Sender
from backfuture_connector.shell.settling import Settler
from backfuture_connector.shell.steady import ClockWatch

from tests.property.connector.virtual_time import VirtualClock
from tests.unit.connector.build import CONNECTION, EXCHANGE, connection, instrument

T = TypeVar("T")
VENUE_WINDOW_S = 5.0
"""A request older than this is dead at the venue."""
MAX_LAG_S = 2.5
"""How long the venue may hide an order from those who ask."""


SENDING_TROUBLES = (
    "refused", "lost", "cut after", "late", "5xx after", "5xx before", "stalled", "crash before", "crash after",
)  # fmt: skip


class CrashError(Exception):
    """The process dies here."""


class Fate:
    """Reads from ``tape`` what goes wrong, until ``troubles`` are used up or the tape ends: then all goes well.

    The tape is drawn before the story begins: timers ask too, and Hypothesis must never be asked from a callback.
    """

    def __init__(self, tape: bytes, troubles: int) -> None:
        self._tape = iter(tape)
        self._troubles = troubles
        self.told: list[tuple[str, object]] = []

    def pick(self, what: str, good: T, bad: Sequence[T]) -> T:
        """Return ``good`` three times in four."""
        if self._troubles <= 0:
            return good
        luck = next(self._tape, 0)
        if luck < 192:
            return good
        self._troubles -= 1
        chosen = bad[luck % len(bad)]
        self.told.append((what, chosen))
        return chosen

    def amount(self, what: str, top: float) -> float:
        """Return a number from 0 to ``top``."""
        drawn = next(self._tape, 0) * top / 255
        self.told.append((what, drawn))
        return drawn


class Script:
    """A fate that is written: ``troubles`` happen once each, in whatever order they are asked for."""

    def __init__(self, troubles: dict[str, Any], amounts: dict[str, float]) -> None:
        self._troubles = dict(troubles)
        self._amounts = amounts

    def pick(self, what: str, good: T, bad: Sequence[T]) -> T:
        chosen: T = self._troubles.pop(what, good)
        assert chosen == good or chosen in bad
        return chosen

    def amount(self, what: str, top: float) -> float:
        return min(top, self._amounts.get(what, 0.0))


@dataclass
class Accepted:
    """An order in the venue's book; ``seen_*`` is from when each question shows it."""

    command: PlaceOrder
    exchange_order_id: str
    state: str
    filled: Decimal
    seen_by_id_s: float
    seen_in_lists_s: float


@dataclass
class World:
    """What outlives a process: the venue's book and the topics."""

    fate: Fate | Script
    book: list[Accepted] = field(default_factory=list)
    sent: int = 0
    ledger: dict[ClientOrderId, LedgerEntry] = field(default_factory=dict)
    events: list[OrderUpdate] = field(default_factory=list)

    def now_s(self) -> float:
        return asyncio.get_running_loop().time()

    def accept(self, command: PlaceOrder) -> str:
        """Put the order into the book: this venue never refuses a used id."""
        fate = self.fate
        state = fate.pick("end", "filled", ["canceled", "part", "rests"])
        share = {"filled": "1", "canceled": "0", "part": "0.4", "rests": "0.2"}[state]
        lag = fate.amount("lag", MAX_LAG_S) if fate.pick("hides", False, [True]) else 0.0
        order = Accepted(
            command=command,
            exchange_order_id=f"x{len(self.book) + 1}",
            state="open" if state == "rests" else "filled" if state == "filled" else "canceled",
            filled=command.amount * Decimal(share),
            seen_by_id_s=self.now_s() + lag,
            seen_in_lists_s=self.now_s() + (fate.amount("list lag", MAX_LAG_S) if lag else 0.0),
        )
        self.book.append(order)
        return order.exchange_order_id


class FakeCommitter:
    """Writes to the world's topics; the process may die before or after."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def commit(self, records: Sequence[Outgoing]) -> None:
        await asyncio.sleep(0.005)
        when = self._world.fate.pick("crash at commit", "no", ["before", "after"])
        if when == "before":
            raise CrashError
        for record in records:
            if isinstance(record.value, LedgerEntry):
                self._world.ledger[ClientOrderId(record.key)] = record.value
            elif isinstance(record.value, OrderUpdate):
                self._world.events.append(record.value)
        if when == "after":
            raise CrashError


def failure(kind: Any, error_class: str, *, status: int | None = None, code: str | None = None) -> VenueError:
    answer = Answer(sent=True, http_status=status, code=code, text="", error_class=error_class)
    return VenueError(Failure(kind=kind, answer=answer, by_code=code is not None))


class ModelVenue:
    """One account at the misbehaving venue."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def place(self, command: PlaceOrder, *, within_s: float) -> str:
        world, fate = self._world, self._world.fate
        trouble = fate.pick("sending", "ok", SENDING_TROUBLES)
        if trouble == "stalled":  # the process stood still between the ledger and the request
            await asyncio.sleep(fate.amount("stall", 30))
        if trouble == "crash before":
            raise CrashError
        if trouble == "stalled" and fate.amount("left", 30) > within_s:
            raise VenueError(local_failure("network", "SentTooLate"))
        world.sent += 1
        await asyncio.sleep(0.05)
        if trouble == "refused":
            raise failure("insufficient_funds", "InsufficientFunds", status=200, code="200004")
        if trouble in {"lost", "5xx before"}:
            raise failure("network", "RequestTimeout", status=503 if trouble == "5xx before" else None)
        if trouble == "late":
            self._arrive_later(command, fate.amount("flight", 2 * VENUE_WINDOW_S))
            await asyncio.sleep(fate.amount("time-out", 8))
            raise failure("network", "RequestTimeout")
        exchange_order_id = world.accept(command)
        if trouble == "crash after":
            raise CrashError
        if trouble in {"cut after", "5xx after"}:
            raise failure("network", "ExchangeNotAvailable", status=502 if trouble == "5xx after" else None)
        return exchange_order_id

    def _arrive_later(self, command: PlaceOrder, flight_s: float) -> None:
        if flight_s <= VENUE_WINDOW_S:  # later it is refused for its old signature
            asyncio.get_running_loop().call_later(flight_s, self._world.accept, command)

    async def find_order(self, client_order_id: ClientOrderId, symbol: Symbol) -> OrderFact | None:
        await self._answer()
        for order in self._world.book:
            same = (order.command.client_order_id, order.command.symbol) == (client_order_id, symbol)
            if same and self._world.now_s() >= order.seen_by_id_s:
                return self._fact(order)
        return None

    async def open_orders(self, symbol: Symbol) -> tuple[OrderFact, ...]:
        await self._answer()
        return tuple(self._fact(order) for order in self._listed(symbol) if order.state == "open")

    async def trades(self, symbol: Symbol, since_ms: int, exchange_order_id: str | None) -> tuple[TradeFact, ...]:
        await self._answer()
        return tuple(
            TradeFact(
                trade_id=f"t{order.exchange_order_id}",
                exchange_order_id=order.exchange_order_id,
                client_order_id=None,
                side=order.command.side,
                price=order.command.limit_price,
                amount=order.filled,
                cost=order.filled * order.command.limit_price,
                fee=FeeFact(currency="USDT", amount=order.filled / 10),
                at_ms=order.command.issued_ms,
            )
            for order in self._listed(symbol)
            if order.filled
            and order.command.issued_ms >= since_ms
            and exchange_order_id in {None, order.exchange_order_id}
        )

    async def cancel(self, client_order_id: ClientOrderId, symbol: Symbol) -> None:
        await self._answer()
        for order in self._world.book:
            same = (order.command.client_order_id, order.command.symbol) == (client_order_id, symbol)
            if same and order.state == "open":
                order.state = "canceled"

    def _listed(self, symbol: Symbol) -> list[Accepted]:
        now_s = self._world.now_s()
        return [one for one in self._world.book if one.command.symbol == symbol and now_s >= one.seen_in_lists_s]

    async def _answer(self) -> None:
        await asyncio.sleep(0.03)
        if self._world.fate.pick("question", "ok", ["fails"]) == "fails":
            raise failure("network", "RequestTimeout")

    def _fact(self, order: Accepted) -> OrderFact:
        return OrderFact(
            exchange_order_id=order.exchange_order_id,
            client_order_id=order.command.client_order_id,
            symbol=order.command.symbol,
            side=order.command.side,
            amount=order.command.amount,
            price=order.command.limit_price,
            state=order.state,  # type: ignore[arg-type]  # one of the three words
            filled=order.filled,
            cost=order.filled * order.command.limit_price,
            fee=None,
            placed_ms=order.command.issued_ms,
        )

    # -- what orders do not need

    async def key_verdict(self) -> KeyVerdict:
        raise NotImplementedError

    async def try_order(self, symbol: Symbol, amount: str, price: str) -> None:
        raise NotImplementedError

    async def balances(self, *, within_s: float | None = None) -> tuple[Balance, ...]:
        raise NotImplementedError

    async def watch_private(self, on_change: object, on_gap: object) -> None:
        raise NotImplementedError

    def use(self, lease: Lease) -> None:
        raise NotImplementedError

    async def close(self) -> None:
        raise NotImplementedError


async def live(world: World, command: PlaceOrder, rules: Rules, for_s: float) -> None:
    """Be one connector process: recover, take the command (again), follow its order. Raises CrashError to die."""
    clock, nudge = VirtualClock(), asyncio.Event()
    kafka = KafkaSettings(bootstrap_servers="nowhere", client_id="test")
    ledger = Ledger(kafka, EXCHANGE, FakeCommitter(world))  # type: ignore[arg-type]  # the one method it needs
    for entry in world.ledger.values():
        ledger.keep(entry)

    async def no_new_lease() -> bool:
        return False

    sender = Sender(clock, no_new_lease, ClockWatch(clock))
    settler = Settler(ledger, sender, clock, rules, nudge)
    desk = OrderDesk(ledger, sender, settler, clock)
    reconciler = Reconciler(CONNECTION, ledger, settler, clock)
    venue = ModelVenue(world)
    place = Place(connection=connection(), venue=venue, instrument=instrument())
    until_s = clock.monotonic_s() + for_s
    async with asyncio.TaskGroup() as group:
        writing = group.create_task(ledger.run())
        await reconciler.settle_all(venue, rules.give_up_ms / 1000)
        await desk.place(command, place)
        while clock.monotonic_s() < until_s:
            again_s = await reconciler.settle_all(venue, 1)
            if again_s is None:
                break
            await asyncio.sleep(again_s)
        await reconciler.look_again(venue)
        writing.cancel()
