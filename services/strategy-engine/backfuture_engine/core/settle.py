"""News of an order: what it says about the order, and whether it ends the group."""

from backfuture_common.domain.money import ZERO, divide, round_down
from backfuture_common.messages.bots import BotState, CloseReason, Group, PendingOrder
from backfuture_common.messages.journal import Context, Fact, GroupClosed, OrderProgressed
from backfuture_common.messages.market import Instrument
from backfuture_common.messages.orders import OrderUpdate

from backfuture_engine.core.evolve import evolve
from backfuture_engine.core.groups import by_id, left_to_sell, order_of
from backfuture_engine.core.orders import IllegalEventError, Known, check, is_news


def settle(state: BotState, update: OrderUpdate, ctx: Context) -> tuple[Fact, ...]:
    """Return the facts that an order update brings; none when it is old or of a group that has ended.

    Raises :class:`IllegalEventError` when it contradicts what the bot knows.
    """
    group = by_id(state, update.group_id)
    if group is None or update.owner != state.spec.owner:
        return ()
    if not _brings_news(state, group, update):
        return ()
    progressed = OrderProgressed(
        client_order_id=update.client_order_id,
        group_id=update.group_id,
        status=update.status,
        fills=update.fills,
        error=update.error,
        at_ms=ctx.now_ms,
        told_ms=update.at_ms,
    )
    after = by_id(evolve(state, progressed), group.group_id)
    return (progressed, *(_ending(after, ctx) if after is not None else ()))


def _brings_news(state: BotState, group: Group, update: OrderUpdate) -> bool:
    order = order_of(group, update.client_order_id)
    if order is None:
        if update.fills.amount:
            raise IllegalEventError(f"order {update.client_order_id} has fills and is none of group {group.group_id}")
        return False
    if isinstance(order, PendingOrder):
        check(update, order.command.side, order.command.amount)
        known = Known(order.status, order.fills, order.told_ms)
    else:
        check(update, "sell" if order.leg == "exit" else "buy", order.amount)
        known = Known(order.status, order.fills)
    answered = all(intent.client_order_id != update.client_order_id for intent in state.unacknowledged)
    return is_news(known, update) or not answered


def _ending(group: Group, ctx: Context) -> tuple[Fact, ...]:
    if group.pending is not None:
        return ()
    if not group.bought_amount:
        return (closing(group, "nothing_filled", ctx.now_ms),)
    if group.sold_amount and _nothing_sellable_left(group, ctx.instrument):
        return (closing(group, ended_by(group), ctx.now_ms),)
    return ()


def _nothing_sellable_left(group: Group, instrument: Instrument | None) -> bool:
    """Say whether the venue would take no further sell order, at about the price of the last ones."""
    left = left_to_sell(group)
    if left <= 0:
        return True
    if instrument is None:
        return False
    sellable = round_down(left, instrument.amount_step)
    worth = sellable * divide(group.sold_proceeds, group.sold_amount)
    return not sellable or sellable < instrument.amount_min or worth < instrument.cost_min


def ended_by(group: Group) -> CloseReason:
    """Return why a group that has sold ends."""
    return "manual" if group.close_requested else "take_profit"


def closing(group: Group, reason: CloseReason, now_ms: int) -> GroupClosed:
    """Return the fact that ends a group, with its result."""
    return GroupClosed(
        group_id=group.group_id,
        reason=reason,
        realised_quote=group.sold_proceeds - group.bought_cost - group.fees_quote,
        dust_base=max(left_to_sell(group), ZERO),
        at_ms=now_ms,
    )
