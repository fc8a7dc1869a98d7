"""MEXC's raw answers (spot v3) as facts."""

from decimal import Decimal

from backfuture_common.domain.ids import ExchangeId, Symbol
from backfuture_common.domain.money import MONEY_CONTEXT, ONE, ZERO, parse_decimal
from backfuture_common.messages.connections import Balance
from backfuture_common.messages.market import Instrument
from backfuture_common.messages.orders import Side

from backfuture_connector.core import raw as read
from backfuture_connector.core.facts import FeeFact, OrderFact, OrderState, Top, TradeFact
from backfuture_connector.core.raw import MalformedError, Raw

USUAL_FEE = "0.001"
MAX_DIGITS = 30
_STATES: dict[str, OrderState] = {
    "NEW": "open",
    "PARTIALLY_FILLED": "open",
    "FILLED": "filled",
    "CANCELED": "canceled",
    "PARTIALLY_CANCELED": "canceled",
}
_SIDES: dict[str, Side] = {"BUY": "buy", "SELL": "sell"}


def order(raw: Raw, symbol: Symbol, market_id: str) -> OrderFact:
    """Return one order; ``symbol`` and ``market_id`` are what was asked about."""
    read.require_same(raw, "symbol", market_id)
    state, side = _STATES.get(read.text(raw, "status")), _SIDES.get(read.text(raw, "side"))
    if state is None or side is None:
        raise MalformedError("status or side is not a known word")
    return OrderFact(
        exchange_order_id=read.text(raw, "orderId"),
        client_order_id=read.optional_text(raw, "clientOrderId"),
        symbol=symbol,
        side=side,
        amount=read.number(raw, "origQty"),
        price=read.number(raw, "price"),
        state=state,
        filled=read.number(raw, "executedQty"),
        cost=read.number(raw, "cummulativeQuoteQty"),
        fee=None,
        placed_ms=read.time_ms(raw, "time"),
    )


def trade(raw: Raw) -> TradeFact:
    """Return one fill of ``myTrades``."""
    price, quantity = read.number(raw, "price"), read.number(raw, "qty")
    cost, fee = read.optional_number(raw, "quoteQty"), read.optional_number(raw, "commission")
    currency = read.optional_text(raw, "commissionAsset")
    return TradeFact(
        trade_id=read.text(raw, "id"),
        exchange_order_id=read.text(raw, "orderId"),
        client_order_id=read.optional_text(raw, "clientOrderId"),
        side="buy" if read.flag(raw, "isBuyer") else "sell",
        price=price,
        amount=quantity,
        cost=MONEY_CONTEXT.multiply(price, quantity) if cost is None else cost,
        fee=None if fee is None or currency is None else FeeFact(currency=currency, amount=fee),
        at_ms=read.time_ms(raw, "time"),
    )


def balances(answer: Raw) -> tuple[Balance, ...]:
    """Return the non-zero balances of the spot account."""
    found = []
    for item in read.items(answer.get("balances"), "balances"):
        asset = read.fields(item, "balance")
        free, held = read.number(asset, "free"), read.number(asset, "locked")
        if free or held:
            found.append(Balance(currency=read.text(asset, "asset"), free=free, held=held))
    return tuple(sorted(found, key=lambda balance: balance.currency))


def instrument(
    raw: Raw, exchange: ExchangeId, symbol: Symbol, fees: tuple[str | None, str | None], now_ms: int
) -> Instrument:
    """Return one market of ``exchangeInfo``. The amount's digits may be too fine: the coarser step counts."""
    base, quote = symbol.split("/", 1)
    taker, maker = (parse_decimal(fee or USUAL_FEE) for fee in fees)
    smallest = read.optional_number(raw, "baseSizePrecision") or ZERO
    amount_step = max(_step(raw, "baseAssetPrecision"), smallest)
    return Instrument(
        exchange=exchange,
        symbol=symbol,
        base=base,
        quote=quote,
        market="spot",
        price_step=_step(raw, "quoteAssetPrecision"),
        amount_step=amount_step,
        amount_min=max(smallest, amount_step),
        cost_min=read.optional_number(raw, "quoteAmountPrecision") or ZERO,
        taker_fee=taker,
        maker_fee=maker,
        active=read.text(raw, "status") == "1" and read.flag(raw, "isSpotTradingAllowed"),
        updated_ms=now_ms,
    )


def top(message: Raw) -> tuple[str, Top] | None:
    """Return market id and best prices of a ``bookTicker`` push, None when one side of the book is empty."""
    data = read.fields(message.get("publicAggreBookTicker"), "publicAggreBookTicker")
    bid, ask = read.optional_number(data, "bidPrice"), read.optional_number(data, "askPrice")
    if not bid or not ask or bid > ask:
        return None
    return read.text(message, "symbol"), Top(bid, ask, read.time_ms(message, "sendTime"))


def order_hint(message: Raw) -> str | None:
    """Return the client order id a private push is about."""
    data = message.get("privateOrders") or message.get("privateDeals")
    body = read.fields(data, "privateOrders")
    return read.optional_text(body, "clientId") or read.optional_text(body, "clientOrderId")


def _step(raw: Raw, name: str) -> Decimal:
    digits = read.number(raw, name)
    if not 0 <= digits <= MAX_DIGITS or digits != int(digits):
        raise MalformedError(f"{name} is not a number of digits")
    return ONE.scaleb(-int(digits))
