"""What an exchange said, read from its raw answers: exact Decimals, nothing guessed."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from backfuture_common.domain.ids import ExchangeId, Symbol
from backfuture_common.messages.orders import Side

Venue = Literal["kucoin", "mexc"]
OrderState = Literal["open", "filled", "canceled"]
"""``canceled`` also covers partly filled and then ended, and refused after acceptance."""

PAPER_PREFIX = "paper-"


def venue_of(exchange: ExchangeId) -> Venue:
    """Return the venue whose language ``exchange`` speaks (``paper-kucoin`` speaks ``kucoin``)."""
    name = exchange.removeprefix(PAPER_PREFIX)
    if name == "kucoin":
        return "kucoin"
    if name == "mexc":
        return "mexc"
    raise ValueError(f"no connector speaks {exchange!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class FeeFact:
    """A fee as taken; negative when the venue paid a rebate."""

    currency: str
    amount: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFact:
    """One order as its venue tells it. ``filled`` in base and ``cost`` in quote are cumulative and gross.

    ``fee`` is the total fee when the venue's order answer carries one, else None.
    """

    exchange_order_id: str
    client_order_id: str | None
    symbol: Symbol
    side: Side
    amount: Decimal
    price: Decimal
    state: OrderState
    filled: Decimal
    cost: Decimal
    fee: FeeFact | None
    placed_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeFact:
    """One fill of one of the account's orders."""

    trade_id: str
    exchange_order_id: str
    client_order_id: str | None
    side: Side
    price: Decimal
    amount: Decimal
    cost: Decimal
    fee: FeeFact | None
    at_ms: int


@dataclass(frozen=True, slots=True)
class Top:
    """Best prices of one market as a frame of the venue's stream told them: 0 < bid <= ask."""

    bid: Decimal
    ask: Decimal
    exchange_ms: int
