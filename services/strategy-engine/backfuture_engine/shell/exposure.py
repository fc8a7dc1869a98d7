"""What the bots of one partition bind together: per connection and per symbol, and the limits over them.

All bots of one owner are here, so every sum over an owner's bots is local. A sum changes with each step of a bot.
"""

from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple

from backfuture_common.domain.ids import BotId, ConnectionId, Symbol, UserId
from backfuture_common.domain.money import ZERO
from backfuture_common.messages.bots import BotState
from backfuture_common.messages.journal import Exposure
from backfuture_common.messages.market import market_key

from backfuture_engine.core.margin import bound_by, in_flight
from backfuture_engine.shell.world import World

Key = tuple[str, str, str]


class _Share(NamedTuple):
    """A bot's part of the sums, and the limits it names."""

    connection: ConnectionId
    flying: Decimal
    bound: tuple[tuple[Key, Decimal], ...]
    limits: tuple[tuple[Key, Decimal], ...]


class Exposures:
    """Sums and limits over the bots of one partition."""

    def __init__(self) -> None:
        self._shares: dict[BotId, _Share] = {}
        self._flying: defaultdict[ConnectionId, Decimal] = defaultdict(Decimal)
        self._bound: defaultdict[Key, Decimal] = defaultdict(Decimal)
        self._limits: defaultdict[Key, dict[BotId, Decimal]] = defaultdict(dict)
        self._bots_on: defaultdict[ConnectionId, dict[BotId, BotState]] = defaultdict(dict)

    def note(self, bot: BotId, state: BotState) -> None:
        """Take in what a bot binds now."""
        old, new = self._shares.get(bot), _share(state)
        if old is not None and old.connection != new.connection:
            self._bots_on[old.connection].pop(bot, None)
        self._bots_on[new.connection][bot] = state
        if old == new:
            return
        self._add(old, -1)
        self._add(new, 1)
        for key, _ in old.limits if old is not None else ():
            self._limits[key].pop(bot, None)
        for key, limit in new.limits:
            self._limits[key][bot] = limit
        self._shares[bot] = new

    def in_flight(self, connection: ConnectionId) -> Decimal:
        """Return what the buy orders in flight on a connection may still cost."""
        return self._flying.get(connection, ZERO)

    def around(self, state: BotState, symbol: Symbol, world: World) -> Exposure | None:
        """Return what limits this bot beside its own; None when nothing does."""
        on_connection, in_symbol = _connection_key(state, symbol), _symbol_key(state.spec.owner, symbol)
        connection_limit, symbol_limit = self._limit(on_connection), self._limit(in_symbol)
        by_percent = state.spec.margin_limit_percent is not None
        if connection_limit is None and symbol_limit is None and not by_percent:
            return None
        return Exposure(
            connection_quote=self._of_others(state, on_connection),
            symbol_quote=self._of_others(state, in_symbol),
            connection_limit=connection_limit,
            symbol_limit=symbol_limit,
            equity=self._equity(state, symbol, world) if by_percent else None,
        )

    def _add(self, share: _Share | None, sign: int) -> None:
        if share is None:
            return
        self._flying[share.connection] += sign * share.flying
        for key, amount in share.bound:
            self._bound[key] += sign * amount

    def _limit(self, key: Key) -> Decimal | None:
        limits = self._limits.get(key)
        return min(limits.values()) if limits else None

    def _of_others(self, state: BotState, key: Key) -> Decimal:
        share = self._shares.get(state.spec.bot_id)
        own = sum((amount for k, amount in share.bound if k == key), ZERO) if share is not None else ZERO
        return self._bound.get(key, ZERO) - own

    def _equity(self, state: BotState, symbol: Symbol, world: World) -> Decimal | None:
        """Return the account's worth: its money and its groups' coins, those at what they cost or, if less, now bring.

        None when the balance was never told.
        """
        quote, told = _quote(symbol), world.balances(state.spec.connection_id)
        if told is None or told.owner != state.spec.owner:
            return None
        money = sum((one.free + one.held for one in told.balances if one.currency == quote), ZERO)
        costs, values = ZERO, ZERO
        for cost, value in self._holdings(state.spec.connection_id, quote, world):
            costs, values = costs + cost, values + value
        return money + min(costs, values)

    def _holdings(self, connection: ConnectionId, quote: str, world: World) -> Iterator[tuple[Decimal, Decimal]]:
        """Yield what the coins of each live group have cost, and what they are worth now (at least known price)."""
        for state in self._bots_on[connection].values():
            for group in state.groups:
                if _quote(group.symbol) != quote or not group.bought_amount:
                    continue
                left = group.bought_amount - group.sold_amount
                cost = group.bought_cost * left / group.bought_amount
                seen = world.price(market_key(state.spec.exchange, group.symbol))
                yield cost, left * seen.tick.bid if seen is not None else cost


def _share(state: BotState) -> _Share:
    spec = state.spec
    flying, bound = ZERO, []
    for group in state.groups:
        flying += in_flight(group)
        amount = bound_by(spec, group)
        bound += [(_connection_key(state, group.symbol), amount), (_symbol_key(spec.owner, group.symbol), amount)]
    return _Share(spec.connection_id, flying, tuple(bound), () if state.deleted else tuple(_limits(state)))


def _limits(state: BotState) -> Iterator[tuple[Key, Decimal]]:
    spec = state.spec
    if spec.connection_limit_quote is not None:
        yield _connection_key(state, spec.symbols[0]), spec.connection_limit_quote
    if spec.symbol_limit_quote is not None:
        for symbol in spec.symbols:
            yield _symbol_key(spec.owner, symbol), spec.symbol_limit_quote


def _connection_key(state: BotState, symbol: Symbol) -> Key:
    return "connection", state.spec.connection_id, _quote(symbol)


def _symbol_key(owner: UserId, symbol: Symbol) -> Key:
    return "symbol", owner, symbol


def _quote(symbol: Symbol) -> str:
    return symbol.partition("/")[2]
