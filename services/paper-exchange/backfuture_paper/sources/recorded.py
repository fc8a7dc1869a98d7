"""A recorded market, played again in a loop.

Reads ``<coin>usdt_*_l1.parquet`` (``recv_us, bid, bid_qty, ask, ask_qty``) and, where there is one, the
``<coin>usdt_*_trades.parquet`` beside it (``recv_us, id, price, qty, buyer_is_maker``).
"""

import asyncio
from bisect import bisect_right
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq
from backfuture_common.errors import Fatal

from backfuture_paper.core.orders import Side
from backfuture_paper.core.quotes import Quote
from backfuture_paper.core.trades import PublicTrade

Column = list[float]


class RecordedPrices:
    """``anchor_ms`` is the recording's first instant; from there it runs at ``speed_percent`` of real time, in a loop.

    A restart with the same anchor continues at the same place.
    """

    def __init__(self, folder: Path, anchor_ms: int, speed_percent: int = 100) -> None:
        self._tapes = {
            tape.symbol: tape for tape in (_Tape(path) for path in sorted(folder.glob("*usdt_*_l1.parquet")))
        }
        if not self._tapes:
            raise Fatal("paper.no_recording", f"no *_l1.parquet in {folder}")
        self.symbols = tuple(self._tapes)
        self._anchor_ms = anchor_ms
        self._speed_percent = speed_percent
        self._length_us = min(tape.length_us for tape in self._tapes.values())

    def quote(self, symbol: str, at_ms: int) -> Quote | None:
        return self._tapes[symbol].quote(self._position(at_ms)[1], at_ms)

    def trades(self, symbol: str, after_ms: int, until_ms: int) -> list[PublicTrade] | None:
        tape = self._tapes[symbol]
        (old_round, start), (new_round, end) = self._position(after_ms), self._position(until_ms)
        return tape.trades(0 if new_round != old_round else start, end, until_ms)

    def past_price(self, symbol: str, at_ms: int) -> Decimal | None:  # noqa: ARG002 - a tape is not history
        return None

    async def keep_up(self) -> None:
        await asyncio.Event().wait()

    def _position(self, at_ms: int) -> tuple[int, int]:
        """Return which round of the loop it is, and the time within the recording in microseconds."""
        return divmod((at_ms - self._anchor_ms) * 10 * self._speed_percent, self._length_us)


class _Tape:
    """One symbol's recording; times count from its beginning, in microseconds."""

    def __init__(self, l1: Path) -> None:
        self.symbol = l1.name.split("usdt_")[0].upper() + "/USDT"
        moments, *self._quotes = _columns(l1, "recv_us", "bid", "ask", "bid_qty", "ask_qty")
        start = int(moments[0])
        self._at_us = [int(moment) - start for moment in moments]
        self.length_us: int = self._at_us[-1] + 1
        self._trades_at_us: list[int] = []
        self._trades: list[Column] = []
        trades = l1.with_name(l1.name.replace("_l1.", "_trades."))
        if trades.exists():
            moments, *self._trades = _columns(trades, "recv_us", "id", "price", "qty", "buyer_is_maker")
            self._trades_at_us = [int(moment) - start for moment in moments]

    def quote(self, at_us: int, at_ms: int) -> Quote | None:
        index = bisect_right(self._at_us, at_us) - 1
        if index < 0:
            return None
        bid, ask, bid_size, ask_size = (_decimal(column[index]) for column in self._quotes)
        return Quote(symbol=self.symbol, at_ms=at_ms, bid=bid, ask=ask, bid_size=bid_size, ask_size=ask_size)

    def trades(self, after_us: int, until_us: int, at_ms: int) -> list[PublicTrade] | None:
        if not self._trades:
            return None
        first, last = bisect_right(self._trades_at_us, after_us), bisect_right(self._trades_at_us, until_us)
        return [self._trade(index, at_ms) for index in range(first, last)]

    def _trade(self, index: int, at_ms: int) -> PublicTrade:
        number, price, amount, buyer_is_maker = (column[index] for column in self._trades)
        side: Side = "sell" if buyer_is_maker else "buy"
        return PublicTrade(
            id=int(number), symbol=self.symbol, side=side, price=_decimal(price), amount=_decimal(amount), at_ms=at_ms
        )


def _columns(path: Path, *names: str) -> list[Column]:
    table = pq.read_table(path, columns=list(names))  # type: ignore[no-untyped-call]  # pyarrow has no types
    return [table[name].to_pylist() for name in names]


def _decimal(value: float) -> Decimal:
    """Return the shortest decimal that reads as this float: what was recorded."""
    return Decimal(repr(value))
