"""An order book whose levels hold a bounded amount, and what taking from it yields."""

from collections.abc import Iterable
from decimal import Decimal

import msgspec
from backfuture_common.domain.money import ZERO, divide, round_down

from backfuture_paper.core.exact import multiply, subtract
from backfuture_paper.core.orders import Side


class Level(msgspec.Struct, frozen=True):
    """``amount`` of base on offer at ``price``."""

    price: Decimal
    amount: Decimal


class Book(msgspec.Struct, frozen=True, kw_only=True):
    """Both sides of a market, best level first, at one instant. ``sequence`` grows with time."""

    symbol: str
    at_ms: int
    sequence: int
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]

    @property
    def bid(self) -> Decimal:
        return self.bids[0].price

    @property
    def ask(self) -> Decimal:
        return self.asks[0].price


class Liquidity:
    """What is left of a book after trades took from it. The next book brings everything back."""

    def __init__(self, book: Book, restored: Iterable[Decimal] = ()) -> None:
        self.book = book
        self.restored = frozenset(restored)
        """Prices at which something had been taken from the book before this one."""
        self.asks = list(book.asks)
        self.bids = list(book.bids)
        self.touched: set[Decimal] = set()
        """Prices at which something was taken."""

    def best(self) -> tuple[Level, Level]:
        """Return best bid and ask; a side that was bought empty keeps its last price, with nothing on offer."""
        bid = self.bids[0] if self.bids else Level(self.book.bids[-1].price, ZERO)
        ask = self.asks[0] if self.asks else Level(self.book.asks[-1].price, ZERO)
        return bid, ask

    def for_amount(self, side: Side, amount: Decimal, limit: Decimal | None = None) -> list[Level]:
        """Return the slices a ``side`` taker of ``amount`` would get at ``limit`` or better, best first."""
        slices: list[Level] = []
        for level in self._reachable(side, limit):
            if amount <= ZERO:
                break
            taken = min(amount, level.amount)
            slices.append(Level(level.price, taken))
            amount = subtract(amount, taken)
        return slices

    def for_cost(self, side: Side, cost: Decimal, step: Decimal) -> list[Level]:
        """Return the slices whose cost fits into ``cost``, each in whole amount steps."""
        slices: list[Level] = []
        for level in self._reachable(side, None):
            taken = min(level.amount, round_down(divide(cost, level.price), step))
            if taken <= ZERO:
                break
            slices.append(Level(level.price, taken))
            cost = subtract(cost, multiply(taken, level.price))
        return slices

    def take(self, side: Side, slices: Iterable[Level]) -> None:
        """Remove slices that a ``side`` taker got. They are what :meth:`for_amount` or :meth:`for_cost` returned."""
        levels = self.asks if side == "buy" else self.bids
        for part in slices:
            best = levels[0]
            self.touched.add(part.price)
            if best.price != part.price or best.amount < part.amount:
                raise ValueError("slices are taken from the best level on")
            if best.amount == part.amount:
                del levels[0]
            else:
                levels[0] = Level(best.price, subtract(best.amount, part.amount))

    def _reachable(self, side: Side, limit: Decimal | None) -> list[Level]:
        if side == "buy":
            return [level for level in self.asks if limit is None or level.price <= limit]
        return [level for level in self.bids if limit is None or level.price >= limit]
