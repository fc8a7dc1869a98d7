"""The newest price of every market: in memory for readers, now and then in SQL for the next start.

Positions are not kept: an old price is worth nothing, and the feed repeats every price within seconds.
"""

import asyncio
from collections.abc import Callable, Sequence

from backfuture_common.bus import KafkaSettings, Poison, Reader
from backfuture_common.domain.ids import ExchangeId, Symbol
from backfuture_common.messages.market import Tick
from backfuture_common.runtime.health import Health
from backfuture_common.topics import MARKET_TICKS
from sqlalchemy import select

from backfuture_gateway.db.engine import Database
from backfuture_gateway.db.types import upsert
from backfuture_gateway.http.errors import Unavailable
from backfuture_gateway.read_model.tables import PriceView

PART = "prices"
_TELL_EVERY_S = 0.5
_STORE_EVERY_S = 2.0

Market = tuple[ExchangeId, Symbol]


class Prices:
    """Newest ticks by market. ``on_news`` is told of those that changed, at most twice a second."""

    def __init__(self, db: Database, on_news: Callable[[Sequence[Tick]], None]) -> None:
        self._db = db
        self._on_news = on_news
        self._newest: dict[Market, Tick] = {}
        self._untold: dict[Market, Tick] = {}
        self._unstored: dict[Market, Tick] = {}

    def get(self, exchange: ExchangeId, symbol: Symbol) -> Tick | None:
        return self._newest.get((exchange, symbol))

    def all(self) -> list[Tick]:
        return [self._newest[market] for market in sorted(self._newest)]

    async def run(self, kafka: KafkaSettings, health: Health) -> None:
        """Follow the feed for ever. Raises :class:`Fatal` when the bus fails."""
        await self._restore()
        async with Reader(kafka, (MARKET_TICKS,), "end", on_poison=_ignore) as reader, asyncio.TaskGroup() as tasks:
            health.set(PART, ok=True)
            tasks.create_task(self._tell())
            tasks.create_task(self._store())
            while True:
                for record in await reader.poll(timeout_s=0.5, max_records=2_000):
                    if isinstance(record.value, Tick):
                        self.observe(record.value)

    def observe(self, tick: Tick) -> None:
        """Take over a tick unless a newer one is known."""
        market = (tick.exchange, tick.symbol)
        known = self._newest.get(market)
        if known is None or tick.observed_ms >= known.observed_ms:
            self._newest[market] = self._untold[market] = self._unstored[market] = tick

    async def _tell(self) -> None:
        while True:
            await asyncio.sleep(_TELL_EVERY_S)
            untold, self._untold = self._untold, {}
            if untold:
                self._on_news(list(untold.values()))

    async def _store(self) -> None:
        while True:
            await asyncio.sleep(_STORE_EVERY_S)
            unstored, self._unstored = self._unstored, {}
            try:
                async with self._db.write() as session:
                    await upsert(
                        session,
                        PriceView,
                        [_row(tick) for tick in unstored.values()],
                        key=("exchange", "symbol"),
                    )
            except Unavailable:
                self._unstored = unstored | self._unstored  # the projector tells that the database is away

    async def _restore(self) -> None:
        async with self._db.read() as session:
            for row in (await session.execute(select(PriceView))).scalars():
                market = (ExchangeId(row.exchange), Symbol(row.symbol))
                self._newest[market] = Tick(
                    exchange=market[0],
                    symbol=market[1],
                    bid=row.bid,
                    ask=row.ask,
                    exchange_ms=row.exchange_ms,
                    observed_ms=row.observed_ms,
                )


def _row(tick: Tick) -> dict[str, object]:
    return {
        "exchange": tick.exchange,
        "symbol": tick.symbol,
        "bid": tick.bid,
        "ask": tick.ask,
        "exchange_ms": tick.exchange_ms,
        "observed_ms": tick.observed_ms,
    }


def _ignore(_poison: Poison) -> None:
    """A price that nobody can read is soon followed by another; the bus counts it."""
