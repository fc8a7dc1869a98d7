"""Does the venue know the order? Three questions asked, one finding concluded.

An order counts as absent only when all three answers came and none shows it or anything that could be it.
"""

from collections.abc import Collection
from dataclasses import dataclass

from backfuture_common.messages.orders import LedgerEntry, PlaceOrder

from backfuture_connector.core.facts import OrderFact, TradeFact

CLOCK_TOLERANCE_MS = 10_000
"""How far a venue's clock may be from ours in "placed after we sent": generous, it only makes us careful."""


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """A question that got no usable answer."""

    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Answers about one order. ``by_id`` None: the venue denies the id. ``asked_ms``: when the first was asked."""

    by_id: OrderFact | NoAnswer | None
    open_orders: tuple[OrderFact, ...] | NoAnswer
    trades: tuple[TradeFact, ...] | NoAnswer
    asked_ms: int


@dataclass(frozen=True, slots=True)
class Found:
    order: OrderFact


@dataclass(frozen=True, slots=True)
class Absent:
    """All three sources answered, none knows of it."""


@dataclass(frozen=True, slots=True)
class Suspect:
    """Something unexplained could be it: it must neither be adopted nor sent again."""

    why: str


@dataclass(frozen=True, slots=True)
class Unclear:
    why: str


Finding = Found | Absent | Suspect | Unclear


def conclude(entry: LedgerEntry, evidence: Evidence, explained: Collection[str]) -> Finding:
    """Return what the answers say. ``explained``: the venue's ids of orders the ledger knows under other names."""
    command = entry.command
    by_id = evidence.by_id
    if isinstance(by_id, OrderFact):
        return Found(by_id) if _is_ours(by_id, command) else Unclear("the venue answered with another order")
    listed = evidence.open_orders if isinstance(evidence.open_orders, tuple) else ()
    for order in listed:
        if order.client_order_id == command.client_order_id and _is_ours(order, command):
            return Found(order)
    for answer in (by_id, evidence.open_orders, evidence.trades):
        if isinstance(answer, NoAnswer):
            return Unclear(answer.why)
    trades = evidence.trades if isinstance(evidence.trades, tuple) else ()
    since_ms = (entry.submitted_ms or command.issued_ms) - CLOCK_TOLERANCE_MS
    return _suspicion(command, listed, trades, explained, since_ms) or Absent()


def _is_ours(order: OrderFact, command: PlaceOrder) -> bool:
    same_id = order.client_order_id is None or order.client_order_id == command.client_order_id
    return same_id and order.symbol == command.symbol and order.side == command.side


def _suspicion(
    command: PlaceOrder,
    listed: tuple[OrderFact, ...],
    trades: tuple[TradeFact, ...],
    explained: Collection[str],
    since_ms: int,
) -> Suspect | None:
    for order in listed:
        nameless = order.client_order_id is None and order.exchange_order_id not in explained
        alike = order.side == command.side and (order.amount, order.price) == (command.amount, command.limit_price)
        if nameless and alike and (order.placed_ms is None or order.placed_ms >= since_ms):
            return Suspect(f"open order {order.exchange_order_id} looks like it")
    for trade in trades:
        nameless = trade.client_order_id is None and trade.exchange_order_id not in explained
        within = trade.price <= command.limit_price if command.side == "buy" else trade.price >= command.limit_price
        if trade.client_order_id == command.client_order_id:
            return Suspect(f"trade {trade.trade_id} bears its id")
        if nameless and trade.side == command.side and within and trade.at_ms >= since_ms:
            return Suspect(f"trade {trade.trade_id} could be of it")
    return None
