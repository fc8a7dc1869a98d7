"""Which bots does this price wake? Levels of one market in two heaps; a price that crosses none costs two comparisons.

Prices are compared as the Decimals they arrive as: exact, and cheaper than turning every price into an integer first.
"""

from decimal import Decimal
from heapq import heapify, heappop, heappush
from typing import Literal

from backfuture_common.domain.ids import BotId

Direction = Literal["buy", "sell"]

_NEVER_BUY = Decimal("-Infinity")
_NEVER_SELL = Decimal("Infinity")
_SPARE = 64


class _Levels:
    """Keys of bots, smallest first. A bot's newest key counts; older ones in the heap are passed over."""

    def __init__(self) -> None:
        self._heap: list[tuple[Decimal, BotId]] = []
        self._keys: dict[BotId, Decimal] = {}

    def __len__(self) -> int:
        return len(self._keys)

    def put(self, bot: BotId, key: Decimal) -> None:
        if self._keys.get(bot) == key:
            return
        self._keys[bot] = key
        heappush(self._heap, (key, bot))
        if len(self._heap) > 2 * len(self._keys) + _SPARE:
            self._heap = [(key, bot) for bot, key in self._keys.items()]
            heapify(self._heap)

    def drop(self, bot: BotId) -> None:
        self._keys.pop(bot, None)

    def smallest(self) -> Decimal | None:
        while self._heap:
            key, bot = self._heap[0]
            if self._keys.get(bot) == key:
                return key
            heappop(self._heap)
        return None

    def take(self, up_to: Decimal, limit: int) -> list[BotId]:
        """Remove and return the bots with keys not above ``up_to``, smallest first, ``limit`` of them at most."""
        taken: list[BotId] = []
        while len(taken) < limit and (key := self.smallest()) is not None and key <= up_to:
            _, bot = heappop(self._heap)
            del self._keys[bot]
            taken.append(bot)
        return taken


class MarketIndex:
    """What bots wait for in one market. ``buy_at`` and ``sell_at`` are the nearest levels, or nearer than those."""

    __slots__ = ("_buys", "_sells", "buy_at", "sell_at")

    def __init__(self) -> None:
        self._buys = _Levels()  # by the negated level: the highest first
        self._sells = _Levels()
        self.buy_at = _NEVER_BUY
        self.sell_at = _NEVER_SELL

    def __len__(self) -> int:
        return len(self._buys) + len(self._sells)

    def crossed(self, bid: Decimal, ask: Decimal) -> bool:
        """Say whether this price may wake a bot."""
        return ask <= self.buy_at or bid >= self.sell_at

    def arm(self, bot: BotId, direction: Direction, level: Decimal) -> None:
        """Wake the bot once: when the ask falls to a buy level, or the bid rises to a sell level."""
        if direction == "buy":
            self._buys.put(bot, -level)
            self.buy_at = max(self.buy_at, level)
        else:
            self._sells.put(bot, level)
            self.sell_at = min(self.sell_at, level)

    def disarm(self, bot: BotId) -> None:
        """Do not wake the bot."""
        self._buys.drop(bot)
        self._sells.drop(bot)

    def take(self, bid: Decimal, ask: Decimal, limit: int) -> list[tuple[BotId, Direction]]:
        """Disarm and return whom this price wakes, nearest level first; at most ``limit``, the rest stay armed."""
        woken: list[tuple[BotId, Direction]] = [(bot, "sell") for bot in self._sells.take(bid, limit)]
        woken += [(bot, "buy") for bot in self._buys.take(-ask, limit - len(woken))]
        buy, sell = self._buys.smallest(), self._sells.smallest()
        self.buy_at = _NEVER_BUY if buy is None else -buy
        self.sell_at = _NEVER_SELL if sell is None else sell
        return woken
