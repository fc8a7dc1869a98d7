"""The world as Kafka tells it: newest prices, and tables of instruments, connections and balances."""

import asyncio
from collections.abc import Callable, Iterable
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Protocol, Self

from backfuture_common.bus import Incoming, KafkaSettings, Poison, Reader, Table
from backfuture_common.domain.ids import ConnectionId, ExchangeId, Symbol
from backfuture_common.messages.connections import AccountBalances, ConnectionState
from backfuture_common.messages.journal import Cause
from backfuture_common.messages.market import Instrument, Tick, market_key
from backfuture_common.runtime.clock import Clock
from backfuture_common.runtime.logging import get_logger
from backfuture_common.topics import ACCOUNT_BALANCES, CONNECTION_EVENTS, MARKET_INSTRUMENTS, MARKET_TICKS

from backfuture_engine.shell.wishes import Market
from backfuture_engine.shell.world import Seen

_log = get_logger("backfuture.engine.feeds")

_PRICES_AT_ONCE = 2_000


class OnChange(Protocol):
    """Told that a connection (its state or its balances) or a market (its instrument) has changed."""

    def __call__(self, *, connection: ConnectionId | None = None, market: str | None = None) -> None: ...


class Feeds:
    """Everything the workers look up. Entering fills the tables; prices begin with the next ones that come."""

    def __init__(self, kafka: KafkaSettings, clock: Clock, on_change: OnChange) -> None:
        self._clock = clock
        self._prices: dict[str, Seen] = {}
        self._ticks = Reader(kafka, (MARKET_TICKS,), start="end", on_poison=_next_will_do)
        self._instruments: Table[Instrument] = Table(kafka, MARKET_INSTRUMENTS, lambda r: on_change(market=r.key))
        self._connections: Table[ConnectionState] = Table(kafka, CONNECTION_EVENTS, _told(on_change))
        self._balances: Table[AccountBalances] = Table(kafka, ACCOUNT_BALANCES, _told(on_change))
        self._open = AsyncExitStack()

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as opening:
            for part in (self._instruments, self._connections, self._balances, self._ticks):
                await opening.enter_async_context(part)
            self._open = opening.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._open.__aexit__(kind, error, trace)

    async def follow_tables(self) -> None:
        """Keep the tables fresh until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for table in (self._instruments, self._connections, self._balances):
                tasks.create_task(table.run())

    async def next_prices(self) -> list[tuple[str, Tick]]:
        """Wait for prices; return the newest of each market that has new ones."""
        records = await self._ticks.poll(timeout_s=0.5, max_records=_PRICES_AT_ONCE)
        received_s = self._clock.monotonic_s()
        newest = {record.key: record for record in records}
        return [(market, tick) for market, record in newest.items() if (tick := self._price_in(record, received_s))]

    def _price_in(self, record: Incoming, received_s: float) -> Tick | None:
        tick = record.value
        if not isinstance(tick, Tick) or not _is_price(tick):
            _log.warning("price.refused", market=record.key, offset=record.offset)
            return None
        cause = Cause(topic=record.topic.name, partition=record.partition, offset=record.offset)
        self._prices[record.key] = Seen(tick, cause, received_s)
        return tick

    # ------------------------------------------------------------------ World

    def price(self, market: str) -> Seen | None:
        return self._prices.get(market)

    def instrument(self, exchange: ExchangeId, symbol: Symbol) -> Instrument | None:
        return self._instruments.get(market_key(exchange, symbol))

    def connection(self, connection: ConnectionId) -> ConnectionState | None:
        return self._connections.get(connection)

    def balances(self, connection: ConnectionId) -> AccountBalances | None:
        return self._balances.get(connection)

    def oldest_ms(self, markets: Iterable[Market]) -> tuple[int, str] | None:
        """Return the age of the oldest price among these markets and its market; None when one has no price at all."""
        now_ms, oldest = self._clock.now_ms(), (0, "")
        for exchange, symbol in markets:
            market = market_key(exchange, symbol)
            seen = self._prices.get(market)
            if seen is None:
                return None
            oldest = max(oldest, (now_ms - seen.tick.observed_ms, market))
        return oldest


def _told(on_change: OnChange) -> Callable[[Incoming], None]:
    return lambda record: on_change(connection=ConnectionId(record.key))


def _next_will_do(poison: Poison) -> None:
    """Skip a price nobody can read; the next one replaces it."""
    _log.warning("price.unreadable", offset=poison.offset, reason=poison.reason)


def _is_price(tick: Tick) -> bool:
    return tick.bid.is_finite() and tick.ask.is_finite() and 0 < tick.bid <= tick.ask
