"""Which prices are published when: the newest, at once, not too often, and repeated while the feed is healthy."""

from collections.abc import Callable
from dataclasses import dataclass

from backfuture_common.domain.ids import Symbol

from backfuture_connector.core.facts import Top


@dataclass(slots=True)
class _Market:
    top: Top
    published: Top | None = None
    published_ms: int = 0

    @property
    def changed(self) -> bool:
        old = self.published
        return old is None or (old.bid, old.ask) != (self.top.bid, self.top.ask)


class Conflator:
    """Holds the newest price of each market and says which are due. Times are the caller's milliseconds."""

    def __init__(self, *, min_gap_ms: int, heartbeat_ms: int) -> None:
        self._min_gap_ms = min_gap_ms
        self._heartbeat_ms = heartbeat_ms
        self._markets: dict[Symbol, _Market] = {}
        self._waiting: set[Symbol] = set()

    def offer(self, symbol: Symbol, top: Top, now_ms: int) -> bool:
        """Take a new price; return whether it is to be published now (then call :meth:`published`)."""
        market = self._markets.get(symbol)
        if market is None:
            market = self._markets[symbol] = _Market(top)
        else:
            market.top = top
        if not market.changed:
            return False
        if now_ms - market.published_ms >= self._min_gap_ms:
            return True
        self._waiting.add(symbol)
        return False

    def due(self, now_ms: int, healthy: Callable[[Symbol], bool]) -> list[tuple[Symbol, Top]]:
        """Return what is to be published now: prices held back for a moment, and heartbeats of healthy feeds."""
        ready: list[tuple[Symbol, Top]] = []
        for symbol, market in self._markets.items():
            age_ms = now_ms - market.published_ms
            held = symbol in self._waiting and age_ms >= self._min_gap_ms
            heartbeat = age_ms >= self._heartbeat_ms
            if (held or heartbeat) and healthy(symbol):
                ready.append((symbol, market.top))
        return ready

    def published(self, symbol: Symbol, top: Top, now_ms: int) -> None:
        """Note that ``top`` was published."""
        market = self._markets.get(symbol)
        if market is not None:
            market.published = top
            market.published_ms = now_ms
        self._waiting.discard(symbol)

    def newest(self, symbol: Symbol) -> Top | None:
        """Return the newest price, whatever its age."""
        market = self._markets.get(symbol)
        return market.top if market else None

    def forget(self, symbol: Symbol) -> None:
        """Drop a market: nobody wants it, or its feed broke and the old price must not be repeated."""
        self._markets.pop(symbol, None)
        self._waiting.discard(symbol)
