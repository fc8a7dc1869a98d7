"""What changed in a venue's books since the last look: the difference a depth stream sends."""

from collections.abc import Set
from decimal import Decimal

import msgspec
from backfuture_common.domain.money import ZERO

from backfuture_paper.core.book import Level
from backfuture_paper.core.exchange import Exchange

Side = dict[Decimal, Decimal]


class BookChange(msgspec.Struct, frozen=True, kw_only=True):
    """Levels with a new amount, zero for a level that is gone, from after ``previous`` up to ``sequence``."""

    previous: int
    sequence: int
    bids: list[Level]
    asks: list[Level]


class BookChanges:
    """Remembers the books last looked at."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._seen: dict[str, tuple[int, Side, Side]] = {}

    def since_last(self, symbol: str) -> BookChange | None:
        """Return the difference to the last look; None at the first look and when time has not moved."""
        liquidity = self._exchange.liquidity(symbol)
        if liquidity is None:
            return None
        bids = {level.price: level.amount for level in liquidity.bids}
        asks = {level.price: level.amount for level in liquidity.asks}
        sequence = liquidity.book.sequence
        last = self._seen.get(symbol)
        if last is not None and last[0] >= sequence:
            return None
        self._seen[symbol] = (sequence, bids, asks)
        if last is None:
            return None
        previous, old_bids, old_asks = last
        changed = liquidity.restored | liquidity.touched
        return BookChange(
            previous=previous,
            sequence=sequence,
            bids=_difference(old_bids, bids, changed),
            asks=_difference(old_asks, asks, changed),
        )


def _difference(old: Side, new: Side, changed: Set[Decimal]) -> list[Level]:
    """Return what differs, and what has changed in between although it is now as it was."""
    gone = [Level(price, ZERO) for price in old if price not in new]
    return gone + [Level(p, amount) for p, amount in new.items() if p in changed or old.get(p) != amount]
