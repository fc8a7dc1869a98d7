"""Cumulative fills of one order, summed from what the venue told of it."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from functools import reduce

from backfuture_common.domain.ids import Symbol
from backfuture_common.domain.money import MONEY_CONTEXT, ZERO
from backfuture_common.messages.orders import Fills

from backfuture_connector.core.facts import FeeFact, OrderFact, TradeFact


@dataclass(frozen=True, slots=True)
class FillsRead:
    """Fills as far as they are known; ``complete`` when the fees cover all that is filled."""

    fills: Fills
    complete: bool


def read_fills(order: OrderFact, trades: Iterable[TradeFact]) -> FillsRead:
    """Return the order's fills. Its trades are preferred: they carry each fee with its currency.

    Trades that are ahead of the order's own answer count (the answer is the older one). While they lag behind, amount
    and cost come from the order, the fee too when the order tells its total.
    """
    own = {trade.trade_id: trade for trade in trades if trade.exchange_order_id == order.exchange_order_id}
    traded = _sum(trade.amount for trade in own.values())
    if traded >= order.filled:
        cost = _sum(trade.cost for trade in own.values())
        fees = [trade.fee for trade in own.values() if trade.fee is not None]
        return FillsRead(_fills(order.symbol, traded, cost, fees), complete=True)
    if order.fee is not None:
        return FillsRead(_fills(order.symbol, order.filled, order.cost, [order.fee]), complete=True)
    fees = [trade.fee for trade in own.values() if trade.fee is not None]
    return FillsRead(_fills(order.symbol, order.filled, order.cost, fees), complete=False)


def newer(old: Fills, read: FillsRead) -> Fills:
    """Return the better of the known fills and a new reading: cumulative amounts never shrink."""
    if read.fills.amount > old.amount:
        return read.fills
    if read.fills.amount == old.amount and read.complete:
        return read.fills
    return old


def _fills(symbol: Symbol, amount: Decimal, cost: Decimal, fees: Iterable[FeeFact]) -> Fills:
    base, quote = symbol.split("/", 1)
    by_currency: dict[str, Decimal] = {}
    for fee in fees:
        by_currency[fee.currency] = MONEY_CONTEXT.add(by_currency.get(fee.currency, ZERO), fee.amount)
    return Fills(
        amount=amount,
        cost=cost,
        fee_base=by_currency.pop(base, ZERO),
        fee_quote=by_currency.pop(quote, ZERO),
        fee_other=tuple(sorted((currency, fee) for currency, fee in by_currency.items() if fee)),
    )


def _sum(values: Iterable[Decimal]) -> Decimal:
    return reduce(MONEY_CONTEXT.add, values, ZERO)
