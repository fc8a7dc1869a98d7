"""What an order's progress makes of its group.

All sums are taken anew from the cumulative fills of the group's orders, never added up step by step: whatever update
was lost, repeated or late, the sums are those of the newest ones.
"""

from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple

from backfuture_common.domain.money import ZERO
from backfuture_common.messages.bots import CloseReason, FinishedOrder, Group, PendingOrder
from backfuture_common.messages.journal import OrderProgressed
from backfuture_common.messages.orders import FINAL_STATUSES, Fills, Leg, OrderStatus
from msgspec.structs import replace

from backfuture_engine.core.formulas import average, break_even, target

UNFILLED_RETRY_MS = 1_000
"""Rest of a group after an add-on that filled nothing, or an exit that did not fill whole: the price had moved away."""
REJECTED_RETRY_MS = 5_000
"""Rest after a refused order, doubled with each refusal in a row up to ``LONGEST_RETRY_MS``."""
LONGEST_RETRY_MS = 300_000
ENTRY_RETRY_MS = 5_000
"""Rest of a symbol after an entry that filled nothing, or a group that ended without an order."""
REJECTED_ENTRY_RETRY_MS = 60_000


class _Order(NamedTuple):
    leg: Leg
    zones: tuple[int, ...]
    fills: Fills


def progressed(group: Group, fact: OrderProgressed) -> Group:
    """Return the group after news of one of its orders; ValueError when it has no such order."""
    pending = group.pending
    if pending is None or pending.command.client_order_id != fact.client_order_id:
        return _totals(_revised(group, fact), None)
    grew = fact.fills.amount > pending.fills.amount
    news = replace(pending, status=fact.status, fills=fact.fills, told_ms=fact.told_ms)
    ended = fact.status in FINAL_STATUSES
    group = _finished(group, news, fact.at_ms) if ended else replace(group, pending=news)
    return _totals(group, (fact, news) if grew else None)


def _revised(group: Group, fact: OrderProgressed) -> Group:
    """Correct an order that has ended: the exchange reported fills after the end."""
    if all(order.client_order_id != fact.client_order_id for order in group.finished):
        raise ValueError(f"group {group.group_id} has no order {fact.client_order_id}")
    return replace(
        group,
        finished=tuple(
            replace(order, status=fact.status, fills=fact.fills)
            if order.client_order_id == fact.client_order_id
            else order
            for order in group.finished
        ),
    )


def _finished(group: Group, order: PendingOrder, at_ms: int) -> Group:
    command, fills = order.command, order.fills
    ended = FinishedOrder(
        client_order_id=command.client_order_id,
        leg=command.leg,
        zone=order.zone,
        status=order.status,
        amount=command.amount,
        fills=fills,
        skipped=order.skipped,
    )
    failures = 0 if fills.amount else group.failures + 1
    done = fills.amount >= command.amount or (command.side == "buy" and not failures)
    return replace(
        group,
        pending=None,
        status="active",
        finished=(*(old for old in group.finished if old.fills.amount), ended),
        failures=failures,
        retry_after_ms=0 if done else at_ms + _retry_ms(order.status, failures),
    )


def _retry_ms(status: OrderStatus, failures: int) -> int:
    if status == "rejected" and failures:
        return int(min(REJECTED_RETRY_MS * 2 ** min(failures - 1, 10), LONGEST_RETRY_MS))
    return UNFILLED_RETRY_MS


def _totals(group: Group, filled: tuple[OrderProgressed, PendingOrder] | None) -> Group:
    orders = [_Order(order.leg, (*order.skipped, order.zone), order.fills) for order in group.finished]
    if group.pending is not None:
        pending = group.pending
        orders.append(_Order(pending.command.leg, (*pending.skipped, pending.zone), pending.fills))
    orders = [order for order in orders if order.fills.amount]
    buys = [order.fills for order in orders if order.leg != "exit"]
    sells = [order.fills for order in orders if order.leg == "exit"]
    zones = tuple(zone for order in orders if order.leg == "add_on" for zone in order.zones)
    group = replace(
        group,
        bought_amount=_sum(fills.amount for fills in buys),
        bought_cost=_sum(fills.cost for fills in buys),
        sold_amount=_sum(fills.amount for fills in sells),
        sold_proceeds=_sum(fills.cost for fills in sells),
        fees_base=_sum(order.fills.fee_base for order in orders),
        fees_quote=_sum(order.fills.fee_quote for order in orders),
        add_ons_done=len(zones),
        zones_used=tuple(sorted(zones)),
    )
    if filled is not None and filled[1].command.side == "buy":
        fact = filled[0]
        group = replace(group, last_fill_price=average(fact.fills.cost, fact.fills.amount), last_fill_ms=fact.at_ms)
    return _prices(group, orders, buys)


def _prices(group: Group, orders: list[_Order], buys: list[Fills]) -> Group:
    """Set the prices that follow from the buys. Sells leave them: what is left is sold at no lower a target."""
    net = group.bought_amount - _sum(fills.fee_base for fills in buys)
    if net <= 0:
        return group
    entry = next((order.fills for order in orders if order.leg == "entry"), None)
    even = break_even(group.bought_cost, _sum(fills.fee_quote for fills in buys), net, group.taker_fee)
    return replace(
        group,
        anchor=average(entry.cost, entry.amount) if entry else group.anchor,
        average=average(group.bought_cost, group.bought_amount),
        break_even=even,
        target=target(even, group.strategy.take_profit_percent),
    )


def rest_after(group: Group, reason: CloseReason) -> int:
    """Return how long the symbol rests after this group, in ms."""
    planned = group.strategy.group_cooldown_ms
    if reason == "dust":
        return max(planned, ENTRY_RETRY_MS)  # no order was sent, so the price that ended it is still there
    if reason != "nothing_filled":
        return planned
    rejected = bool(group.finished) and group.finished[-1].status == "rejected"
    return REJECTED_ENTRY_RETRY_MS if rejected else ENTRY_RETRY_MS


def _sum(values: Iterable[Decimal]) -> Decimal:
    return sum(values, ZERO)
