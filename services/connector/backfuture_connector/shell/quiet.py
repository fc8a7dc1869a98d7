"""Markets whose stream says nothing: is the market quiet, or has the exchange forgotten us? Asked by REST, seldom."""

import asyncio

from backfuture_common.domain.ids import Symbol
from backfuture_common.runtime.clock import Clock
from backfuture_common.runtime.logging import get_logger

from backfuture_connector.core.failures import VenueError
from backfuture_connector.ports import PublicVenue
from backfuture_connector.shell.market import Market

LOOK_EVERY_S = 1.0
FIRST_PRICE_MS = 2_000
"""A market without a price so long after it is wanted is asked for: its stream only tells changes."""
QUIET_MS = 30_000
SECOND_LOOK_S = 2.0

_log = get_logger("backfuture.connector.quiet")


class QuietMarkets:
    """Asks for at most one market a second."""

    def __init__(self, market: Market, public: PublicVenue, clock: Clock) -> None:
        self._market = market
        self._public = public
        self._clock = clock
        self._asked_ms: dict[Symbol, int] = {}

    async def run(self) -> None:
        """Look, for ever."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            symbol = self._next()
            if symbol is not None:
                self._asked_ms[symbol] = self._clock.now_ms()
                await self._look_at(symbol)

    def _next(self) -> Symbol | None:
        """Return the market that has been silent longest, None when none is silent for long."""
        now_ms = self._clock.now_ms()
        healthy = [symbol for symbol in self._market.wanted if self._market.is_healthy(symbol)]
        self._asked_ms = {symbol: self._asked_ms.get(symbol, now_ms - QUIET_MS + FIRST_PRICE_MS) for symbol in healthy}
        silent = [
            symbol
            for symbol in healthy
            if now_ms - max(self._market.heard_ms(symbol), self._asked_ms[symbol]) >= QUIET_MS
        ]
        return min(silent, key=lambda symbol: self._asked_ms[symbol], default=None)

    async def _look_at(self, symbol: Symbol) -> None:
        heard_ms = self._market.heard_ms(symbol)
        try:
            top = await self._public.fetch_top(symbol)
            if top is None or self._market.heard_ms(symbol) != heard_ms:
                return
            known = self._market.newest(symbol)
            if known is None:
                self._market.on_top(symbol, top)
                return
            if (known.bid, known.ask) == (top.bid, top.ask):
                return
            await asyncio.sleep(SECOND_LOOK_S)  # the stream may just be on its way to tell
            if self._market.heard_ms(symbol) == heard_ms:
                self._market.restart_feed(symbol, "StalePrice")
        except VenueError as error:
            _log.info("quiet.not_asked", symbol=symbol, kind=error.failure.kind)
