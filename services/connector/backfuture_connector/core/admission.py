"""May this order leave? Checked before anything is written or sent."""

from decimal import Decimal

from backfuture_common.domain.money import MONEY_CONTEXT, plain, round_down
from backfuture_common.errors import ErrorInfo
from backfuture_common.messages.connections import ConnectionState
from backfuture_common.messages.market import Instrument
from backfuture_common.messages.orders import OrderStatus, PlaceOrder


def admit(
    command: PlaceOrder, connection: ConnectionState | None, instrument: Instrument | None, now_ms: int
) -> tuple[OrderStatus, ErrorInfo] | None:
    """Return None when the order may be sent, else how it ends and why."""
    if now_ms >= command.expires_ms:
        return "expired", ErrorInfo(code="order.expired", message="The order came too late and was not sent.")
    refusal = _connection_refusal(command, connection) or _market_refusal(command, instrument)
    return None if refusal is None else ("rejected", refusal)


def _connection_refusal(command: PlaceOrder, connection: ConnectionState | None) -> ErrorInfo | None:
    if connection is None or connection.owner != command.owner or connection.exchange != command.exchange:
        return ErrorInfo(code="order.connection_unknown", message="The connection does not exist.")
    if not connection.trade_allowed or connection.status != "online":
        return ErrorInfo(
            code="order.connection_not_online",
            message=f"The connection is {connection.status}, not online.",
            hint="Test the connection; orders flow again when it is online.",
            retryable=True,
        )
    return None


def _market_refusal(command: PlaceOrder, instrument: Instrument | None) -> ErrorInfo | None:
    if instrument is None or not instrument.active:
        return ErrorInfo(code="order.market_not_tradable", message=f"{command.symbol} cannot be traded now.")
    amount, price = command.amount, command.limit_price
    if amount <= 0 or price <= 0 or not _on_step(amount, instrument.amount_step):
        return _off("amount", amount, instrument.amount_step)
    if not _on_step(price, instrument.price_step):
        return _off("price", price, instrument.price_step)
    if amount < instrument.amount_min or MONEY_CONTEXT.multiply(amount, price) < instrument.cost_min:
        minimum = f"{plain(instrument.amount_min)} or {plain(instrument.cost_min)} {instrument.quote}"
        return ErrorInfo(code="order.below_minimum", message=f"The order is below the exchange's minimum of {minimum}.")
    return None


def _on_step(value: Decimal, step: Decimal) -> bool:
    return round_down(value, step) == value


def _off(what: str, value: Decimal, step: Decimal) -> ErrorInfo:
    message = f"The {what} {plain(value)} is not a positive multiple of {plain(step)}."
    return ErrorInfo(code="order.off_step", message=message)
