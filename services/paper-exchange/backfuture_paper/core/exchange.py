"""One venue's trading: orders are checked, held for, matched against the book, filled and canceled.

Orders meet the venue's book only, never each other; the book's other side is the market, which always pays.
"""

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Literal

import msgspec
from backfuture_common.domain.money import ZERO

from backfuture_paper.core.book import Book, Level, Liquidity
from backfuture_paper.core.exact import add, subtract, total
from backfuture_paper.core.instruments import Instrument, VenueRules
from backfuture_paper.core.ledger import BalanceChange, Ledger
from backfuture_paper.core.orders import Fill, Order, OrderRequest
from backfuture_paper.core.orders import Liquidity as FillLiquidity
from backfuture_paper.core.refusals import ExchangeRefusal
from backfuture_paper.core.settlement import amount_to_hold, coin_to_hold, fee_coin, settle
from backfuture_paper.core.validation import check_request


class OrderEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One step in an order's life, with the order as it was right after."""

    kind: Literal["open", "match", "filled", "canceled"]
    order: Order
    fill: Fill | None = None


class Changes(msgspec.Struct, frozen=True, kw_only=True):
    """Everything one operation changed, in the order it happened."""

    orders: tuple[OrderEvent, ...] = ()
    balances: tuple[BalanceChange, ...] = ()

    @property
    def fills(self) -> tuple[Fill, ...]:
        return tuple(event.fill for event in self.orders if event.fill is not None)


