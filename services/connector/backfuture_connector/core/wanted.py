"""Which markets are watched: the union of what the engine's partitions want."""

from collections.abc import Iterable

from backfuture_common.domain.ids import ExchangeId, Symbol
from backfuture_common.messages.market import Subscription


def wanted_symbols(exchange: ExchangeId, subscriptions: Iterable[Subscription]) -> frozenset[Symbol]:
    """Return the symbols of ``exchange`` that at least one partition wants."""
    return frozenset(wish.symbol for wish in subscriptions if wish.exchange == exchange and wish.wanted)


def place(symbols: Iterable[Symbol], shards: list[set[Symbol]], per_shard: int) -> list[set[Symbol]]:
    """Return the shards after taking in new symbols: each joins the first shard with room, else a new one.

    A symbol never moves, and is never taken out: a stream nobody wants costs little and goes with the next renewal.
    """
    result = [set(shard) for shard in shards]
    known = set().union(*result) if result else set()
    for symbol in sorted(set(symbols) - known):
        for shard in result:
            if len(shard) < per_shard:
                shard.add(symbol)
                break
        else:
            result.append({symbol})
    return result
