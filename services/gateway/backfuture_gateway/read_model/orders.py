"""How news of an order fits to what is known: pure, and the same whatever comes first, twice or late."""

from dataclasses import dataclass
from decimal import Decimal, localcontext

import msgspec
from backfuture_common.domain.money import MONEY_CONTEXT, ZERO
from backfuture_common.errors import ErrorInfo
from backfuture_common.messages.orders import FINAL_STATUSES, NO_FILLS, Fills, OrderStatus, PlaceOrder

from backfuture_gateway.read_model.tables import GroupView, OrderView


@dataclass(frozen=True, slots=True)
class OrderNews:
    """What one record says about an order. ``exchange_order_id`` None: it does not say."""

    status: OrderStatus
    fills: Fills
    error: ErrorInfo | None
    at_ms: int
    exchange_order_id: str | None = None


def new_order(command: PlaceOrder, zone: int) -> OrderView:
    """Return the row of an order that was intended and of which nothing more is known."""
    row = OrderView(
        client_order_id=command.client_order_id,
        owner_id=command.owner,
        bot_id=command.bot_id,
        group_id=command.group_id,
        connection_id=command.connection_id,
        exchange=command.exchange,
        symbol=command.symbol,
        side=command.side,
        status="submitting",
        exchange_order_id=None,
        error=None,
        first_ms=command.issued_ms,
        updated_ms=0,
    )
    set_fills(row, NO_FILLS)
    add_intent(row, command, zone)
    return row


def add_intent(row: OrderView, command: PlaceOrder, zone: int) -> None:
    """Add what only the intent knows."""
    row.leg = command.leg
    row.zone = zone
    row.decision_id = command.decision_id
    row.amount = command.amount
    row.limit_price = command.limit_price
    row.first_ms = command.issued_ms


def apply_news(row: OrderView, news: OrderNews) -> bool:
    """Take over what is newer; return whether anything changed. Fills never shrink, what ended never lives again."""
    changed = False
    if news.exchange_order_id and not row.exchange_order_id:
        row.exchange_order_id = news.exchange_order_id
        changed = True
    if news.fills.amount > row.filled_amount or (
        news.fills.amount == row.filled_amount and _fees(news.fills) > _fee(row)
    ):
        set_fills(row, news.fills)
        changed = True
    ended, ends = row.status in FINAL_STATUSES, news.status in FINAL_STATUSES
    if (ends and not ended) or (ends == ended and news.at_ms >= row.updated_ms):
        changed = changed or row.status != news.status
        row.status = news.status
        row.error = msgspec.to_builtins(news.error) if news.error else None
        row.updated_ms = news.at_ms
    return changed


def set_fills(row: OrderView, fills: Fills) -> None:
    row.filled_amount = fills.amount
    row.filled_cost = fills.cost
    row.fee_base = fills.fee_base
    row.fee_quote = fills.fee_quote
    row.fee_other = [[currency, str(amount)] for currency, amount in fills.fee_other]


def sum_up(group: GroupView, orders: list[OrderView]) -> None:
    """Set the group's sums to those of its orders' fills."""
    bought = [order for order in orders if order.side == "buy"]
    sold = [order for order in orders if order.side == "sell"]
    with localcontext(MONEY_CONTEXT):
        group.bought_amount = sum((order.filled_amount for order in bought), ZERO)
        group.bought_cost = sum((order.filled_cost for order in bought), ZERO)
        group.sold_amount = sum((order.filled_amount for order in sold), ZERO)
        group.sold_proceeds = sum((order.filled_cost for order in sold), ZERO)
        group.fees_base = sum((order.fee_base for order in orders), ZERO)
        group.fees_quote = sum((order.fee_quote for order in orders), ZERO)
    group.add_ons_done = sum(1 for order in bought if order.leg == "add_on" and order.filled_amount)
    group.zones_used = sorted(
        {order.zone for order in bought if order.leg == "add_on" and order.filled_amount and order.zone is not None}
    )


def _fees(fills: Fills) -> Decimal:
    return fills.fee_base + fills.fee_quote


def _fee(row: OrderView) -> Decimal:
    return row.fee_base + row.fee_quote
