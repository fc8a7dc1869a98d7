"""The simulated exchange: accounts, and orders that fill at once or end.

Every order of a bot is a limit order that fills now or is canceled, so each of them pays the taker's fee. The book is
deep enough for any of them; what a larger order would pay more is in ``slippage_ppm``.
"""

from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal
from typing import NamedTuple

from backfuture_common.contracts.backtest import Assumptions
from backfuture_common.domain.ids import ConnectionId
from backfuture_common.domain.money import MONEY_CONTEXT, ONE, ZERO
from backfuture_common.errors import ErrorInfo
from backfuture_common.messages.market import Instrument
from backfuture_common.messages.orders import NO_FILLS, Fills, OrderStatus, OrderUpdate, PlaceOrder

from backfuture_engine.backtest.tape import Spot, Tape

_MILLION = 1_000_000


class Moved(NamedTuple):
    """What an order moved, for the books: amounts gained (lost when negative), with the fees taken off."""

    at_ms: int
    symbol: str
    base: Decimal
    quote: Decimal


class Venue:
    """Accounts of several connections, all with the same opening balance of the quote currency."""

    def __init__(self, assumptions: Assumptions, quote: str) -> None:
        self.moves: list[Moved] = []
        self._assumptions = assumptions
        self._quote = quote
        self._free: dict[ConnectionId, dict[str, Decimal]] = defaultdict(self._opened)

    def quote_free(self, connection: ConnectionId) -> Decimal:
        """Return what a connection could spend."""
        return self._free[connection][self._quote]

    def balances(self, connection: ConnectionId) -> Mapping[str, Decimal]:
        """Return what a connection holds, by currency."""
        return self._free[connection]

    def place(self, order: PlaceOrder, tape: Tape, spot: Spot | None, at_ms: int) -> OrderUpdate:
        """Fill the order at this price, as far as its limit allows, or end it. Without a price nothing fills."""
        instrument = tape.instrument
        refusal = self._refusal(order, instrument)
        if refusal is not None:
            return _news(order, "rejected", NO_FILLS, at_ms, refusal)
        price = self._price(order, tape, spot) if spot is not None else None
        if price is None:
            return _news(order, "canceled", NO_FILLS, at_ms)
        fills = self._filled(order, instrument, price)
        self._settle(order, instrument, fills, at_ms)
        return _news(order, "filled", fills, at_ms)

    # ------------------------------------------------------------------ inside

    def _opened(self) -> dict[str, Decimal]:
        return defaultdict(lambda: ZERO, {self._quote: self._assumptions.balance_quote})

    def _price(self, order: PlaceOrder, tape: Tape, spot: Spot) -> Decimal | None:
        """Return what the order trades at; None when its limit forbids it."""
        ppm = self._assumptions.slippage_ppm
        if order.side == "buy":
            price = tape.price(spot.ask - (-spot.ask * ppm) // _MILLION)
            return price if price <= order.limit_price else None
        price = tape.price(max(spot.bid + (-spot.bid * ppm) // _MILLION, 1))
        return price if price >= order.limit_price else None

    def _filled(self, order: PlaceOrder, instrument: Instrument, price: Decimal) -> Fills:
        cost = MONEY_CONTEXT.multiply(order.amount, price)
        in_base = order.side == "buy" and self._assumptions.fee_coin == "received"
        fee = MONEY_CONTEXT.multiply(order.amount if in_base else cost, instrument.taker_fee)
        return Fills(
            amount=order.amount, cost=cost, fee_base=fee if in_base else ZERO, fee_quote=ZERO if in_base else fee
        )

    def _refusal(self, order: PlaceOrder, instrument: Instrument) -> ErrorInfo | None:
        """Say why an exchange would not take the order."""
        cost = MONEY_CONTEXT.multiply(order.amount, order.limit_price)
        if order.amount < instrument.amount_min or cost < instrument.cost_min:
            return ErrorInfo(code="order.too_small", message="The order is below the exchange's minimum.")
        free = self._free[order.connection_id]
        if order.side == "sell":
            short = free[instrument.base] < order.amount
        else:
            in_quote = self._assumptions.fee_coin == "quote"
            factor = ONE + max(instrument.taker_fee, instrument.maker_fee) if in_quote else ONE
            short = free[self._quote] < MONEY_CONTEXT.multiply(cost, factor)
        if not short:
            return None
        return ErrorInfo(code="order.no_money", message="The account does not hold what the order needs.")

    def _settle(self, order: PlaceOrder, instrument: Instrument, fills: Fills, at_ms: int) -> None:
        sign = 1 if order.side == "buy" else -1
        base = sign * fills.amount - fills.fee_base
        quote = -sign * fills.cost - fills.fee_quote
        free = self._free[order.connection_id]
        free[instrument.base] = MONEY_CONTEXT.add(free[instrument.base], base)
        free[self._quote] = MONEY_CONTEXT.add(free[self._quote], quote)
        self.moves.append(Moved(at_ms, order.symbol, base, quote))


def _news(
    order: PlaceOrder, status: OrderStatus, fills: Fills, at_ms: int, error: ErrorInfo | None = None
) -> OrderUpdate:
    return OrderUpdate(
        client_order_id=order.client_order_id,
        connection_id=order.connection_id,
        owner=order.owner,
        bot_id=order.bot_id,
        group_id=order.group_id,
        exchange=order.exchange,
        symbol=order.symbol,
        side=order.side,
        status=status,
        exchange_order_id=None,
        fills=fills,
        error=error,
        at_ms=at_ms,
    )
