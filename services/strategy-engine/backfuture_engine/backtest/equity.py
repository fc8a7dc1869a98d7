"""What the accounts were worth all along: coins at their bid, and the deepest fall from any height.

Between two trades the coins held do not change, so the least worth in between is at the lowest bid. With several
markets the lowest bids of each may lie at different moments of the same stretch: then it is a bound, never too mild.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

import numpy as np
from backfuture_common.contracts.backtest import EquityPoint
from backfuture_common.domain.ids import Symbol
from backfuture_common.domain.money import HUNDRED, MONEY_CONTEXT, ZERO, divide

from backfuture_engine.backtest.tape import Ints, Tape
from backfuture_engine.backtest.venue import Moved

_POINTS = 400
_MOST_CUTS = 20_000


class Drawdown(NamedTuple):
    """The deepest fall, and it in percent of the height it fell from (the deepest of these, perhaps another fall)."""

    quote: Decimal
    percent: Decimal


class _Market(NamedTuple):
    """A tape's bids at the cuts, and the lowest from each cut to the next."""

    tape: Tape
    at_cut: Ints
    lowest: Ints


class Equity:
    """The worth of all accounts of a run together, from its first price to its last."""

    def __init__(self, opening: Decimal, moves: Sequence[Moved], tapes: Mapping[Symbol, Tape]) -> None:
        self._opening = opening
        self._moves = sorted(moves, key=lambda move: move.at_ms)
        traded = {move.symbol for move in self._moves}
        self._start_ms = min(int(tape.at_ms[0]) for tape in tapes.values())
        self._end_ms = max(int(tape.at_ms[-1]) for tape in tapes.values())
        self._cuts = self._make_cuts()
        self._markets = {symbol: _cut(tape, self._cuts) for symbol, tape in tapes.items() if symbol in traded}
        self._worths = self._follow()

    def points(self) -> tuple[EquityPoint, ...]:
        """Return the curve in about four hundred points."""
        chosen: list[EquityPoint] = []
        least: Decimal | None = None
        due_ms, every_ms = self._start_ms, max((self._end_ms - self._start_ms) // _POINTS, 1)
        for at_ms, worth, low in self._worths:
            if at_ms >= due_ms or at_ms == self._end_ms:
                shown = worth if least is None else min(least, worth)
                chosen.append(EquityPoint(at_ms=at_ms, equity_quote=_cents(worth), low_quote=_cents(shown)))
                due_ms, least = at_ms + every_ms, None
            least = low if least is None else min(least, low)
        return tuple(chosen)

    def final(self) -> Decimal:
        """Return what everything is worth at the end."""
        return self._worths[-1][1]

    def drawdown(self) -> Drawdown:
        """Return the deepest fall below the highest worth before it."""
        height, deepest, percent = self._opening, ZERO, ZERO
        for _, worth, low in self._worths:
            height = max(height, worth)
            fall = height - min(worth, low)
            deepest = max(deepest, fall)
            if height > 0:
                percent = max(percent, divide(fall * HUNDRED, height))
        return Drawdown(deepest, percent)

    # ------------------------------------------------------------------ inside

    def _make_cuts(self) -> list[int]:
        grid = range(self._start_ms, self._end_ms, max((self._end_ms - self._start_ms) // _POINTS, 1))
        trades = {move.at_ms for move in self._moves}
        if len(trades) > _MOST_CUTS:
            trades = set(sorted(trades)[:: len(trades) // _MOST_CUTS + 1])
        return sorted({*grid, *trades, self._end_ms})

    def _follow(self) -> list[tuple[int, Decimal, Decimal]]:
        """Return for each cut: its time, the worth then (after its trades), the least worth until the next cut."""
        held: dict[str, Decimal] = dict.fromkeys(self._markets, ZERO)
        cash, done = self._opening, 0
        times = [move.at_ms for move in self._moves]
        worths: list[tuple[int, Decimal, Decimal]] = []
        for number, at_ms in enumerate(self._cuts):
            upto = bisect_right(times, at_ms, done)
            for move in self._moves[done:upto]:
                cash = MONEY_CONTEXT.add(cash, move.quote)
                held[move.symbol] = MONEY_CONTEXT.add(held[move.symbol], move.base)
            done = upto
            coins = [(amount, self._markets[Symbol(symbol)]) for symbol, amount in held.items() if amount]
            worth = cash + _sum(amount * m.tape.price(int(m.at_cut[number])) for amount, m in coins)
            low = cash + _sum(amount * m.tape.price(int(m.lowest[number])) for amount, m in coins)
            worths.append((at_ms, worth, low))
        return worths


def _cut(tape: Tape, cuts: list[int]) -> _Market:
    at_cut = np.maximum(np.searchsorted(tape.at_ms, np.array(cuts, dtype=np.int64), side="right") - 1, 0)
    bid_at_cut = tape.bid[at_cut]
    lowest = np.minimum.reduceat(tape.bid, at_cut)
    return _Market(tape, bid_at_cut, np.asarray(lowest, dtype=np.int64))


def _sum(values: Iterable[Decimal]) -> Decimal:
    total = ZERO
    for value in values:
        total = MONEY_CONTEXT.add(total, value)
    return total


def _cents(value: Decimal) -> Decimal:
    return value.quantize(Decimal("0.0001"))
