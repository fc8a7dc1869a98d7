"""Bodies of the orders' endpoint."""

from typing import Annotated

from backfuture_common.messages.orders import Leg, OrderStatus, Side
from pydantic import Field

from backfuture_gateway.http.amounts import Money
from backfuture_gateway.http.errors import ErrorDetail
from backfuture_gateway.http.schemas import Outbound


class FeeOut(Outbound):
    currency: str
    amount: Money


class OrderOut(Outbound):
    """An order with the decision behind it and all its fills so far."""

    client_order_id: str
    exchange_order_id: str | None
    bot_id: str
    group_id: str
    connection_id: str
    exchange: str
    symbol: str
    side: Side
    leg: Annotated[Leg | None, Field(description="Null while only the exchange's side is known.")]
    zone: int | None
    decision_id: Annotated[str | None, Field(description="The decision that explains the order.")]
    amount: Money | None
    limit_price: Money | None
    status: OrderStatus
    filled_amount: Money
    filled_cost: Money
    average_price: Annotated[Money | None, Field(description="Of what was filled.")]
    fee_base: Money
    fee_quote: Money
    fee_other: list[FeeOut]
    error: ErrorDetail | None
    issued_ms: int
    updated_ms: int
