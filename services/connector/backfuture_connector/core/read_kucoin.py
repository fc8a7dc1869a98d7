"""KuCoin's raw answers (high-frequency spot) as facts."""

from decimal import Decimal

from backfuture_common.domain.ids import ExchangeId, Symbol
from backfuture_common.domain.money import MONEY_CONTEXT, ONE, ZERO, parse_decimal
from backfuture_common.messages.connections import Balance
from backfuture_common.messages.market import Instrument
from backfuture_common.messages.orders import Side

from backfuture_connector.core import raw as read
from backfuture_connector.core.facts import FeeFact, OrderFact, OrderState, Top, TradeFact
from backfuture_connector.core.raw import MalformedError, Raw

TRADING_ACCOUNTS = frozenset({"trade_hf", "trade"})
USUAL_FEE = "0.001"


def order(raw: Raw, symbol: Symbol, market_id: str) -> OrderFact:
    """Return one order of ``hf/orders``; ``symbol`` and ``market_id`` are what was asked about."""
    read.require_same(raw, "symbol", market_id)
    size, dealt = read.number(raw, "size"), read.number(raw, "dealSize")
    return OrderFact(
        exchange_order_id=read.text(raw, "id"),
        client_order_id=read.optional_text(raw, "clientOid"),
        symbol=symbol,
        side=_side(raw),
        amount=size,
        price=read.number(raw, "price"),
        state=_state(raw, size, dealt),
        filled=dealt,
        cost=read.number(raw, "dealFunds"),
        fee=_fee(raw),
        placed_ms=read.time_ms(raw, "createdAt"),
    )


def trade(raw: Raw) -> TradeFact:
    """Return one fill of ``hf/fills``."""
    price, size = read.number(raw, "price"), read.number(raw, "size")
    funds = read.optional_number(raw, "funds")
    return TradeFact(
        trade_id=read.text(raw, "tradeId"),
        exchange_order_id=read.text(raw, "orderId"),
        client_order_id=None,
        side=_side(raw),
        price=price,
        amount=size,
        cost=MONEY_CONTEXT.multiply(price, size) if funds is None else funds,
        fee=_fee(raw),
        at_ms=read.time_ms(raw, "createdAt"),
    )


def balances(answer: Raw) -> tuple[Balance, ...]:
    """Return the non-zero balances of the trading account."""
    found = []
    for item in read.items(answer.get("data"), "data"):
        account = read.fields(item, "account")
        if read.text(account, "type") in TRADING_ACCOUNTS:
            free, held = read.number(account, "available"), read.number(account, "holds")
            if free or held:
                found.append(Balance(currency=read.text(account, "currency"), free=free, held=held))
    return tuple(sorted(found, key=lambda balance: balance.currency))


def instrument(
    raw: Raw, exchange: ExchangeId, symbol: Symbol, fees: tuple[str | None, str | None], now_ms: int
) -> Instrument:
    """Return one market of ``/api/v2/symbols``; ``fees`` are taker and maker as the tickers told them."""
    base, quote = symbol.split("/", 1)
    taker, maker = (parse_decimal(fee or USUAL_FEE) for fee in fees)
    cost_min = max(read.optional_number(raw, "quoteMinSize") or ZERO, read.optional_number(raw, "minFunds") or ZERO)
    return Instrument(
        exchange=exchange,
        symbol=symbol,
        base=base,
        quote=quote,
        market="spot",
        price_step=_positive(read.number(raw, "priceIncrement")),
        amount_step=_positive(read.number(raw, "baseIncrement")),
        amount_min=read.number(raw, "baseMinSize"),
        cost_min=cost_min,
        taker_fee=taker,
        maker_fee=maker,
        active=read.flag(raw, "enableTrading"),
        updated_ms=now_ms,
    )


def top(message: Raw) -> tuple[str, Top] | None:
    """Return market id and best prices of a ``/market/ticker`` push, None when one side of the book is empty."""
    data = read.fields(message.get("data"), "data")
    market = read.text(message, "topic").rpartition(":")[2]
    bid, ask = read.optional_number(data, "bestBid"), read.optional_number(data, "bestAsk")
    if not bid or not ask or bid > ask:
        return None
    return market, Top(bid, ask, read.time_ms(data, "time"))


def order_hint(message: Raw) -> str | None:
    """Return the client order id a private push is about."""
    return read.optional_text(read.fields(message.get("data"), "data"), "clientOid")


def _side(raw: Raw) -> Side:
    side = read.text(raw, "side").lower()
    if side == "buy":
        return "buy"
    if side == "sell":
        return "sell"
    raise MalformedError("side is neither buy nor sell")


def _state(raw: Raw, size: Decimal, dealt: Decimal) -> OrderState:
    if read.flag(raw, "active", "isActive"):
        return "open"
    return "filled" if size > 0 and dealt >= size else "canceled"


def _fee(raw: Raw) -> FeeFact | None:
    amount, currency = read.optional_number(raw, "fee"), read.optional_text(raw, "feeCurrency")
    return None if amount is None or currency is None else FeeFact(currency=currency, amount=amount)


def _positive(step: Decimal) -> Decimal:
    if step <= 0 or step > ONE * 10**12:
        raise MalformedError("a step is not positive")
    return step
