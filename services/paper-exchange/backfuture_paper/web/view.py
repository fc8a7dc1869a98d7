"""The market as one venue reports it: in its own steps."""

from collections.abc import Iterable
from decimal import Decimal

from backfuture_paper.core import candles, trades
from backfuture_paper.core.book import Level, Liquidity
from backfuture_paper.core.candles import Bar
from backfuture_paper.core.instruments import Instrument, Venue
from backfuture_paper.core.trades import PublicTrade
from backfuture_paper.market import Market
from backfuture_paper.world import World


class VenueView:
    """Public data of one venue. Symbols must exist there, else ExchangeRefusal ``unknown_symbol``."""

    def __init__(self, world: World, market: Market, venue: Venue) -> None:
        self.rules = world.exchange(venue).rules
        self._exchange = world.exchange(venue)
        self._market = market

    def instrument(self, symbol: str) -> Instrument:
        return self._exchange.instrument(symbol)

    def liquidity(self, symbol: str) -> Liquidity | None:
        """Return what is left of the newest book, None before the first price."""
        return self._exchange.liquidity(symbol)

    def best(self, symbol: str) -> tuple[Level, Level] | None:
        """Return best bid and ask, None before the first price."""
        liquidity = self._exchange.liquidity(symbol)
        return None if liquidity is None else liquidity.best()

    def last_price(self, symbol: str) -> Decimal | None:
        """Return the newest trade's price, before any the bid."""
        newest = self.trades(symbol, 1)
        if newest:
            return newest[-1].price
        best = self.best(symbol)
        return None if best is None else best[0].price

    def trades(self, symbol: str, limit: int) -> list[PublicTrade]:
        """Return the newest public trades, oldest first."""
        return self.in_steps(symbol, self._market.trades(symbol, limit))

    def in_steps(self, symbol: str, given: Iterable[PublicTrade]) -> list[PublicTrade]:
        instrument = self.instrument(symbol)
        return [trades.at_steps(trade, instrument) for trade in given]

    def bars(self, symbol: str, interval_ms: int, start_ms: int, end_ms: int, limit: int = 1_500) -> list[Bar]:
        """Return candles that begin in a time, oldest first."""
        instrument = self.instrument(symbol)
        found = self._market.bars(symbol, interval_ms, start_ms, end_ms, limit)
        return [candles.at_steps(bar, instrument) for bar in found]

    def bar_at(self, symbol: str, interval_ms: int, at_ms: int) -> Bar | None:
        """Return the candle under way at a time."""
        return next(iter(self.bars(symbol, interval_ms, at_ms - at_ms % interval_ms, at_ms)), None)

    def day(self, symbol: str) -> Bar | None:
        """Return the last 24 hours as one bar, None before the first price."""
        day = self._market.day(symbol)
        return None if day is None else candles.at_steps(day, self.instrument(symbol))
