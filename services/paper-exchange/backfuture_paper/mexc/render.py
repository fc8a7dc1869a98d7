"""The exchange's values in MEXC's words."""

from decimal import Decimal

from backfuture_common.domain.money import ZERO, divide, plain

from backfuture_paper.core.book import Level
from backfuture_paper.core.candles import Bar
from backfuture_paper.core.exact import multiply
from backfuture_paper.core.instruments import Instrument, VenueRules
from backfuture_paper.core.ledger import Balance
from backfuture_paper.core.orders import Fill, Order, OrderRequest
from backfuture_paper.core.refusals import ExchangeRefusal
from backfuture_paper.core.trades import PublicTrade
from backfuture_paper.web.call import Json
from backfuture_paper.web.view import VenueView

_DIGITS = 8
_ORDER_TYPES = ["LIMIT", "MARKET", "LIMIT_MAKER", "IMMEDIATE_OR_CANCEL", "FILL_OR_KILL"]


def market_id(symbol: str) -> str:
    return symbol.replace("/", "")


def symbol_of(market: str, rules: VenueRules) -> str:
    """Return the symbol of a market's name. ExchangeRefusal for an unknown one."""
    for symbol in rules.instruments:
        if market_id(symbol) == market:
            return symbol
    raise ExchangeRefusal("unknown_symbol", market)


def short(value: Decimal) -> str:
    """Write a number that is no money of anybody: statistics, to eight digits."""
    return plain(round(value, _DIGITS))


def digits(step: Decimal) -> int:
    """Return how many decimals a step such as 0.01 has."""
    return max(0, -int(step.normalize().as_tuple().exponent))


def levels(side: list[Level]) -> list[Json]:
    return [[plain(level.price), plain(level.amount)] for level in side]


def instrument(market: Instrument, rules: VenueRules) -> dict[str, Json]:
    return {
        "symbol": market_id(market.symbol),
        "status": "1",
        "baseAsset": market.base,
        "baseAssetPrecision": digits(market.amount_step),
        "quoteAsset": market.quote,
        "quotePrecision": digits(market.price_step),
        "quoteAssetPrecision": digits(market.price_step),
        "baseCommissionPrecision": digits(market.amount_step),
        "quoteCommissionPrecision": digits(market.price_step),
        "orderTypes": [*_ORDER_TYPES],
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "quoteAmountPrecision": plain(market.cost_min),
        "baseSizePrecision": plain(market.amount_min),
        "permissions": ["SPOT"],
        "filters": [],
        "maxQuoteAmount": "4000000",
        "makerCommission": plain(rules.maker_fee),
        "takerCommission": plain(rules.taker_fee),
        "quoteAmountPrecisionMarket": plain(market.cost_min),
        "maxQuoteAmountMarket": "4000000",
        "fullName": market.base,
        "tradeSideType": 1,
        "st": False,
    }


def coin(name: str) -> dict[str, Json]:
    return {
        "coin": name,
        "name": name,
        "networkList": [
            {
                "coin": name,
                "name": name,
                "network": name,
                "netWork": name,
                "depositEnable": True,
                "withdrawEnable": True,
                "withdrawFee": "1",
                "withdrawMax": "1000000",
                "withdrawMin": "1",
                "contract": "",
                "minConfirm": 1,
                "sameAddress": False,
                "withdrawTips": None,
                "depositTips": None,
            }
        ],
    }


def ticker(symbol: str, view: VenueView, at_ms: int) -> dict[str, Json] | None:
    """Return 24 hours of a market with its best bid and ask, None before its first price."""
    best, day = view.best(symbol), view.day(symbol)
    if best is None or day is None:
        return None
    bid, ask = best
    change = day.close - day.open
    return {
        "symbol": market_id(symbol),
        "priceChange": plain(change),
        "priceChangePercent": short(divide(change, day.open)),
        "prevClosePrice": plain(day.open),
        "lastPrice": plain(day.close),
        "bidPrice": plain(bid.price),
        "bidQty": plain(bid.amount),
        "askPrice": plain(ask.price),
        "askQty": plain(ask.amount),
        "openPrice": plain(day.open),
        "highPrice": plain(day.high),
        "lowPrice": plain(day.low),
        "volume": plain(day.volume),
        "quoteVolume": short(day.turnover),
        "openTime": day.start_ms,
        "closeTime": at_ms,
        "count": None,
    }


