"""A misbehaving venue with one market and one account: what it has accepted is the truth that everything is judged by.

It answers late or not at all, accepts and says nothing, hides what it has accepted for a while, fills in pieces, lets
immediate orders rest, refuses used ids (or not), limits requests, repeats and shuffles trades, and loses pushes. It
keeps two promises that the rules rest on: a request signed more than ``WINDOW_MS`` ago is refused, and what it has
accepted is visible to every question after ``MAX_LAG_S``.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

from backfuture_common.domain.ids import ClientOrderId, ExchangeId, Symbol
from backfuture_common.messages.connections import Balance
from backfuture_common.messages.orders import PlaceOrder
from backfuture_connector.core.facts import FeeFact, OrderFact, OrderState, TradeFact
from backfuture_connector.core.failures import VenueError, local_failure
from backfuture_connector.core.key_verdict import KeyVerdict
from backfuture_connector.ports import Lease

from tests.property.connector.world import MAX_LAG_S, VENUE_WINDOW_S, failure
from tests.simulation.clients import strike_process
from tests.simulation.fate import Fate
from tests.simulation.loop import START_MS, HostClock, as_nobody

WINDOW_MS = int(VENUE_WINDOW_S * 1000)
CALL_S = 8.0
SENDING = (
    "refused", "lost", "cut after", "late", "late", "5xx after", "5xx before", "stalled", "429", "silent after",
)  # fmt: skip
FEE = Decimal("0.001")


@dataclass(slots=True)
class Piece:
    """One fill."""

    trade_id: str
    amount: Decimal
    price: Decimal
    at_s: float


@dataclass(slots=True)
class Accepted:
    """An order in the book."""

    command: PlaceOrder
    exchange_order_id: str
    at_s: float
    hidden_s: float
    pieces: list[Piece] = field(default_factory=list)
    ended_s: float | None = None

    @property
    def filled(self) -> Decimal:
        return sum((piece.amount for piece in self.pieces), Decimal(0))

    @property
    def cost(self) -> Decimal:
        return sum((piece.amount * piece.price for piece in self.pieces), Decimal(0))


class Venue:
    """The exchange: book, prices, money."""

    def __init__(self, fate: Fate, clock: HostClock, exchange: ExchangeId, symbol: Symbol, price: Decimal) -> None:
        self.fate = fate
        self.clock = clock
        self.exchange = exchange
        self.symbol = symbol
        self.bid = self.ask = price
        self.book: list[Accepted] = []
        self.money = {"USDT": Decimal(100_000), symbol.split("/")[0]: Decimal(0)}
        self.refuses_used_ids = fate.choice("refuses used ids", (False, False, True))
        self.fee_in_base = fate.choice("fee in base", (False, True))
        self.listeners: list[Callable[[str | None, bool], None]] = []

    def now_s(self) -> float:
        return asyncio.get_running_loop().time()

    def later(self, delay_s: float, what: Callable[..., object], *given: object) -> None:
        """Do something at the venue, whatever becomes of whoever asked."""
        asyncio.get_running_loop().call_later(delay_s, what, *given, context=as_nobody())

    def receive(self, command: PlaceOrder, signed_ms: int, answer: "asyncio.Future[str]") -> None:
        """A request arrives; the answer is for whoever still waits."""
        try:
            accepted = self._accept(command, signed_ms)
        except VenueError as error:
            if not answer.done():
                answer.set_exception(error)
        else:
            if not answer.done():
                answer.set_result(accepted)

    def _accept(self, command: PlaceOrder, signed_ms: int) -> str:
        self.check_signature(signed_ms)
        if self.refuses_used_ids and any(old.command.client_order_id == command.client_order_id for old in self.book):
            raise failure("duplicate_order", "InvalidOrder", status=200, code="400100")
        base, quote = command.symbol.split("/")
        needed = command.amount * command.limit_price if command.side == "buy" else command.amount
        if self.money[quote if command.side == "buy" else base] < needed:
            raise failure("insufficient_funds", "InsufficientFunds", status=200, code="200004")
        hidden_s = self.fate.amount("lag", MAX_LAG_S) if self.fate.pick("hides", good=False, bad=[True]) else 0.0
        order = Accepted(command, f"x{len(self.book) + 1}", self.now_s(), hidden_s)
        self.book.append(order)
        self._match(order)
        return order.exchange_order_id

    def check_signature(self, signed_ms: int) -> None:
        if abs(START_MS + self.now_s() * 1000 - signed_ms) > WINDOW_MS:
            raise failure("clock_skew", "InvalidNonce", status=200, code="400002")

    def _match(self, order: Accepted) -> None:
        buys = order.command.side == "buy"
        price = self.ask if buys else self.bid
        crosses = price <= order.command.limit_price if buys else price >= order.command.limit_price
        how = self.fate.pick("matching", "whole", ("part", "nothing", "pieces", "rests"))
        if not crosses or how == "nothing":
            self._end(order)
            return
        whole = order.command.amount
        tenth = whole / 10
        if how == "whole":
            self._fill(order, whole, price)
            self._end(order)
        elif how == "part":
            self._fill(order, tenth * self.fate.number("part", 1, 9), price)
            self._end(order)
        elif how == "pieces":
            self._fill(order, tenth * 3, price)
            self.later(self.fate.amount("second piece", 4), self._fill, order, tenth * 3, price)
            self.later(4 + self.fate.amount("last piece", 4), self._finish, order, price)
        else:
            self._fill(order, tenth * 2, price)

    def _fill(self, order: Accepted, amount: Decimal, price: Decimal) -> None:
        if order.ended_s is not None:
            return
        base, quote = order.command.symbol.split("/")
        cost, sign = amount * price, 1 if order.command.side == "buy" else -1
        order.pieces.append(Piece(f"{order.exchange_order_id}-{len(order.pieces)}", amount, price, self.now_s()))
        self.money[base] += sign * amount
        self.money[quote] -= sign * cost
        coin, fee = self.fee_of(order, amount, cost)
        self.money[coin] -= fee
        self._push(order)

    def fee_of(self, order: Accepted, amount: Decimal, cost: Decimal) -> tuple[str, Decimal]:
        base, quote = order.command.symbol.split("/")
        in_base = self.fee_in_base and order.command.side == "buy"
        return (base, amount * FEE) if in_base else (quote, cost * FEE)

    def _finish(self, order: Accepted, price: Decimal) -> None:
        left = order.command.amount - order.filled
        if left > 0:
            self._fill(order, left, price)
        self._end(order)

    def _end(self, order: Accepted) -> None:
        if order.ended_s is None:
            order.ended_s = self.now_s()
            self._push(order)

    def cancel(self, client_order_id: ClientOrderId) -> None:
        for order in self.book:
            if order.command.client_order_id == client_order_id:
                self._end(order)

    def _push(self, order: Accepted) -> None:
        if self.fate.pick("push", good=False, bad=[True]):
            self.later(self.fate.amount("gap", 10), self._tell, None, True)
            return
        for _ in range(2 if self.fate.pick("push twice", good=False, bad=[True]) else 1):
            self.later(self.fate.amount("push way", 0.5), self._tell, order.command.client_order_id, False)

    def _tell(self, client_order_id: str | None, gap: bool) -> None:
        for listener in list(self.listeners):
            listener(client_order_id, gap)


class SimAccount:
    """The account as one session of one connector process sees it."""

    def __init__(self, venue: Venue, offset_ms: int) -> None:
        self._venue = venue
        self._fate = venue.fate
        self._offset_ms = offset_ms
        self._pushes: asyncio.Queue[tuple[str | None, bool]] = asyncio.Queue()

    # ------------------------------------------------------------------ orders

    async def place(self, command: PlaceOrder, *, within_s: float) -> str:
        venue, fate = self._venue, self._fate
        await strike_process(fate, "before sending")
        trouble = fate.pick("sending", "ok", SENDING)
        started_s = venue.now_s()
        await asyncio.sleep(fate.amount("stall", 30) if trouble == "stalled" else 0.002)
        if venue.now_s() - started_s > within_s:
            raise VenueError(local_failure("network", "SentTooLate"))
        signed_ms = venue.clock.now_ms() + self._offset_ms
        await asyncio.sleep(0)  # a process that stands still here sends an old signature when it wakes
        if trouble == "refused":
            raise failure("insufficient_funds", "InsufficientFunds", status=200, code="200004")
        if trouble == "429":
            raise failure("rate_limited", "RateLimitExceeded", status=429, code="429000")
        if trouble == "5xx before":
            raise failure("network", "ExchangeNotAvailable", status=503)
        answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        answer.add_done_callback(_heard)
        flight_s = fate.amount("flight", 2 * VENUE_WINDOW_S) if trouble == "late" else fate.amount("way", 0.1)
        if trouble != "lost":
            venue.later(flight_s, venue.receive, command, signed_ms, answer)
        await strike_process(fate, "after sending")
        return await self._outcome(answer, trouble)

    async def _outcome(self, answer: "asyncio.Future[str]", trouble: str) -> str:
        try:
            async with asyncio.timeout(self._fate.amount("time-out", CALL_S) if trouble == "late" else CALL_S):
                accepted = await answer
        except TimeoutError:
            raise failure("network", "RequestTimeout") from None
        if trouble in {"cut after", "5xx after"}:
            raise failure("network", "ExchangeNotAvailable", status=502 if trouble == "5xx after" else None)
        if trouble == "silent after":
            await asyncio.sleep(CALL_S)
            raise failure("network", "RequestTimeout")
        await strike_process(self._fate, "after the answer")
        return accepted

    async def find_order(self, client_order_id: ClientOrderId, symbol: Symbol) -> OrderFact | None:
        as_of_s = await self._ask()
        for order in self._venue.book:
            same = (order.command.client_order_id, order.command.symbol) == (client_order_id, symbol)
            if same and _seen(order, as_of_s):
                return self._fact(order, as_of_s)
        return None

    async def open_orders(self, symbol: Symbol) -> tuple[OrderFact, ...]:
        as_of_s = await self._ask()
        facts = [
            self._fact(order, as_of_s)
            for order in self._venue.book
            if order.command.symbol == symbol and _seen(order, as_of_s)
        ]
        return tuple(fact for fact in facts if fact.state == "open")

    async def trades(self, symbol: Symbol, since_ms: int, exchange_order_id: str | None) -> tuple[TradeFact, ...]:
        as_of_s = await self._ask()
        found = [
            self._trade(order, piece)
            for order in self._venue.book
            if order.command.symbol == symbol and exchange_order_id in {None, order.exchange_order_id}
            for piece in order.pieces
            if piece.at_s <= as_of_s and START_MS + piece.at_s * 1000 >= since_ms
        ]
        if self._fate.pick("trades", good=False, bad=[True]):
            found = [*reversed(found), *found[:1]]
        return tuple(found)

    async def cancel(self, client_order_id: ClientOrderId, symbol: Symbol) -> None:
        await self._ask()
        self._venue.cancel(client_order_id)

    # ------------------------------------------------------------------ the account itself

    async def key_verdict(self) -> KeyVerdict:
        await self._ask()
        return KeyVerdict(code="OK", rights=("read", "trade"), ip_restricted=True)

    async def try_order(self, symbol: Symbol, amount: str, price: str) -> None:
        await self._ask()

    async def balances(self, *, within_s: float | None = None) -> tuple[Balance, ...]:
        await self._ask()
        return tuple(
            Balance(currency=currency, free=amount, held=Decimal(0))
            for currency, amount in self._venue.money.items()
            if amount
        )

    async def watch_private(self, on_change: Callable[[str | None], None], on_gap: Callable[[], None]) -> None:
        listener = self._hear
        self._venue.listeners.append(listener)
        while True:
            client_order_id, gap = await self._pushes.get()
            if gap:
                on_gap()
            else:
                on_change(client_order_id)

    def use(self, lease: Lease) -> None:
        return

    async def close(self) -> None:
        if self._hear in self._venue.listeners:
            self._venue.listeners.remove(self._hear)

    # ------------------------------------------------------------------ asking

    def _hear(self, client_order_id: str | None, gap: bool) -> None:
        self._pushes.put_nowait((client_order_id, gap))

    async def _ask(self) -> float:
        """Ask a question; return the moment of which the answer tells."""
        fate, venue = self._fate, self._venue
        signed_ms = venue.clock.now_ms() + self._offset_ms
        await asyncio.sleep(0.02)
        trouble = fate.pick("question", "ok", ("fails", "429", "times out", "stale"))
        if trouble == "fails":
            raise failure("network", "ExchangeNotAvailable", status=502)
        if trouble == "429":
            raise failure("rate_limited", "RateLimitExceeded", status=429, code="429000")
        if trouble == "times out":
            await asyncio.sleep(CALL_S)
            raise failure("network", "RequestTimeout")
        venue.check_signature(signed_ms)
        stale_s = fate.amount("stale", MAX_LAG_S) if trouble == "stale" else 0.0
        return venue.now_s() - stale_s

    def _fact(self, order: Accepted, as_of_s: float) -> OrderFact:
        seen = [piece for piece in order.pieces if piece.at_s <= as_of_s]
        filled = sum((piece.amount for piece in seen), Decimal(0))
        ended = order.ended_s is not None and order.ended_s <= as_of_s
        state: OrderState = "open" if not ended else "filled" if filled >= order.command.amount else "canceled"
        return OrderFact(
            exchange_order_id=order.exchange_order_id,
            client_order_id=order.command.client_order_id,
            symbol=order.command.symbol,
            side=order.command.side,
            amount=order.command.amount,
            price=order.command.limit_price,
            state=state,
            filled=filled,
            cost=sum((piece.amount * piece.price for piece in seen), Decimal(0)),
            fee=None,
            placed_ms=START_MS + int(order.at_s * 1000),
        )

    def _trade(self, order: Accepted, piece: Piece) -> TradeFact:
        cost = piece.amount * piece.price
        coin, fee = self._venue.fee_of(order, piece.amount, cost)
        return TradeFact(
            trade_id=piece.trade_id,
            exchange_order_id=order.exchange_order_id,
            client_order_id=None,
            side=order.command.side,
            price=piece.price,
            amount=piece.amount,
            cost=cost,
            fee=FeeFact(currency=coin, amount=fee),
            at_ms=START_MS + int(piece.at_s * 1000),
        )


def _seen(order: Accepted, as_of_s: float) -> bool:
    """Hiding and telling old news do not add up beyond ``MAX_LAG_S``."""
    return order.at_s <= as_of_s and order.at_s + order.hidden_s <= asyncio.get_running_loop().time()


def _heard(answer: "asyncio.Future[str]") -> None:
    """An answer that nobody waits for any more is no error."""
    if not answer.cancelled():
        answer.exception()
