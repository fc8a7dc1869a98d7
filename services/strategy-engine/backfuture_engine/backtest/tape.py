"""Prices of one market as columns of integers, and the search for the next one that matters.

Prices are counted in the market's price steps. Rows are in time order; several may bear the same time.
"""

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
from backfuture_common.domain.money import MONEY_CONTEXT
from backfuture_common.messages.market import Instrument
from numpy.typing import NDArray

Ints: TypeAlias = NDArray[np.int64]
Direction = Literal["buy", "sell"]

_FIRST_CHUNK = 1_024
_LARGEST_CHUNK = 131_072
_HIGHEST = 2**62


class Spot(NamedTuple):
    """The price at some time, in steps. ``row`` is the first row of the tape that is still to come."""

    at_ms: int
    bid: int
    ask: int
    row: int


class Crossing(NamedTuple):
    """Where a level is reached first."""

    spot: Spot
    direction: Direction


@dataclass(frozen=True, slots=True, kw_only=True)
class Tape:
    """Best prices of one market in time.

    ``points`` rows belong together: between them the price moves steadily and passes everything in between, while
    from one such bundle to the next it jumps. 1: it only jumps. A price older than ``quiet_ms`` is not known any more.
    """

    instrument: Instrument
    at_ms: Ints
    bid: Ints
    ask: Ints
    points: int = 1
    quiet_ms: int

    def __len__(self) -> int:
        return len(self.at_ms)

    def price(self, steps: int) -> Decimal:
        """Return the price of so many steps."""
        return MONEY_CONTEXT.multiply(self.instrument.price_step, Decimal(steps))

    def buy_level(self, level: Decimal) -> int:
        """Return the highest price in steps that is not above ``level``."""
        return self._steps(level, ROUND_FLOOR)

    def sell_level(self, level: Decimal) -> int:
        """Return the lowest price in steps that is not below ``level``."""
        return self._steps(level, ROUND_CEILING)

    def spot(self, at_ms: int) -> Spot | None:
        """Return the price at a time; when none is known then, the next one with its time. None after the last one."""
        row = int(np.searchsorted(self.at_ms, at_ms, side="right"))
        if row == 0:
            return self._at(0)
        last = self._at(row - 1)
        if last.at_ms == at_ms:
            return last
        if row == len(self):
            return None
        if self._steady(row):
            return self._on_the_way(last, row, at_ms)
        return self._at(row) if at_ms - last.at_ms > self.quiet_ms else last._replace(at_ms=at_ms)

    def crossing(self, start: Spot, buy: int | None, sell: int | None) -> Crossing | None:
        """Return where, from ``start`` on, the ask is first at or below ``buy`` or the bid at or above ``sell``."""
        low = -1 if buy is None else buy
        high = _HIGHEST if sell is None else sell
        if start.bid >= high:
            return Crossing(start, "sell")
        if start.ask <= low:
            return Crossing(start, "buy")
        row = self._search(start.row, low, high)
        if row is None:
            return None
        direction: Direction = "sell" if self.bid[row] >= high else "buy"
        if not self._steady(row):
            return Crossing(self._at(row), direction)
        before = start if row == start.row else self._at(row - 1)
        return Crossing(self._level_on_the_way(before, row, direction, high if direction == "sell" else low), direction)

    # ------------------------------------------------------------------ inside

    def _steps(self, level: Decimal, rounding: str) -> int:
        if level.is_infinite():
            return _HIGHEST
        steps = MONEY_CONTEXT.divide(level, self.instrument.price_step).to_integral_value(rounding=rounding)
        return min(int(steps), _HIGHEST)

    def _at(self, row: int) -> Spot:
        return Spot(int(self.at_ms[row]), int(self.bid[row]), int(self.ask[row]), row + 1)

    def _steady(self, row: int) -> bool:
        return row % self.points != 0

    def _search(self, row: int, low: int, high: int) -> int | None:
        size, end = _FIRST_CHUNK, len(self)
        while row < end:
            last = min(row + size, end)
            hits = (self.ask[row:last] <= low) | (self.bid[row:last] >= high)
            first = int(hits.argmax())
            if hits[first]:
                return row + first
            row, size = last, min(size * 2, _LARGEST_CHUNK)
        return None

    def _on_the_way(self, before: Spot, row: int, at_ms: int) -> Spot:
        """Return the price between ``before`` and ``row`` at a time."""
        after = self._at(row)
        part, whole = at_ms - before.at_ms, after.at_ms - before.at_ms
        bid = before.bid + (after.bid - before.bid) * part // whole
        ask = before.ask - (before.ask - after.ask) * part // whole
        return Spot(at_ms, bid, max(ask, bid), row)

    def _level_on_the_way(self, before: Spot, row: int, direction: Direction, level: int) -> Spot:
        """Return the price between ``before``, which has not reached the level, and ``row``, which has."""
        after = self._at(row)
        if direction == "buy":
            part, whole = before.ask - level, before.ask - after.ask
            bid, ask = before.bid + (after.bid - before.bid) * part // whole, level
            bid = min(bid, ask)
        else:
            part, whole = level - before.bid, after.bid - before.bid
            bid, ask = level, before.ask - (before.ask - after.ask) * part // whole
            ask = max(bid, ask)
        at_ms = before.at_ms - (before.at_ms - after.at_ms) * part // whole
        return Spot(at_ms, bid, ask, row + 1 if (bid, ask) == (after.bid, after.ask) else row)