def candle(bar: Bar, interval_ms: int) -> list[Json]:
    prices = [short(value) for value in (bar.open, bar.high, bar.low, bar.close, bar.volume)]
    return [bar.start_ms, *prices, bar.start_ms + interval_ms, short(bar.turnover)]


def public_trade(trade: PublicTrade) -> dict[str, Json]:
    return {
        "a": None,
        "f": None,
        "l": None,
        "p": plain(trade.price),
        "q": plain(trade.amount),
        "T": trade.at_ms,
        "m": trade.side == "sell",
        "M": True,
    }


def balance(name: str, held: Balance) -> dict[str, Json]:
    return {"asset": name, "free": plain(held.free), "locked": plain(held.held), "available": plain(held.free)}


def order_type(request: OrderRequest) -> str:
    if request.kind == "market":
        return "MARKET"
    if request.post_only:
        return "LIMIT_MAKER"
    return {"GTC": "LIMIT", "IOC": "IMMEDIATE_OR_CANCEL", "FOK": "FILL_OR_KILL"}[request.time_in_force]


def status(order: Order) -> str:
    if order.status == "filled":
        return "FILLED"
    if order.active:
        return "PARTIALLY_FILLED" if order.filled else "NEW"
    return "PARTIALLY_CANCELED" if order.filled else "CANCELED"


def wanted(order: Order) -> Decimal:
    """Return the ordered amount; of an order by cost what it got."""
    return order.request.amount if order.request.amount is not None else order.filled


def ordered_cost(order: Order) -> Decimal:
    """Return the ordered amount in quote."""
    request = order.request
    if request.cost is not None:
        return request.cost
    return multiply(request.price, wanted(order)) if request.price is not None else order.filled_cost


def accepted(order: Order) -> dict[str, Json]:
    """Return the answer to a new order: no status, no client order id."""
    return {
        "symbol": market_id(order.symbol),
        "orderId": order.id,
        "orderListId": -1,
        "price": plain(order.request.price or ZERO),
        "origQty": plain(wanted(order)),
        "type": order_type(order.request),
        "side": order.request.side.upper(),
        "transactTime": order.created_ms,
    }


def order(given: Order) -> dict[str, Json]:
    return {
        "symbol": market_id(given.symbol),
        "orderId": given.id,
        "orderListId": -1,
        "clientOrderId": given.request.client_id or None,
        "price": plain(given.request.price or ZERO),
        "origQty": plain(wanted(given)),
        "executedQty": plain(given.filled),
        "cummulativeQuoteQty": plain(given.filled_cost),
        "status": status(given),
        "timeInForce": None,
        "type": order_type(given.request),
        "side": given.request.side.upper(),
        "stopPrice": None,
        "icebergQty": None,
        "time": given.created_ms,
        "updateTime": given.updated_ms,
        "isWorking": True,
        "origQuoteOrderQty": plain(ordered_cost(given)),
    }


def fill(given: Fill) -> dict[str, Json]:
    return {
        "symbol": market_id(given.symbol),
        "id": trade_id(given),
        "orderId": given.order_id,
        "orderListId": -1,
        "price": plain(given.price),
        "qty": plain(given.amount),
        "quoteQty": plain(given.cost),
        "commission": plain(given.fee),
        "commissionAsset": given.fee_coin,
        "time": given.at_ms,
        "isBuyer": given.side == "buy",
        "isMaker": given.liquidity == "maker",
        "isBestMatch": True,
        "isSelfTrade": False,
        "clientOrderId": given.client_id or None,
    }


def trade_id(given: Fill) -> str:
    """Return the id by which REST and stream name the same execution."""
    return f"{700_000_000_000_000_000 + given.id}X1"
