"""Trades of the public: what others do at the quoted prices."""

from decimal import Decimal

import msgspec
from backfuture_common.domain.money import divide, round_down, round_up

from backfuture_paper.core.instruments import Instrument
from backfuture_paper.core.orders import Side
from backfuture_paper.core.path import unit_hash
from backfuture_paper.core.quotes import Quote

_HASHES = 1 << 20
USUAL_COST = Decimal(800)
"""What an invented trade costs on average, in quote."""


class PublicTrade(msgspec.Struct, frozen=True, kw_only=True):
    """One trade between others; ``side`` is the taker's. Price and amount are not yet rounded to a venue's steps."""

    id: int
    symbol: str
    side: Side
    price: Decimal
    amount: Decimal
    at_ms: int


def at_steps(trade: PublicTrade, instrument: Instrument) -> PublicTrade:
    """Return the trade as a venue with these steps would report it."""
    to_step = round_up if trade.side == "buy" else round_down
    return msgspec.structs.replace(
        trade,
        price=to_step(trade.price, instrument.price_step),
        amount=max(round_down(trade.amount, instrument.amount_step), instrument.amount_step),
    )


def invent_trade(quote: Quote, slot: int, seed: int) -> PublicTrade:
    """Return the trade of one time slot: at the bid or the ask, worth 0.1 to 1.9 times the usual."""
    luck = unit_hash(seed, quote.symbol, "trade", slot)
    side: Side = "buy" if luck & 1 else "sell"
    price = quote.ask if side == "buy" else quote.bid
    cost = USUAL_COST / 10 + USUAL_COST * 18 * luck / (10 * _HASHES)
    return PublicTrade(
        id=slot, symbol=quote.symbol, side=side, price=price, amount=divide(cost, price), at_ms=quote.at_ms
    )
