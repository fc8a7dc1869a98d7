"""Orders and fills as values."""

from decimal import Decimal
from typing import Literal

import msgspec
from backfuture_common.domain.money import ZERO

from backfuture_paper.core.exact import subtract

Side = Literal["buy", "sell"]
Kind = Literal["limit", "market"]
TimeInForce = Literal["GTC", "IOC", "FOK"]
Status = Literal["open", "filled", "canceled"]
Liquidity = Literal["maker", "taker"]


class OrderRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What a client asks for. A limit order has ``amount`` and ``price``; a market order ``amount`` or ``cost``."""

    symbol: str
    side: Side
    kind: Kind
    client_id: str = ""
    time_in_force: TimeInForce = "GTC"
    post_only: bool = False
    price: Decimal | None = None
    amount: Decimal | None = None
    cost: Decimal | None = None


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """One order as it stands. ``filled`` is in base, ``filled_cost`` in quote and without the fee.

    ``held`` of ``held_coin`` is what the account cannot use while the order is open; it is zero once it ended.
    """

    number: int
    """Counts a venue's orders; later orders have larger numbers."""
    id: str
    account: str
    request: OrderRequest
    status: Status
    filled: Decimal = ZERO
    filled_cost: Decimal = ZERO
    fee: Decimal = ZERO
    fee_coin: str
    held: Decimal = ZERO
    held_coin: str
    created_ms: int
    updated_ms: int

    @property
    def symbol(self) -> str:
        return self.request.symbol

    @property
    def active(self) -> bool:
        return self.status == "open"

    @property
    def remaining(self) -> Decimal:
        """What is still wanted, in base; zero for an order given by its cost."""
        return ZERO if self.request.amount is None else subtract(self.request.amount, self.filled)


class Fill(msgspec.Struct, frozen=True, kw_only=True):
    """One execution: ``amount`` in base at ``price``; ``fee`` in ``fee_coin`` is not part of ``cost``."""

    id: int
    order_id: str
    client_id: str
    account: str
    symbol: str
    side: Side
    kind: Kind
    price: Decimal
    amount: Decimal
    cost: Decimal
    fee: Decimal
    fee_coin: str
    fee_rate: Decimal
    liquidity: Liquidity
    at_ms: int
