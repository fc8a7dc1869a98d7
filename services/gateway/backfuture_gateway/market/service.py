"""Exchanges, their instruments, newest prices."""

from backfuture_common.messages.market import Tick
from backfuture_common.runtime.clock import Clock

from backfuture_gateway.db.engine import Database
from backfuture_gateway.market import repository
from backfuture_gateway.market.catalogue import Catalogue
from backfuture_gateway.market.schemas import ExchangeOut, InstrumentOut, PriceOut
from backfuture_gateway.read_model.prices import Prices


class MarketService:
    """The same for every user."""

    def __init__(self, *, db: Database, catalogue: Catalogue, prices: Prices, clock: Clock) -> None:
        self._db = db
        self._catalogue = catalogue
        self._prices = prices
        self._clock = clock

    async def exchanges(self) -> list[ExchangeOut]:
        async with self._db.read() as session:
            counts = await repository.count_by_exchange(session)
        return [
            ExchangeOut(
                id=one.id,
                name=one.name,
                paper=one.paper,
                needs_passphrase=one.needs_passphrase,
                instruments=counts.get(one.id, 0),
            )
            for one in self._catalogue.exchanges
        ]

    async def instruments(self, exchange_id: str) -> list[InstrumentOut]:
        exchange = self._catalogue.require(exchange_id)
        async with self._db.read() as session:
            return [InstrumentOut.model_validate(row) for row in await repository.list_of(session, exchange.id)]

    def prices(self, exchange_id: str | None) -> list[PriceOut]:
        now_ms = self._clock.now_ms()
        return [price_out(tick, now_ms) for tick in self._prices.all() if exchange_id in {None, tick.exchange}]


def price_out(tick: Tick, now_ms: int) -> PriceOut:
    return PriceOut(
        exchange=tick.exchange,
        symbol=tick.symbol,
        bid=tick.bid,
        ask=tick.ask,
        exchange_ms=tick.exchange_ms,
        observed_ms=tick.observed_ms,
        age_ms=max(0, now_ms - tick.observed_ms),
    )
