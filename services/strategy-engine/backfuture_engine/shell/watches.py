"""What the bots of one partition wait for: levels per market, times in a heap.

A bot that was woken and could do nothing (no money, no connection) sleeps a while before the same price wakes it again:
a second at first, longer each time. Anything that changes the bot, its connection or its market ends that sleep.
"""

from collections.abc import Iterator
from decimal import Decimal
from heapq import heappop, heappush
from typing import NamedTuple

from backfuture_common.domain.ids import BotId, ExchangeId, Symbol
from backfuture_common.messages.market import market_key

from backfuture_engine.core.wake import Watch
from backfuture_engine.shell.index import Direction, MarketIndex

FIRST_SLEEP_MS = 1_000
LONGEST_SLEEP_MS = 16_000


class _Sleep(NamedTuple):
    """How long a bot does not react to a level of its own."""

    until_ms: int
    length_ms: int


class _Followed(NamedTuple):
    exchange: ExchangeId
    watches: tuple[Watch, ...]


_AWAKE = _Sleep(0, 0)
_NOTHING = _Followed(ExchangeId(""), ())


class Watches:
    """Levels and times of many bots. Markets are named by their record key."""

    def __init__(self) -> None:
        self._markets: dict[str, MarketIndex] = {}
        self._followed: dict[BotId, _Followed] = {}
        self._sleeps: dict[BotId, dict[tuple[Symbol, Direction], _Sleep]] = {}
        self._timers: list[tuple[int, BotId]] = []

    def follow(self, bot: BotId, exchange: ExchangeId, watches: tuple[Watch, ...], now_ms: int) -> None:
        """Wait for this and for nothing else that the bot waited for before."""
        for market in self.markets_of(bot):
            self._markets[market].disarm(bot)
        if watches:
            self._followed[bot] = _Followed(exchange, watches)
            self.arm(bot, now_ms)
        else:
            self._followed.pop(bot, None)

    def arm(self, bot: BotId, now_ms: int) -> None:
        """Arm the bot's levels whose time has come; set a timer for the others."""
        followed = self._followed.get(bot, _NOTHING)
        for watch in followed.watches:
            index = self._markets.setdefault(market_key(followed.exchange, watch.symbol), MarketIndex())
            for direction, level in _levels(watch):
                due_ms = max(watch.not_before_ms, self._sleep(bot, watch.symbol, direction).until_ms)
                if due_ms > now_ms:
                    heappush(self._timers, (due_ms, bot))
                else:
                    index.arm(bot, direction, level)

    def markets_of(self, bot: BotId) -> list[str]:
        """Return the markets that the bot waits in."""
        followed = self._followed.get(bot, _NOTHING)
        return [market_key(followed.exchange, watch.symbol) for watch in followed.watches]

    def put_to_sleep(self, bot: BotId, symbol: Symbol, direction: Direction, now_ms: int) -> None:
        """Let the bot not react to this level for a while: it was woken and could do nothing."""
        length_ms = min(self._sleep(bot, symbol, direction).length_ms * 2, LONGEST_SLEEP_MS) or FIRST_SLEEP_MS
        self._sleeps.setdefault(bot, {})[symbol, direction] = _Sleep(now_ms + length_ms, length_ms)
        heappush(self._timers, (now_ms + length_ms, bot))

    def sleeping(self) -> list[BotId]:
        """Return the bots that do not react to some level of theirs."""
        return list(self._sleeps)

    def wake_up(self, bot: BotId) -> None:
        """End the bot's sleeps. Its levels are armed by :meth:`arm` or :meth:`follow`."""
        self._sleeps.pop(bot, None)

    def due(self, now_ms: int) -> list[BotId]:
        """Return the bots a timer of which has run out, each once."""
        bots: dict[BotId, None] = {}
        while self._timers and self._timers[0][0] <= now_ms:
            bots[heappop(self._timers)[1]] = None
        return list(bots)

    def crossed(self, market: str, bid: Decimal, ask: Decimal) -> bool:
        """Say whether this price may wake a bot."""
        index = self._markets.get(market)
        return index is not None and index.crossed(bid, ask)

    def take(self, market: str, bid: Decimal, ask: Decimal, limit: int) -> list[tuple[BotId, Direction]]:
        """Disarm and return whom this price wakes, at most ``limit`` of them."""
        index = self._markets.get(market)
        return index.take(bid, ask, limit) if index is not None else []

    def _sleep(self, bot: BotId, symbol: Symbol, direction: Direction) -> _Sleep:
        return self._sleeps.get(bot, {}).get((symbol, direction), _AWAKE)


def _levels(watch: Watch) -> Iterator[tuple[Direction, Decimal]]:
    if watch.buy_at is not None:
        yield "buy", watch.buy_at
    if watch.sell_at is not None:
        yield "sell", watch.sell_at
