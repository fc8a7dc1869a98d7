"""What a worker sees of the world around its bots: prices, instruments, connections, balances."""

from decimal import Decimal
from typing import NamedTuple, Protocol

from backfuture_common.domain.ids import ConnectionId, ExchangeId, Symbol
from backfuture_common.domain.money import ZERO
from backfuture_common.messages.bots import BotSpec
from backfuture_common.messages.connections import AccountBalances, ConnectionState
from backfuture_common.messages.journal import Cause, Context, PriceObserved
from backfuture_common.messages.market import Instrument, Tick


class Seen(NamedTuple):
    """The newest price of a market, the record it came from, and when it came (monotonic seconds)."""

    tick: Tick
    cause: Cause
    received_s: float

    def observed(self, now_ms: int) -> PriceObserved:
        """Return the price as the core is to see it now."""
        tick = self.tick
        return PriceObserved(
            exchange=tick.exchange,
            symbol=tick.symbol,
            bid=tick.bid,
            ask=tick.ask,
            age_ms=max(0, now_ms - tick.observed_ms),
        )


class World(Protocol):
    """The newest known values; None for what was never told. Markets are named by their record key."""

    def price(self, market: str) -> Seen | None: ...

    def instrument(self, exchange: ExchangeId, symbol: Symbol) -> Instrument | None: ...

    def connection(self, connection: ConnectionId) -> ConnectionState | None: ...

    def balances(self, connection: ConnectionId) -> AccountBalances | None: ...


def context(
    world: World,
    spec: BotSpec,
    symbol: Symbol | None,
    now_ms: int,
    in_flight: Decimal = ZERO,
) -> Context:
    """Return what the core is to know about a bot's surroundings, for an event of one symbol or of none.

    ``in_flight`` is what buy orders on the bot's connection may still cost: money the exchange may not have taken off
    the balance yet.
    """
    connection = world.connection(spec.connection_id)
    instrument = world.instrument(spec.exchange, symbol) if symbol is not None else None
    free = _free(world.balances(spec.connection_id), spec, instrument.quote) if instrument else None
    return Context(
        now_ms=now_ms,
        connection_online=connection is not None and connection.trade_allowed,
        connection_code=connection.code if connection is not None else None,
        connection_matches=connection is None
        or (connection.owner == spec.owner and connection.exchange == spec.exchange),
        instrument=instrument,
        quote_free=None if free is None else max(free - in_flight, ZERO),
    )


def _free(balances: AccountBalances | None, spec: BotSpec, currency: str) -> Decimal | None:
    if balances is None or balances.owner != spec.owner:
        return None
    return next((balance.free for balance in balances.balances if balance.currency == currency), ZERO)
