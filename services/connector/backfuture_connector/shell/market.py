"""Prices: what the engine wants to see, watched and published conflated; silence when they cannot be trusted."""

import asyncio

from backfuture_common.bus import Incoming, Outgoing, Publisher
from backfuture_common.domain.ids import ExchangeId, Symbol
from backfuture_common.messages.market import HEARTBEAT_MS, Subscription, Tick, market_key
from backfuture_common.runtime import metrics
from backfuture_common.runtime.clock import Clock
from backfuture_common.runtime.health import Health
from backfuture_common.topics import MARKET_TICKS

from backfuture_connector.core.conflation import Conflator
from backfuture_connector.core.facts import Top
from backfuture_connector.core.wanted import place, wanted_symbols
from backfuture_connector.ports import OpenFeed, PriceFeed
from backfuture_connector.shell.instruments import Instruments

MIN_GAP_MS = 100
LOOK_EVERY_S = 0.05
HEARTBEAT_EVERY_MS = HEARTBEAT_MS * 3 // 4
"""A little more often than promised, so that a slow moment does not look like trouble."""


class Market:
    """Feeds of as many markets as one connection carries each; symbols never move between feeds."""

    def __init__(
        self,
        exchange: ExchangeId,
        *,
        open_feed: OpenFeed,
        per_feed: int,
        publisher: Publisher,
        instruments: Instruments,
        clock: Clock,
        health: Health,
    ) -> None:
        self._exchange = exchange
        self._open_feed = open_feed
        self._per_feed = per_feed
        self._publisher = publisher
        self._instruments = instruments
        self._clock = clock
        self._health = health
        self._wishes: dict[str, Subscription] = {}
        self._conflator = Conflator(min_gap_ms=MIN_GAP_MS, heartbeat_ms=HEARTBEAT_EVERY_MS)
        self._shards: list[set[Symbol]] = []
        self._feeds: list[PriceFeed] = []
        self._feed_of: dict[Symbol, PriceFeed] = {}
        self._heard_ms: dict[Symbol, int] = {}
        self._ready: dict[Symbol, Top] = {}
        self._wake = asyncio.Event()
        self._wishes_changed = asyncio.Event()
        self.wanted: frozenset[Symbol] = frozenset()

    def on_wish(self, record: Incoming) -> None:
        """Take a change of the subscriptions (of all exchanges: they share a topic)."""
        if isinstance(record.value, Subscription):
            self._wishes[record.key] = record.value
        else:
            self._wishes.pop(record.key, None)
        self._wishes_changed.set()

    def newest(self, symbol: Symbol) -> Top | None:
        """Return the newest price while its feed is healthy."""
        return self._conflator.newest(symbol) if self.is_healthy(symbol) else None

    def heard_ms(self, symbol: Symbol) -> int:
        """Return when the feed last told this market's price, 0 when it has not since its connection began."""
        return self._heard_ms.get(symbol, 0)

    def is_healthy(self, symbol: Symbol) -> bool:
        feed = self._feed_of.get(symbol)
        return feed is not None and feed.healthy()

    def on_top(self, symbol: Symbol, top: Top) -> None:
        """Take a price from a feed."""
        now_ms = self._clock.now_ms()
        self._heard_ms[symbol] = now_ms
        if self._conflator.offer(symbol, top, now_ms):
            self._ready[symbol] = top
            self._wake.set()

    def restart_feed(self, symbol: Symbol, why: str) -> None:
        """Start a feed anew whose price for this market is wrong."""
        feed = self._feed_of.get(symbol)
        if feed is not None:
            feed.restart(why)

    async def run(self) -> None:
        """Watch and publish, for ever."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._follow_wishes(group))
            group.create_task(self._look())
            group.create_task(self._publish())

    async def _follow_wishes(self, group: asyncio.TaskGroup) -> None:
        while True:
            self._wishes_changed.clear()
            asked = wanted_symbols(self._exchange, self._wishes.values())
            await self._instruments.want(asked)
            self.wanted = frozenset(symbol for symbol in asked if self._instruments.get(symbol) is not None)
            self._arrange(group)
            try:
                async with asyncio.timeout(60):  # a market may be listed later than it is wanted
                    await self._wishes_changed.wait()
            except TimeoutError:
                continue

    def _arrange(self, group: asyncio.TaskGroup) -> None:
        for symbol in [symbol for symbol in self._feed_of if symbol not in self.wanted]:
            self._forget(frozenset({symbol}))
        self._shards = place(self.wanted, self._shards, self._per_feed)
        for number, shard in enumerate(self._shards):
            if number == len(self._feeds):
                self._feeds.append(self._open_feed(self.on_top, self._forget))
                group.create_task(self._feeds[number].run())
            feed = self._feeds[number]
            self._feed_of |= dict.fromkeys(shard & self.wanted, feed)
            feed.want(frozenset(shard & self.wanted))
        self._feed_of = {symbol: feed for symbol, feed in self._feed_of.items() if symbol in self.wanted}

    def _forget(self, symbols: frozenset[Symbol]) -> None:
        """Drop prices that may be old: the next one comes from the new connection."""
        for symbol in symbols:
            self._conflator.forget(symbol)
            self._heard_ms.pop(symbol, None)
            self._ready.pop(symbol, None)

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            now_ms = self._clock.now_ms()
            for symbol, top in self._conflator.due(now_ms, self.is_healthy):
                self._ready[symbol] = top
                self._wake.set()
            self._report()

    def _report(self) -> None:
        used = set(self._feed_of.values())
        ages = [feed.silent_for_s() for feed in used]
        oldest_s = max((float("inf") if age_s is None else age_s for age_s in ages), default=0.0)
        metrics.FEED_AGE.labels(exchange=self._exchange).set(oldest_s)
        broken = sum(not feed.healthy() for feed in used)
        self._health.set("feed", ok=not broken, detail=f"{broken} of {len(used)} feeds are silent" if broken else "")

    async def _publish(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            ready, self._ready = self._ready, {}
            now_ms = self._clock.now_ms()
            for symbol, top in ready.items():
                self._conflator.published(symbol, top, now_ms)
            await self._publisher.publish_all([self._record(symbol, top, now_ms) for symbol, top in ready.items()])
            metrics.TICKS.labels(exchange=self._exchange).inc(len(ready))

    def _record(self, symbol: Symbol, top: Top, now_ms: int) -> Outgoing:
        tick = Tick(
            exchange=self._exchange,
            symbol=symbol,
            bid=top.bid,
            ask=top.ask,
            exchange_ms=top.exchange_ms,
            observed_ms=now_ms,
        )
        return Outgoing(MARKET_TICKS, market_key(self._exchange, symbol), tick)
