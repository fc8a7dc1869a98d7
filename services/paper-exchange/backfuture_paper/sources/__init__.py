"""Where prices come from: generated, recorded, or mirrored from a live venue."""

from collections.abc import Awaitable
from decimal import Decimal
from typing import Protocol

from backfuture_paper.core.quotes import Quote
from backfuture_paper.core.trades import PublicTrade


class PriceSource(Protocol):
    """Prices of some symbols at some instant. Asking is cheap and never waits."""

    symbols: tuple[str, ...]

    def quote(self, symbol: str, at_ms: int) -> Quote | None:
        """Return the best prices, None while the source does not know them (not yet, or no longer)."""

    def trades(self, symbol: str, after_ms: int, until_ms: int) -> list[PublicTrade] | None:
        """Return the trades of a time, None when the source has no trades of its own."""

    def past_price(self, symbol: str, at_ms: int) -> Decimal | None:
        """Return what the price was, None when the source does not remember."""

    def keep_up(self) -> Awaitable[None]:
        """Do what keeps the prices coming; never returns."""
