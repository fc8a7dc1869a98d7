"""Orders: what the engine wants and what the exchange made of it."""

from decimal import Decimal
from typing import Literal

from backfuture_common.domain.ids import (
    BotId,
    ClientOrderId,
    ConnectionId,
    DecisionId,
    ExchangeId,
    GroupId,
    Symbol,
    UserId,
)
from backfuture_common.errors import ErrorInfo
from backfuture_common.messages.codec import Message, Part

Side = Literal["buy", "sell"]
Leg = Literal["entry", "add_on", "exit"]
OrderKind = Literal["limit_ioc"]
"""``limit_ioc``: fill at ``limit_price`` or better now, cancel the rest. Never pays more than decided."""

OrderStatus = Literal["submitting", "open", "filled", "canceled", "rejected", "expired", "unknown", "needs_operator"]
"""``submitting``: handed to the exchange, no answer yet. ``open``: resting there, perhaps partly filled.
``canceled``: ended with less than the whole filled. ``rejected``: the exchange (or a check before it) refused, nothing
filled. ``expired``: never sent, the command was too old. ``unknown``: being found out. ``needs_operator``: the exchange
cannot tell; a person decides."""

FINAL_STATUSES: frozenset[OrderStatus] = frozenset({"filled", "canceled", "rejected", "expired"})


class PlaceOrder(Message, tag="order.place.v1"):
    """Intent of one order. Sent at most once to the exchange under ``client_order_id``, whatever crashes.

    ``amount`` in base and ``limit_price`` in quote already obey the instrument's steps. Not to be sent for the first
    time after ``expires_ms``.
    """

    client_order_id: ClientOrderId
    connection_id: ConnectionId
    owner: UserId
    bot_id: BotId
    group_id: GroupId
    decision_id: DecisionId
    exchange: ExchangeId
    symbol: Symbol
    side: Side
    leg: Leg
    kind: OrderKind
    amount: Decimal
    limit_price: Decimal
    issued_ms: int
    expires_ms: int


class CancelOrder(Message, tag="order.cancel.v1"):
    """Intent to cancel; harmless when the order has already ended. The answer is an :class:`OrderUpdate`."""

    client_order_id: ClientOrderId
    connection_id: ConnectionId
    owner: UserId
    bot_id: BotId
    group_id: GroupId
    exchange: ExchangeId
    symbol: Symbol
    issued_ms: int


OrderCommand = PlaceOrder | CancelOrder


class Fills(Part):
    """All fills of one order so far, cumulative: applying an old one changes nothing.

    ``amount`` in base and ``cost`` in quote are gross; fees are given in the currency they were taken in:
    ``fee_base`` and ``fee_quote``, anything else (a venue's own coin) in ``fee_other`` with its currency.
    """

    amount: Decimal
    cost: Decimal
    fee_base: Decimal
    fee_quote: Decimal
    fee_other: tuple[tuple[str, Decimal], ...] = ()


NO_FILLS = Fills(amount=Decimal(0), cost=Decimal(0), fee_base=Decimal(0), fee_quote=Decimal(0))


class OrderUpdate(Message, tag="order.update.v1"):
    """What is known of an order now. Cumulative, so a lost, repeated or late update heals or changes nothing."""

    client_order_id: ClientOrderId
    connection_id: ConnectionId
    owner: UserId
    bot_id: BotId
    group_id: GroupId
    exchange: ExchangeId
    symbol: Symbol
    side: Side
    status: OrderStatus
    exchange_order_id: str | None
    fills: Fills
    error: ErrorInfo | None
    at_ms: int


class LedgerEntry(Message, tag="order.ledger.v1"):
    """The connector's own memory of one order, written before the exchange is called and after it answered.

    ``fees_known`` is false while the venue has not told all fees of an ended order: it is asked again.
    """

    command: PlaceOrder
    update: OrderUpdate
    cancel_requested: bool
    submitted_ms: int | None
    fees_known: bool = True
