"""The life of an order as the engine sees it: one table of what may follow what.

Updates are cumulative, so most disorder is harmless: an old update is ignored, a lost one is contained in the next.
What is neither news nor old contradicts what is known, and stops the bot.
"""

from decimal import Decimal
from typing import NamedTuple, get_args

from backfuture_common.messages.orders import FINAL_STATUSES, Fills, OrderStatus, OrderUpdate, Side


class IllegalEventError(ValueError):
    """An event that cannot happen to this bot; it stops the bot and nothing else."""


_ENDED = FINAL_STATUSES
_ANY = frozenset[OrderStatus](get_args(OrderStatus))

FOLLOWS: dict[OrderStatus, frozenset[OrderStatus]] = {
    "submitting": frozenset({"open", "unknown", "needs_operator", *_ENDED}),
    "open": frozenset({"unknown", "needs_operator", "filled", "canceled", "rejected"}),
    # Asking has helped: the exchange knows the order, or denies it and the connector sends it again.
    "unknown": frozenset({"submitting", "open", "needs_operator", *_ENDED}),
    # A person has decided, or the exchange can tell again.
    "needs_operator": frozenset({"open", "unknown", *_ENDED}),
    # An ended order stays ended.
    "filled": frozenset(),
    "canceled": frozenset(),
    "rejected": frozenset(),
    "expired": frozenset(),
}
"""What a status may turn into."""

LATE: dict[OrderStatus, frozenset[OrderStatus]] = {
    "submitting": frozenset(),
    "open": frozenset({"submitting"}),
    "unknown": frozenset(),
    "needs_operator": frozenset({"submitting"}),
    # Whatever was said before the end may arrive after it, and two sources may name one end differently.
    "filled": _ANY,
    "canceled": _ANY,
    "rejected": _ANY,
    "expired": _ANY,
}
"""Statuses that are old news after the given one: ignored when they bring no further fills."""

REVISES: dict[OrderStatus, frozenset[OrderStatus]] = {
    # Exchanges report fills after they reported the end.
    "filled": frozenset({"filled"}),
    "canceled": frozenset({"canceled", "filled"}),
    "rejected": frozenset({"canceled", "filled"}),
    "expired": frozenset({"canceled", "filled"}),
}
"""Ends that may replace an end, when they bring further fills: money that moved counts, whatever was said before."""


class Known(NamedTuple):
    """What is known of an order."""

    status: OrderStatus
    fills: Fills
    told_ms: int = 0


def is_news(known: Known, update: OrderUpdate) -> bool:
    """Say whether the update adds to what is known; False: it is old or a repetition.

    Raises :class:`IllegalEventError` when it contradicts what is known.
    """
    told, had = _money(update.fills), _money(known.fills)
    if told < had:
        if update.status in FOLLOWS[known.status] and update.status in FINAL_STATUSES:
            raise IllegalEventError(f"order {update.client_order_id} ended {update.status}, fewer filled than before")
        return False
    if update.status == known.status:
        return told > had or _fees(update.fills) > _fees(known.fills)
    if told == had and update.at_ms < known.told_ms and update.status not in FINAL_STATUSES:
        return False
    if update.status in FOLLOWS[known.status] or (told > had and update.status in REVISES.get(known.status, ())):
        return True
    if told == had and update.status in LATE[known.status]:
        return False
    raise IllegalEventError(f"order {update.client_order_id} went from {known.status} to {update.status}")


def check(update: OrderUpdate, side: Side, amount: Decimal) -> None:
    """Raise :class:`IllegalEventError` unless the update could belong to an order of this side and amount."""
    fills = update.fills
    if update.side != side:
        raise IllegalEventError(f"order {update.client_order_id} is a {side} order, the update says {update.side}")
    if fills.amount > amount:
        raise IllegalEventError(f"order {update.client_order_id} is of {amount}, the update has {fills.amount} filled")
    if min(fills.amount, fills.cost) < 0 or (fills.amount == 0) != (fills.cost == 0):
        raise IllegalEventError(f"order {update.client_order_id} has filled {fills.amount} for {fills.cost}")


def _money(fills: Fills) -> tuple[Decimal, Decimal]:
    """Return what only grows: compared, it tells the newer of two cumulative updates."""
    return (fills.amount, fills.cost)


def _fees(fills: Fills) -> tuple[Decimal, Decimal]:
    """Return what some exchanges tell later than the fills they belong to."""
    return (fills.fee_base, fills.fee_quote)
