"""Bodies of the groups' endpoints."""

from typing import Annotated

from backfuture_common.messages.bots import CloseReason, GroupStatus
from pydantic import Field

from backfuture_gateway.http.amounts import Money
from backfuture_gateway.http.schemas import Outbound
from backfuture_gateway.orders.schemas import OrderOut


class GroupOut(Outbound):
    """A group. What follows `price` is calculated from the newest price and null without one, or once it has ended."""

    id: str
    bot_id: str
    bot_name: str
    connection_id: str
    exchange: str
    symbol: str
    status: GroupStatus
    opened_ms: int
    anchor: Annotated[Money | None, Field(description="Average price of the entry; zones are measured from it.")]
    amount: Annotated[Money, Field(description="What the group holds now, in base.")]
    bought_amount: Money
    bought_cost: Money
    sold_amount: Money
    sold_proceeds: Money
    fees_base: Money
    fees_quote: Money
    average: Money | None
    break_even: Money | None
    target: Money | None
    add_ons_done: int
    add_ons_max: int
    zones_used: list[int]
    ladder_quote: Annotated[Money, Field(description="Cost of the whole ladder.")]
    close_requested: bool
    closed_ms: int | None
    close_reason: CloseReason | None
    realised_quote: Annotated[Money | None, Field(description="Result net of fees, once closed.")]
    dust_base: Money | None
    price: Annotated[Money | None, Field(description="Newest bid: what a sale would bring.")]
    unrealised_quote: Annotated[Money | None, Field(description="Result if all were sold at `price` now, net of fees.")]
    drawdown_percent: Annotated[Money | None, Field(description="How far `price` is below the average.")]
    to_target_percent: Annotated[Money | None, Field(description="How far `price` still has to rise.")]
    next_add_on_price: Annotated[Money | None, Field(description="Where the next unused zone begins.")]
    next_add_on_quote: Money | None
    average_after_add_on: Annotated[Money | None, Field(description="The average if that add-on fills there.")]


class GroupDetail(GroupOut):
    orders: list[OrderOut]
