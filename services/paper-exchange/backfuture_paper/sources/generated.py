"""The generated market: no input but seed and time."""

import asyncio
from decimal import Decimal

from backfuture_common.domain.money import ONE

from backfuture_paper.core.exact import multiply
from backfuture_paper.core.instruments import REFERENCE_PRICES
from backfuture_paper.core.path import PathSettings, price_at
from backfuture_paper.core.quotes import Quote
from backfuture_paper.core.trades import PublicTrade


class GeneratedPrices:
    """Prices as a function of time, the same for every venue, run and machine with equal settings."""

    def __init__(self, path: PathSettings, spread_ppm: int) -> None:
        self.symbols = tuple(REFERENCE_PRICES)
        self._path = path
        half = Decimal(spread_ppm).scaleb(-6) / 2
        self._below, self._above = ONE - half, ONE + half

    def quote(self, symbol: str, at_ms: int) -> Quote | None:
        middle = self.past_price(symbol, at_ms)
        return Quote(symbol=symbol, at_ms=at_ms, bid=multiply(middle, self._below), ask=multiply(middle, self._above))

    def trades(self, symbol: str, after_ms: int, until_ms: int) -> list[PublicTrade] | None:  # noqa: ARG002 - invented
        return None

    def past_price(self, symbol: str, at_ms: int) -> Decimal:
        return price_at(REFERENCE_PRICES[symbol], symbol, at_ms, self._path)

    async def keep_up(self) -> None:
        await asyncio.Event().wait()