class Exchange:
    """Open orders and books of one venue. Every operation returns its :class:`Changes`, or refuses and changes nothing.

    ``order_id`` writes an order's number as the venue's id. ``id_was_used`` tells whether an account ever used a client
    order id; asked only where the venue refuses such ids.
    """

    def __init__(
        self,
        rules: VenueRules,
        *,
        ledger: Ledger,
        order_id: Callable[[int], str],
        id_was_used: Callable[[str, str], bool],
        next_order: int = 1,
        next_fill: int = 1,
        open_orders: Iterable[Order] = (),
    ) -> None:
        self.rules = rules
        self.ledger = ledger
        self.stopped: set[str] = set()
        """Symbols in which nothing fills at present."""
        self._order_id = order_id
        self._id_was_used = id_was_used
        self._next_order = next_order
        self._next_fill = next_fill
        self._open: dict[str, Order] = {order.id: order for order in open_orders}
        self._liquidity: dict[str, Liquidity] = {}
        self._events: list[OrderEvent] = []

    # -- questions

    def instrument(self, symbol: str) -> Instrument:
        if (instrument := self.rules.instruments.get(symbol)) is None:
            raise ExchangeRefusal("unknown_symbol", symbol)
        return instrument

    def open_orders(self, account: str, symbol: str | None = None) -> list[Order]:
        """Return an account's open orders, oldest first."""
        return [o for o in self._open.values() if o.account == account and symbol in {None, o.symbol}]

    def open_order(self, account: str, order_id: str) -> Order:
        order = self._open.get(order_id)
        if order is None or order.account != account:
            raise ExchangeRefusal("unknown_order", order_id)
        return order

    def liquidity(self, symbol: str) -> Liquidity | None:
        """Return what is left of the symbol's newest book, None before the first one."""
        return self._liquidity.get(symbol)

    def check(self, account: str, request: OrderRequest) -> None:
        """Refuse what :meth:`place` would refuse, and change nothing."""
        self._check(account, request)
        instrument = self.instrument(request.symbol)
        needed = amount_to_hold(request, self._slices(request, instrument), self.rules)
        coin = coin_to_hold(request, instrument)
        if self.ledger.balance(account, coin).free < needed:
            raise ExchangeRefusal("insufficient_funds", coin)

    # -- operations

    def place(self, account: str, request: OrderRequest, now_ms: int) -> tuple[Order, Changes]:
        """Accept an order and fill what the book allows. What cannot rest is canceled at once."""
        self._check(account, request)
        instrument = self.instrument(request.symbol)
        slices = self._slices(request, instrument)
        coin = coin_to_hold(request, instrument)
        needed = amount_to_hold(request, slices, self.rules)
        self.ledger.hold(account, coin, needed, "order.hold")
        order = Order(
            number=self._next_order,
            id=self._order_id(self._next_order),
            account=account,
            request=request,
            status="open",
            fee_coin=fee_coin(request, instrument, self.rules),
            held=needed,
            held_coin=coin,
            created_ms=now_ms,
            updated_ms=now_ms,
        )
        self._next_order += 1
        self._record("open", order)
        order = self._execute(order, slices, now_ms)
        return order, self._changes()

    def cancel(self, account: str, order_id: str, now_ms: int) -> tuple[Order, Changes]:
        order = self._end(self.open_order(account, order_id), "canceled", now_ms)
        return order, self._changes()

    def on_book(self, book: Book) -> Changes:
        """Replace a market's book and fill the resting orders it reaches, best price first, at their own price."""
        old = self._liquidity.get(book.symbol)
        liquidity = self._liquidity[book.symbol] = Liquidity(book, restored=old.touched if old else set())
        if book.symbol not in self.stopped:
            for order in self._resting(book.symbol):
                self._fill_resting(order, liquidity, book.at_ms)
        return self._changes()

    def fill(self, account: str, order_id: str, amount: Decimal | None, now_ms: int) -> Changes:
        """Fill an open limit order at its own price whatever the book says; all of it without an ``amount``."""
        order = self.open_order(account, order_id)
        amount = order.remaining if amount is None else min(amount, order.remaining)
        if amount <= ZERO or order.request.price is None:
            raise ExchangeRefusal("bad_parameter", "amount")
        self._fill(order, Level(order.request.price, amount), "maker", now_ms)
        return self._changes()

    def transfer(self, account: str, coin: str, amount: Decimal, cause: str) -> Changes:
        """Move money into (positive) or out of (negative) an account."""
        if amount >= ZERO:
            self.ledger.credit(account, coin, amount, cause)
        else:
            self.ledger.debit(account, coin, -amount, cause)
        return self._changes()

    # -- inside

    def _check(self, account: str, request: OrderRequest) -> None:
        check_request(request, self.instrument(request.symbol))
        mine = self.open_orders(account)
        if len(mine) >= self.rules.open_orders_max:
            raise ExchangeRefusal("too_many_open_orders", str(self.rules.open_orders_max))
        if request.client_id and self._is_used(account, request.client_id, mine):
            raise ExchangeRefusal("client_id_used", request.client_id)

    def _is_used(self, account: str, client_id: str, mine: list[Order]) -> bool:
        if self.rules.duplicate_ids == "allowed":
            return False
        if any(order.request.client_id == client_id for order in mine):
            return True
        return self.rules.duplicate_ids == "ever" and self._id_was_used(account, client_id)

    def _slices(self, request: OrderRequest, instrument: Instrument) -> list[Level]:
        liquidity = self._liquidity.get(request.symbol)
        if liquidity is None or request.symbol in self.stopped:
            return []
        if request.cost is not None:
            return liquidity.for_cost(request.side, request.cost, instrument.amount_step)
        return liquidity.for_amount(request.side, request.amount or ZERO, request.price)

    def _execute(self, order: Order, slices: list[Level], now_ms: int) -> Order:
        request = order.request
        self._open[order.id] = order
        if (request.post_only and slices) or (
            request.time_in_force == "FOK" and total(part.amount for part in slices) != request.amount
        ):
            return self._end(order, "canceled", now_ms)
        if slices:
            self._liquidity[request.symbol].take(request.side, slices)
        for part in slices:
            order = self._fill(order, part, "taker", now_ms)
        if order.active and request.cost is not None and self._some_left(request):
            return self._end(order, "filled", now_ms)
        if order.active and (request.kind == "market" or request.time_in_force != "GTC"):
            return self._end(order, "canceled", now_ms)
        return order

    def _some_left(self, request: OrderRequest) -> bool:
        """Say whether the book still offers something: then an order by cost ended because its money is used up."""
        liquidity = self._liquidity.get(request.symbol)
        if liquidity is None or request.symbol in self.stopped:
            return False
        return bool(liquidity.asks if request.side == "buy" else liquidity.bids)

    def _resting(self, symbol: str) -> list[Order]:
        mine = [order for order in self._open.values() if order.symbol == symbol and order.request.price is not None]

        def priority(order: Order) -> tuple[Decimal, int]:
            price = order.request.price or ZERO
            return (-price if order.request.side == "buy" else price, order.number)

        return sorted(mine, key=priority)

    def _fill_resting(self, order: Order, liquidity: Liquidity, now_ms: int) -> None:
        price = order.request.price
        slices = liquidity.for_amount(order.request.side, order.remaining, price)
        if price is None or not slices:
            return
        liquidity.take(order.request.side, slices)
        self._fill(order, Level(price, total(part.amount for part in slices)), "maker", now_ms)

    def _fill(self, order: Order, part: Level, liquidity: FillLiquidity, now_ms: int) -> Order:
        instrument = self.instrument(order.symbol)
        money = settle(order, part, liquidity, instrument, self.rules)
        released = subtract(subtract(order.held, money.paid), money.held)
        self.ledger.spend_held(order.account, order.held_coin, money.paid, "order.match")
        self.ledger.hold(order.account, order.held_coin, -released, "order.release")
        self.ledger.credit(order.account, money.received_coin, money.received, "order.match")
        fill = Fill(
            id=self._next_fill,
            order_id=order.id,
            client_id=order.request.client_id,
            account=order.account,
            symbol=order.symbol,
            side=order.request.side,
            kind=order.request.kind,
            price=part.price,
            amount=part.amount,
            cost=money.cost,
            fee=money.fee,
            fee_coin=money.fee_coin,
            fee_rate=money.fee_rate,
            liquidity=liquidity,
            at_ms=now_ms,
        )
        self._next_fill += 1
        order = msgspec.structs.replace(
            order,
            filled=add(order.filled, part.amount),
            filled_cost=add(order.filled_cost, money.cost),
            fee=add(order.fee, money.fee),
            held=money.held,
            updated_ms=now_ms,
        )
        self._open[order.id] = order
        self._record("match", order, fill)
        return self._end(order, "filled", now_ms) if order.filled == order.request.amount else order

    def _end(self, order: Order, status: Literal["filled", "canceled"], now_ms: int) -> Order:
        self.ledger.hold(order.account, order.held_coin, -order.held, "order.release")
        order = msgspec.structs.replace(order, status=status, held=ZERO, updated_ms=now_ms)
        del self._open[order.id]
        self._record(status, order)
        return order

    def _record(
        self, kind: Literal["open", "match", "filled", "canceled"], order: Order, fill: Fill | None = None
    ) -> None:
        self._events.append(OrderEvent(kind=kind, order=order, fill=fill))

    def _changes(self) -> Changes:
        events, self._events = tuple(self._events), []
        return Changes(orders=events, balances=self.ledger.drain())
