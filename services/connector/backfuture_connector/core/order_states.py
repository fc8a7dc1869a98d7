"""The life of an order as one table: which status follows which, on what.

Rows for ended orders exist because venues misbehave: an order appears that was denied, fees come late.
"""

from typing import Literal

import msgspec
from backfuture_common.errors import ErrorInfo, Fatal
from backfuture_common.messages.orders import NO_FILLS, Fills, LedgerEntry, OrderStatus, OrderUpdate, PlaceOrder

Trigger = Literal["sent", "resting", "filled", "canceled", "refused", "expired", "lost", "given_up"]
"""``lost``: the answer does not tell. ``given_up``: nobody could tell for too long."""

TABLE: dict[tuple[OrderStatus, Trigger], OrderStatus] = {
    ("submitting", "sent"): "submitting",
    ("submitting", "resting"): "open",
    ("submitting", "filled"): "filled",
    ("submitting", "canceled"): "canceled",
    ("submitting", "refused"): "rejected",
    ("submitting", "expired"): "expired",
    ("submitting", "lost"): "unknown",
    ("submitting", "given_up"): "needs_operator",
    ("unknown", "sent"): "submitting",
    ("unknown", "resting"): "open",
    ("unknown", "filled"): "filled",
    ("unknown", "canceled"): "canceled",
    ("unknown", "refused"): "rejected",
    ("unknown", "expired"): "expired",
    ("unknown", "lost"): "unknown",
    ("unknown", "given_up"): "needs_operator",
    ("open", "resting"): "open",
    ("open", "filled"): "filled",
    ("open", "canceled"): "canceled",
    ("open", "lost"): "open",  # it exists: a venue that cannot find it now will again
    ("open", "given_up"): "needs_operator",
    # a person was asked; the venue may still come to know. It is never sent again from here.
    ("needs_operator", "resting"): "open",
    ("needs_operator", "filled"): "filled",
    ("needs_operator", "canceled"): "canceled",
    ("needs_operator", "expired"): "expired",
    ("needs_operator", "refused"): "rejected",
    ("needs_operator", "lost"): "needs_operator",
    ("needs_operator", "given_up"): "needs_operator",
    # the venue hid the order for longer than the grace period
    ("expired", "resting"): "open",
    ("expired", "filled"): "filled",
    ("expired", "canceled"): "canceled",
    ("rejected", "resting"): "open",
    ("rejected", "filled"): "filled",
    ("rejected", "canceled"): "canceled",
    # late fills and fees of ended orders
    ("filled", "filled"): "filled",
    ("filled", "canceled"): "filled",
    ("canceled", "canceled"): "canceled",
    ("canceled", "filled"): "filled",
}


def first_entry(
    command: PlaceOrder, status: OrderStatus, now_ms: int, *, error: ErrorInfo | None = None, submitted: bool = False
) -> LedgerEntry:
    """Return the ledger's first entry of an order: ``submitting``, or its end when it was not let through."""
    update = OrderUpdate(
        client_order_id=command.client_order_id,
        connection_id=command.connection_id,
        owner=command.owner,
        bot_id=command.bot_id,
        group_id=command.group_id,
        exchange=command.exchange,
        symbol=command.symbol,
        side=command.side,
        status=status,
        exchange_order_id=None,
        fills=NO_FILLS,
        error=error,
        at_ms=now_ms,
    )
    return LedgerEntry(
        command=command, update=update, cancel_requested=False, submitted_ms=now_ms if submitted else None
    )


def advance(
    entry: LedgerEntry,
    trigger: Trigger,
    now_ms: int,
    *,
    exchange_order_id: str | None = None,
    fills: Fills | None = None,
    error: ErrorInfo | None = None,
    fees_known: bool | None = None,
) -> LedgerEntry:
    """Return the entry after ``trigger``; what is not given stays. Raises :class:`Fatal` for an unknown move."""
    old = entry.update
    status = TABLE.get((old.status, trigger))
    if status is None:
        raise Fatal("order.transition", f"an order that is {old.status} cannot be {trigger}")
    update = msgspec.structs.replace(
        old,
        status=status,
        exchange_order_id=exchange_order_id or old.exchange_order_id,
        fills=old.fills if fills is None else fills,
        error=error,
        at_ms=max(now_ms, old.at_ms),
    )
    submitted_ms = now_ms if trigger == "sent" else entry.submitted_ms
    return msgspec.structs.replace(
        entry,
        update=update,
        submitted_ms=submitted_ms,
        fees_known=entry.fees_known if fees_known is None else fees_known,
    )


def with_cancel_requested(entry: LedgerEntry) -> LedgerEntry:
    """Return the entry marked: its rest is to be cancelled, and it is not sent again."""
    return msgspec.structs.replace(entry, cancel_requested=True)
