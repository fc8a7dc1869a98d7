"""Prices in time: each tick takes quotes from the source, gives every venue its book, and keeps trades and candles."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Mapping
from decimal import Decimal
from itertools import islice

import msgspec
from backfuture_common.runtime import metrics
from backfuture_common.runtime.health import Health

from backfuture_paper.core.candles import MINUTE_MS, Bar, merge, point
from backfuture_paper.core.instruments import VENUES
from backfuture_paper.core.quotes import DepthSettings, Quote, build_book
from backfuture_paper.core.trades import USUAL_COST, PublicTrade, invent_trade
from backfuture_paper.sources import PriceSource
from backfuture_paper.world import World

_TRADES_KEPT = 500
_MINUTES_KEPT = 3_000
_SAMPLES = 30
_DAY_MS = 86_400_000
_HOUR_MS = 3_600_000
_BARS_CACHED = 20_000
TickListener = Callable[["Tick"], None]


class Tick(msgspec.Struct, frozen=True, kw_only=True):
    """A symbol's new prices and what was traded since the last ones."""

    quote: Quote
    trades: tuple[PublicTrade, ...]


class Market:
    """The public side of all symbols. Prices set by hand go before the source's."""

    def __init__(self, world: World, source: PriceSource, *, tick_ms: int, depth: DepthSettings) -> None:
        self.symbols = source.symbols
        self.by_hand: dict[str, tuple[Decimal, Decimal]] = {}
        self.paused = False
        self._world = world
        self._source = source
        self._tick_ms = tick_ms
        self._depth = depth
        self._quotes: dict[str, Quote] = {}
        self._trades: dict[str, deque[PublicTrade]] = {s: deque(maxlen=_TRADES_KEPT) for s in self.symbols}
        self._minutes: dict[str, dict[int, Bar]] = {symbol: {} for symbol in self.symbols}
        self._sampled: dict[tuple[str, int, int], Bar] = {}
        self._listeners: list[TickListener] = []

    def listen(self, listener: TickListener) -> None:
        """Have every tick told to ``listener``, after the venues have their books."""
        self._listeners.append(listener)

    # -- the passing of time

    async def run(self, health: Health) -> None:
        """Tick for ever. The part ``prices`` is healthy while every symbol gets its price in time."""
        self.tick(health)
        while True:
            now_ms = self._world.true_ms()
            await asyncio.sleep((self._tick_ms - now_ms % self._tick_ms) / 1000)
            self.tick(health)

    def tick(self, health: Health) -> None:
        started_s = time.perf_counter()
        missing = [symbol for symbol in self.symbols if self.paused or not self._tick(symbol)]
        health.set("prices", not missing, f"no price for {', '.join(missing)}" if missing else "")
        metrics.PAPER_TICK.observe(time.perf_counter() - started_s)

    def requote(self, symbol: str) -> None:
        """Give the venues the present price now instead of with the next tick."""
        self._tick(symbol)

    def _tick(self, symbol: str) -> bool:
        now_ms = self._world.true_ms()
        at_ms = now_ms - now_ms % self._tick_ms
        quote = self._quote(symbol, at_ms)
        if quote is None:
            return False
        old = self._quotes.get(symbol)
        self._quotes[symbol] = quote
        trades = self._new_trades(quote, old)
        for trade in trades:
            self._keep(trade)
        for venue in VENUES:
            instrument = self._world.exchange(venue).rules.instruments.get(symbol)
            if instrument is not None:
                sequence = at_ms // self._tick_ms
                self._world.on_book(venue, build_book(quote, instrument, self._depth, sequence))
        for listener in self._listeners:
            listener(Tick(quote=quote, trades=trades))
        return True

    def _quote(self, symbol: str, at_ms: int) -> Quote | None:
        if symbol in self.by_hand:
            bid, ask = self.by_hand[symbol]
            return Quote(symbol=symbol, at_ms=at_ms, bid=bid, ask=ask)
        return self._source.quote(symbol, at_ms)

    def _new_trades(self, quote: Quote, old: Quote | None) -> tuple[PublicTrade, ...]:
        if old is not None and old.at_ms == quote.at_ms:
            return ()
        if quote.symbol not in self.by_hand:
            after_ms = quote.at_ms - self._tick_ms if old is None else old.at_ms
            recorded = self._source.trades(quote.symbol, after_ms, quote.at_ms)
            if recorded is not None:
                return tuple(recorded)
        return (invent_trade(quote, quote.at_ms // self._tick_ms, self._depth.seed),)

    def _keep(self, trade: PublicTrade) -> None:
        self._trades[trade.symbol].append(trade)
        minutes = self._minutes[trade.symbol]
        start_ms = trade.at_ms - trade.at_ms % MINUTE_MS
        bar = point(start_ms, trade.price, trade.amount)
        minutes[start_ms] = minutes[start_ms].then(bar) if start_ms in minutes else bar
        while len(minutes) > _MINUTES_KEPT:
            del minutes[next(iter(minutes))]

    # -- questions

    def quotes(self) -> Mapping[str, Quote]:
        """Return the newest quote of each symbol that has one."""
        return self._quotes

    def trades(self, symbol: str, limit: int) -> list[PublicTrade]:
        """Return the newest public trades, oldest first."""
        return list(islice(reversed(self._trades[symbol]), limit))[::-1]

    def day(self, symbol: str) -> Bar | None:
        """Return the last 24 hours (to the hour) as one bar, None before the first price."""
        now_ms = self._world.true_ms()
        bars = self.bars(symbol, _HOUR_MS, now_ms - _DAY_MS, now_ms)
        whole = merge(bars, 2**60)
        return whole[0] if whole else None

    def bars(self, symbol: str, interval_ms: int, start_ms: int, end_ms: int, limit: int = 1_500) -> list[Bar]:
        """Return candles that begin in a time (not in the future), oldest first; the newest ``limit`` of them."""
        end_ms = min(end_ms, self._world.true_ms())
        first_ms = max(start_ms, end_ms - limit * interval_ms)
        first_ms += -first_ms % interval_ms
        bars = (self._bar(symbol, start, interval_ms) for start in range(first_ms, end_ms + 1, interval_ms))
        return [bar for bar in bars if bar is not None]

    def _bar(self, symbol: str, start_ms: int, interval_ms: int) -> Bar | None:
        """Return one candle: sampled from the source for the time before this process watched, recorded since."""
        minutes = self._minutes[symbol]
        watched_ms = next(iter(minutes), self._world.true_ms())
        end_ms = start_ms + interval_ms
        parts = []
        if start_ms < watched_ms:
            past = self._sample(symbol, start_ms, min(end_ms, watched_ms), interval_ms)
            parts += [past] if past else []
        if end_ms > watched_ms:
            last_ms = min(end_ms, self._world.true_ms() + 1)
            parts += [minutes[at] for at in range(max(start_ms, watched_ms), last_ms, MINUTE_MS) if at in minutes]
        whole = merge(parts, interval_ms)
        return whole[0] if whole else None

    def _sample(self, symbol: str, start_ms: int, end_ms: int, interval_ms: int) -> Bar | None:
        key = (symbol, start_ms, end_ms)
        if key not in self._sampled:
            step_ms = max(1_000, interval_ms // _SAMPLES)
            whole: Bar | None = None
            for at_ms in range(start_ms, end_ms, step_ms):
                price = self._source.past_price(symbol, at_ms)
                if price is None:
                    return None
                bar = point(start_ms, price, USUAL_COST / price * step_ms / self._tick_ms)
                whole = bar if whole is None else whole.then(bar)
            if whole is None:
                return None
            if len(self._sampled) >= _BARS_CACHED:
                self._sampled.clear()
            self._sampled[key] = whole
        return self._sampled[key]
