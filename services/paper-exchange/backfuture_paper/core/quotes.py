"""Best prices of a symbol, and the book that is built behind them."""

from decimal import ROUND_DOWN, Context, Decimal
from functools import lru_cache

import msgspec
from backfuture_common.domain.money import ONE, ZERO, divide, round_down, round_up

from backfuture_paper.core.book import Book, Level
from backfuture_paper.core.exact import multiply
from backfuture_paper.core.instruments import Instrument
from backfuture_paper.core.path import unit_hash

_HASHES = 1 << 20
_DOWN = Context(prec=40, rounding=ROUND_DOWN)
"""For many amounts of no importance: much faster than rounding to any step, and right for powers of ten."""


class Quote(msgspec.Struct, frozen=True, kw_only=True):
    """Where a symbol can be sold (``bid``) and bought (``ask``); sizes in base where the source knows them."""

    symbol: str
    at_ms: int
    bid: Decimal
    ask: Decimal
    bid_size: Decimal | None = None
    ask_size: Decimal | None = None


class DepthSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How thick a book is: ``levels`` a side, about ``level_cost`` of quote on the first, more further away."""

    levels: int = 20
    level_cost: Decimal = Decimal(5_000)
    spacing_ppm: int = 100
    seed: int = 7
    still_ms: int = 1_000
    """How long the amounts at the levels stay the same."""


def build_book(quote: Quote, instrument: Instrument, settings: DepthSettings, sequence: int) -> Book:
    """Return a book with the quote's prices, moved apart to the venue's steps, as its best levels."""
    bid = round_down(quote.bid, instrument.price_step)
    ask = max(round_up(quote.ask, instrument.price_step), bid + instrument.price_step)
    spacing = round_up(multiply(bid, Decimal(settings.spacing_ppm).scaleb(-6)), instrument.price_step)
    luck = _Luck(settings, quote, instrument.amount_step)
    return Book(
        symbol=quote.symbol,
        at_ms=quote.at_ms,
        sequence=sequence,
        bids=_side(luck, "bid", bid, -spacing, quote.bid_size),
        asks=_side(luck, "ask", ask, spacing, quote.ask_size),
    )


class _Luck:
    """The amounts on offer: 0.5 to 1.5 times a level's usual amount, which grows by a tenth with every level."""

    def __init__(self, settings: DepthSettings, quote: Quote, step: Decimal) -> None:
        self.levels = settings.levels
        self.step = step
        self._cost = settings.level_cost
        self._cause = f"{settings.seed}{quote.symbol}{quote.at_ms // settings.still_ms}"

    def amount(self, side: str, index: int, price: Decimal) -> Decimal:
        return _DOWN.quantize(divide(self._cost * _share(self._cause, side, index), price), self.step)


@lru_cache(maxsize=16_384)
def _share(cause: str, side: str, index: int) -> Decimal:
    share = divide(Decimal(unit_hash(cause, side, index)), Decimal(_HASHES)) + ONE / 2
    return multiply(share, ONE + Decimal(index) / 10)


def _side(luck: _Luck, side: str, best: Decimal, spacing: Decimal, best_size: Decimal | None) -> tuple[Level, ...]:
    levels = []
    for index in range(luck.levels):
        price = best + spacing * index
        if price <= ZERO:
            break
        amount = luck.amount(side, index, price)
        if index == 0 and best_size is not None:
            amount = round_down(best_size, luck.step)
        levels.append(Level(price, max(amount, luck.step)))
    return tuple(levels)
