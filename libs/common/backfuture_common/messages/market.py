"""Prices and instruments, published by the connectors."""

from decimal import Decimal
from typing import Literal

from backfuture_common.domain.ids import ExchangeId, Symbol
from backfuture_common.messages.codec import Message


class Tick(Message, tag="market.tick.v1"):
    """The newest best prices of one market (conflated: intermediate ones may be left out).

    0 < bid <= ask. ``exchange_ms`` is the venue's time of the price, ``observed_ms`` when the connector got
    it. Repeated at least every ``HEARTBEAT_MS`` while the feed is healthy, so that silence means trouble.
    """

    exchange: ExchangeId
    symbol: Symbol
    bid: Decimal
    ask: Decimal
    exchange_ms: int
    observed_ms: int


HEARTBEAT_MS = 2_000


class Instrument(Message, tag="market.instrument.v1"):
    """What the venue allows for one market. Fees are ratios (0.001 is 0.1 %). Amounts are in base, costs in quote."""

    exchange: ExchangeId
    symbol: Symbol
    base: str
    quote: str
    market: Literal["spot"]
    price_step: Decimal
    amount_step: Decimal
    amount_min: Decimal
    cost_min: Decimal
    taker_fee: Decimal
    maker_fee: Decimal
    active: bool
    updated_ms: int


class Subscription(Message, tag="market.subscription.v1"):
    """One engine partition wants ticks of a market, or no more. A market is watched while any partition wants it."""

    exchange: ExchangeId
    symbol: Symbol
    partition: int
    wanted: bool


def market_key(exchange: ExchangeId, symbol: Symbol) -> str:
    """Return the record key of a market's ticks and instrument."""
    return f"{exchange}:{symbol}"


def subscription_key(subscription: Subscription) -> str:
    """Return the record key of one partition's wish, so that compaction keeps the newest wish of each."""
    return f"{subscription.exchange}:{subscription.symbol}:{subscription.partition}"
