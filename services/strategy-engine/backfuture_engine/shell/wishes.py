"""Which markets the bots of a partition need prices of."""

from collections import Counter
from collections.abc import Iterable

from backfuture_common.domain.ids import BotId, ExchangeId, Symbol
from backfuture_common.messages.bots import BotState
from backfuture_common.messages.market import Subscription

Market = tuple[ExchangeId, Symbol]


def markets_of(state: BotState) -> frozenset[Market]:
    """Return the markets a bot needs: those of its groups, and all of its symbols while it may open groups."""
    symbols = {group.symbol for group in state.groups}
    if state.running and not state.deleted:
        symbols |= set(state.spec.symbols)
    return frozenset((state.spec.exchange, symbol) for symbol in symbols)


class Wishes:
    """Counts how many bots need each market, and keeps what of that has not been told yet."""

    def __init__(self, partition: int, told: Iterable[Market] = ()) -> None:
        self._partition = partition
        self._of: dict[BotId, frozenset[Market]] = {}
        self._count: Counter[Market] = Counter()
        self._told = set(told)
        """The markets that the connectors believe are wanted here."""
        self._changed: set[Market] = set(self._told)

    def note(self, bot: BotId, state: BotState) -> None:
        """Take in what a bot needs now."""
        old, new = self._of.get(bot, frozenset()), markets_of(state)
        if new == old:
            return
        self._of[bot] = new
        self._count.update(new - old)
        self._count.subtract(old - new)
        self._changed |= old ^ new

    @property
    def markets(self) -> frozenset[Market]:
        """The markets that at least one bot needs."""
        return frozenset(market for market, bots in self._count.items() if bots)

    @property
    def untold(self) -> bool:
        """Whether the connectors' belief is out of date."""
        return any((self._count[market] > 0) != (market in self._told) for market in self._changed)

    def tell(self) -> list[Subscription]:
        """Return what has changed since it was told last; from now on it counts as told."""
        changed = [m for m in sorted(self._changed) if (self._count[m] > 0) != (m in self._told)]
        self._changed = set()
        self._told ^= set(changed)
        return [self._wish(market) for market in changed]

    def _wish(self, market: Market) -> Subscription:
        exchange, symbol = market
        return Subscription(exchange=exchange, symbol=symbol, partition=self._partition, wanted=market in self._told)
