"""The public prices of a live venue, polled over plain HTTP. Off unless asked for."""

import asyncio
import time
from collections.abc import Iterator
from decimal import Decimal
from typing import Literal

import aiohttp
import msgspec
from backfuture_common.domain.money import parse_decimal
from structlog.stdlib import BoundLogger

from backfuture_paper.core.instruments import REFERENCE_PRICES
from backfuture_paper.core.quotes import Quote
from backfuture_paper.core.trades import PublicTrade

MirrorVenue = Literal["mexc", "kucoin"]
_URLS: dict[MirrorVenue, str] = {
    "mexc": "https://api.mexc.com/api/v3/ticker/bookTicker",
    "kucoin": "https://api.kucoin.com/api/v1/market/allTickers",
}
_TIMEOUT = aiohttp.ClientTimeout(total=5)


class _MexcTicker(msgspec.Struct, frozen=True):
    symbol: str
    bidPrice: str | None = None  # noqa: N815 - the venue's name
    askPrice: str | None = None  # noqa: N815 - the venue's name


class _KucoinTicker(msgspec.Struct, frozen=True):
    symbol: str
    buy: str | None = None
    sell: str | None = None


class _KucoinTickers(msgspec.Struct, frozen=True):
    ticker: list[_KucoinTicker]


class _KucoinAnswer(msgspec.Struct, frozen=True):
    data: _KucoinTickers


class MirroredPrices:
    """The newest prices of the venue. A price that was not confirmed for ``stale_s`` is no price."""

    def __init__(
        self,
        venue: MirrorVenue,
        log: BoundLogger,
        *,
        url: str | None = None,
        every_s: float = 1.0,
        stale_s: float = 10.0,
    ) -> None:
        self.symbols = tuple(REFERENCE_PRICES)
        self._venue: MirrorVenue = venue
        self._url = url or _URLS[venue]
        self._every_s = every_s
        self._stale_s = stale_s
        self._log = log
        self._newest: dict[str, tuple[float, Decimal, Decimal]] = {}

    def quote(self, symbol: str, at_ms: int) -> Quote | None:
        seen_s, bid, ask = self._newest.get(symbol, (float("-inf"), Decimal(0), Decimal(0)))
        if time.monotonic() - seen_s > self._stale_s:
            return None
        return Quote(symbol=symbol, at_ms=at_ms, bid=bid, ask=ask)

    def trades(self, symbol: str, after_ms: int, until_ms: int) -> list[PublicTrade] | None:  # noqa: ARG002 - invented
        return None

    def past_price(self, symbol: str, at_ms: int) -> Decimal | None:  # noqa: ARG002 - only the newest is known
        return None

    async def keep_up(self) -> None:
        async with aiohttp.ClientSession(timeout=_TIMEOUT, trust_env=True) as session:
            while True:
                try:
                    await self._poll(session)
                except (aiohttp.ClientError, TimeoutError, msgspec.MsgspecError, ValueError) as error:
                    self._log.warning("mirror.poll_failed", venue=self._venue, cause=str(error))
                await asyncio.sleep(self._every_s)

    async def _poll(self, session: aiohttp.ClientSession) -> None:
        async with session.get(self._url) as response:
            response.raise_for_status()
            body = await response.read()
        now_s = time.monotonic()
        for symbol, bid, ask in self._parse(body):
            if symbol in REFERENCE_PRICES and bid and ask:
                self._newest[symbol] = (now_s, parse_decimal(bid), parse_decimal(ask))

    def _parse(self, body: bytes) -> Iterator[tuple[str, str | None, str | None]]:
        if self._venue == "kucoin":
            for entry in msgspec.json.decode(body, type=_KucoinAnswer).data.ticker:
                yield entry.symbol.replace("-", "/"), entry.buy, entry.sell
            return
        for row in msgspec.json.decode(body, type=list[_MexcTicker]):
            if row.symbol.endswith("USDT"):
                yield row.symbol.removesuffix("USDT") + "/USDT", row.bidPrice, row.askPrice
