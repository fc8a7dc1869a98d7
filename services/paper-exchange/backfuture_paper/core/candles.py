"""Candles: bars of an interval, made from samples and merged into longer ones."""

from collections.abc import Iterable
from decimal import Decimal

import msgspec
from backfuture_common.domain.money import round_down, round_up

from backfuture_paper.core.instruments import Instrument

MINUTE_MS = 60_000


class Bar(msgspec.Struct, frozen=True, kw_only=True):
    """Prices of the interval that begins at ``start_ms``; ``volume`` in base, ``turnover`` in quote."""

    start_ms: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    turnover: Decimal

    def then(self, later: "Bar") -> "Bar":
        """Return this bar prolonged by a later one; it keeps its start."""
        return Bar(
            start_ms=self.start_ms,
            open=self.open,
            high=max(self.high, later.high),
            low=min(self.low, later.low),
            close=later.close,
            volume=self.volume + later.volume,
            turnover=self.turnover + later.turnover,
        )


def point(start_ms: int, price: Decimal, volume: Decimal) -> Bar:
    """Return a bar of one trade."""
    return Bar(
        start_ms=start_ms, open=price, high=price, low=price, close=price, volume=volume, turnover=price * volume
    )


def at_steps(bar: Bar, instrument: Instrument) -> Bar:
    """Return the bar as a venue with these steps would report it."""
    step = instrument.price_step
    return msgspec.structs.replace(
        bar,
        open=round_down(bar.open, step),
        high=round_up(bar.high, step),
        low=round_down(bar.low, step),
        close=round_down(bar.close, step),
        volume=round_down(bar.volume, instrument.amount_step),
    )


def merge(bars: Iterable[Bar], interval_ms: int) -> list[Bar]:
    """Join bars, given oldest first, into bars of a longer interval."""
    merged: list[Bar] = []
    for bar in bars:
        start_ms = bar.start_ms - bar.start_ms % interval_ms
        if merged and merged[-1].start_ms == start_ms:
            merged[-1] = merged[-1].then(bar)
        else:
            merged.append(msgspec.structs.replace(bar, start_ms=start_ms))
    return merged
