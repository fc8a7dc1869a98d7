"""What each venue allows: markets, steps, minimums and fees."""

from collections.abc import Container
from decimal import Decimal
from typing import Literal

import msgspec

Venue = Literal["kucoin", "mexc"]
VENUES: tuple[Venue, ...] = ("kucoin", "mexc")

FeeCoin = Literal["quote", "received"]
"""``quote``: every fee is taken in the quote coin. ``received``: in the coin the trade brought in."""
DuplicateIds = Literal["active", "ever", "allowed"]
"""When a client order id is refused: while an order of that id is open, once it was ever used, or never."""


class Instrument(msgspec.Struct, frozen=True, kw_only=True):
    """One market of one venue. Amounts are in base, costs and prices in quote; the steps are powers of ten."""

    symbol: str
    base: str
    quote: str
    price_step: Decimal
    amount_step: Decimal
    amount_min: Decimal
    amount_max: Decimal
    cost_min: Decimal


class VenueRules(msgspec.Struct, frozen=True, kw_only=True):
    """How a venue charges and what it trades."""

    venue: Venue
    taker_fee: Decimal
    maker_fee: Decimal
    fee_coin: FeeCoin
    duplicate_ids: DuplicateIds
    open_orders_max: int = 500
    """Per account."""
    instruments: dict[str, Instrument]


REFERENCE_PRICES: dict[str, Decimal] = {
    "BTC/USDT": Decimal(65_000),
    "ETH/USDT": Decimal(3_200),
    "SOL/USDT": Decimal(150),
    "LTC/USDT": Decimal(80),
    "XRP/USDT": Decimal("0.6"),
    "DOGE/USDT": Decimal("0.12"),
}
"""The price around which the generated path of each market moves."""

# symbol: price step, amount step, smallest amount
_KUCOIN = {
    "BTC/USDT": ("0.1", "0.00000001", "0.00001"),
    "ETH/USDT": ("0.01", "0.0000001", "0.0001"),
    "SOL/USDT": ("0.001", "0.0001", "0.01"),
    "LTC/USDT": ("0.01", "0.000001", "0.001"),
    "XRP/USDT": ("0.00001", "0.0001", "0.1"),
    "DOGE/USDT": ("0.00001", "0.0001", "1"),
}
_MEXC = {
    "BTC/USDT": ("0.01", "0.000001", "0.000001"),
    "ETH/USDT": ("0.01", "0.00001", "0.00001"),
    "SOL/USDT": ("0.01", "0.001", "0.001"),
    "LTC/USDT": ("0.01", "0.001", "0.001"),
    "XRP/USDT": ("0.0001", "0.01", "0.01"),
    "DOGE/USDT": ("0.00001", "0.1", "0.1"),
}
_AMOUNT_MAX = Decimal(10_000_000_000)


def kucoin_rules(duplicate_ids: DuplicateIds = "active") -> VenueRules:
    """Return KuCoin's: 0.1 % in the quote coin both ways, orders from 0.1 USDT."""
    return VenueRules(
        venue="kucoin",
        taker_fee=Decimal("0.001"),
        maker_fee=Decimal("0.001"),
        fee_coin="quote",
        duplicate_ids=duplicate_ids,
        instruments=_table(_KUCOIN, Decimal("0.1")),
    )


def mexc_rules(duplicate_ids: DuplicateIds = "active") -> VenueRules:
    """Return MEXC's: takers pay 0.05 % in the coin they receive, makers nothing, orders from 1 USDT."""
    return VenueRules(
        venue="mexc",
        taker_fee=Decimal("0.0005"),
        maker_fee=Decimal(0),
        fee_coin="received",
        duplicate_ids=duplicate_ids,
        instruments=_table(_MEXC, Decimal(1)),
    )


def traded(rules: VenueRules, symbols: Container[str]) -> VenueRules:
    """Return the rules with those markets only for which there are prices."""
    kept = {symbol: instrument for symbol, instrument in rules.instruments.items() if symbol in symbols}
    return msgspec.structs.replace(rules, instruments=kept)


def _table(rows: dict[str, tuple[str, str, str]], cost_min: Decimal) -> dict[str, Instrument]:
    return {symbol: _instrument(symbol, row, cost_min) for symbol, row in rows.items()}


def _instrument(symbol: str, row: tuple[str, str, str], cost_min: Decimal) -> Instrument:
    base, quote = symbol.split("/")
    price_step, amount_step, amount_min = (Decimal(text) for text in row)
    return Instrument(
        symbol=symbol,
        base=base,
        quote=quote,
        price_step=price_step,
        amount_step=amount_step,
        amount_min=amount_min,
        amount_max=_AMOUNT_MAX,
        cost_min=cost_min,
    )
