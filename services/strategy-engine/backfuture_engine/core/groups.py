"""Reading a bot's groups."""

from decimal import Decimal

from backfuture_common.domain.ids import ClientOrderId, GroupId, Symbol
from backfuture_common.messages.bots import BotState, FinishedOrder, Group, PendingOrder, Signal


def by_id(state: BotState, group_id: GroupId) -> Group | None:
    """Return the live group with this id."""
    return next((group for group in state.groups if group.group_id == group_id), None)


def by_symbol(state: BotState, symbol: Symbol) -> Group | None:
    """Return the live group of this symbol; there is at most one."""
    return next((group for group in state.groups if group.symbol == symbol), None)


def left_to_sell(group: Group) -> Decimal:
    """Return the coins the group still holds: bought, less fees taken in coins, less sold. May be below any step."""
    return group.bought_amount - group.fees_base - group.sold_amount


def order_of(group: Group, client_order_id: ClientOrderId) -> PendingOrder | FinishedOrder | None:
    """Return what the group remembers of one of its orders."""
    if group.pending is not None and group.pending.command.client_order_id == client_order_id:
        return group.pending
    return next((order for order in group.finished if order.client_order_id == client_order_id), None)


def rests_until(state: BotState, symbol: Symbol) -> int:
    """Return until when a symbol rests after a group, 0 when it does not."""
    return next((until for resting, until in state.cooldowns if resting == symbol), 0)


def kept_for(state: BotState, symbol: Symbol) -> Signal | None:
    """Return the signal that waits for this symbol."""
    return next((signal for signal in state.signals if signal.symbol == symbol), None)
