"""The exchange's values in KuCoin's words."""

from decimal import Decimal

from backfuture_common.domain.money import ZERO, divide, plain

from backfuture_paper.core.book import Level
from backfuture_paper.core.candles import Bar
from backfuture_paper.core.instruments import Instrument
from backfuture_paper.core.ledger import Balance
from backfuture_paper.core.orders import Fill, Order
from backfuture_paper.core.trades import PublicTrade
from backfuture_paper.web.call import Json
from backfuture_paper.web.view import VenueView

_DIGITS = 8


def market_id(symbol: str) -> str:
    return symbol.replace("/", "-")


def symbol_of(market: str) -> str:
    return market.replace("-", "/")


def money(value: Decimal | None) -> str:
    return plain(value or ZERO)


def short(value: Decimal) -> str:
    """Write a number that is no money of anybody: statistics, to eight digits."""
    return plain(round(value, _DIGITS))


def levels(side: list[Level]) -> list[Json]:
    return [[plain(level.price), plain(level.amount)] for level in side]


def instrument(market: Instrument) -> dict[str, Json]:
    name = market_id(market.symbol)
    return {
        "symbol": name,
        "name": name,
        "baseCurrency": market.base,
        "quoteCurrency": market.quote,
        "feeCurrency": market.quote,
        "market": market.quote,
        "baseMinSize": plain(market.amount_min),
        "quoteMinSize": "0.01",
        "baseMaxSize": plain(market.amount_max),
        "quoteMaxSize": "99999999",
        "baseIncrement": plain(market.amount_step),
        "quoteIncrement": "0.00001",
        "priceIncrement": plain(market.price_step),
        "priceLimitRate": "0.1",
        "minFunds": plain(market.cost_min),
        "isMarginEnabled": False,
        "enableTrading": True,
        "feeCategory": 1,
        "makerFeeCoefficient": "1.00",
        "takerFeeCoefficient": "1.00",
        "st": False,
    }


def currency(coin: str) -> dict[str, Json]:
    return {
        "currency": coin,
        "name": coin,
        "fullName": coin,
        "precision": 8,
        "confirms": None,
        "contractAddress": None,
        "isMarginEnabled": False,
        "isDebitEnabled": False,
        "chains": [
            {
                "chainName": coin,
                "chainId": coin.lower(),
                "withdrawalMinSize": "1",
                "depositMinSize": None,
                "withdrawalMinFee": "1",
                "withdrawPrecision": 8,
                "isWithdrawEnabled": True,
                "isDepositEnabled": True,
                "confirms": 1,
                "preConfirms": 1,
                "contractAddress": "",
                "needTag": False,
            }
        ],
    }


def ticker(symbol: str, view: VenueView) -> dict[str, Json] | None:
    """Return 24 hours of a market with its best bid and ask, None before its first price."""
    best, day = view.best(symbol), view.day(symbol)
    if best is None or day is None:
        return None
    bid, ask = best
    change = day.close - day.open
    return {
        "symbol": market_id(symbol),
        "symbolName": market_id(symbol),
        "buy": plain(bid.price),
        "bestBidSize": plain(bid.amount),
        "sell": plain(ask.price),
        "bestAskSize": plain(ask.amount),
        "changeRate": short(divide(change, day.open)),
        "changePrice": plain(change),
        "high": plain(day.high),
        "low": plain(day.low),
        "vol": plain(day.volume),
        "volValue": short(day.turnover),
        "last": plain(day.close),
        "averagePrice": short(divide(day.turnover, day.volume) if day.volume else day.close),
        "takerFeeRate": plain(view.rules.taker_fee),
        "makerFeeRate": plain(view.rules.maker_fee),
        "takerCoefficient": "1",
        "makerCoefficient": "1",
    }


def candle(bar: Bar) -> list[Json]:
    values = (bar.open, bar.close, bar.high, bar.low, bar.volume, bar.turnover)
    return [str(bar.start_ms // 1000), *(short(value) for value in values)]


def public_trade(trade: PublicTrade) -> dict[str, Json]:
    return {
        "sequence": str(trade.id),
        "price": plain(trade.price),
        "size": plain(trade.amount),
        "side": trade.side,
        "time": trade.at_ms * 1_000_000,
    }


def account(coin: str, balance: Balance, kind: str, owner: str) -> dict[str, Json]:
    return {
        "id": f"{owner}-{coin}",
        "currency": coin,
        "type": kind,
        "balance": plain(balance.total),
        "available": plain(balance.free),
        "holds": plain(balance.held),
    }


def order(given: Order) -> dict[str, Json]:
    request = given.request
    wanted = request.amount if request.amount is not None else given.filled
    canceled = ZERO if given.active else wanted - given.filled
    return {
        "id": given.id,
        "clientOid": request.client_id,
        "symbol": market_id(given.symbol),
        "opType": "DEAL",
        "type": request.kind,
        "side": request.side,
        "price": money(request.price),
        "size": money(wanted),
        "funds": money(request.cost),
        "dealSize": plain(given.filled),
        "dealFunds": plain(given.filled_cost),
        "remainSize": money(wanted - given.filled if given.active else ZERO),
        "remainFunds": "0",
        "canceledSize": plain(canceled),
        "canceledFunds": "0",
        "fee": plain(given.fee),
        "feeCurrency": given.fee_coin,
        "stp": None,
        "timeInForce": request.time_in_force,
        "postOnly": request.post_only,
        "hidden": False,
        "iceberg": False,
        "visibleSize": "0",
        "cancelAfter": 0,
        "channel": "API",
        "remark": None,
        "tags": None,
        "cancelExist": given.status == "canceled",
        "active": given.active,
        "inOrderBook": given.active,
        "tradeType": "TRADE",
        "tax": "0",
        "createdAt": given.created_ms,
        "lastUpdatedAt": given.updated_ms,
    }


def fill(given: Fill) -> dict[str, Json]:
    return {
        "id": given.id,
        "symbol": market_id(given.symbol),
        "tradeId": trade_id(given),
        "orderId": given.order_id,
        "counterOrderId": f"6701{given.id:020x}",
        "side": given.side,
        "liquidity": given.liquidity,
        "forceTaker": False,
        "price": plain(given.price),
        "size": plain(given.amount),
        "funds": plain(given.cost),
        "fee": plain(given.fee),
        "feeRate": plain(given.fee_rate),
        "feeCurrency": given.fee_coin,
        "stop": "",
        "tradeType": "TRADE",
        "type": given.kind,
        "createdAt": given.at_ms,
    }


def trade_id(given: Fill) -> str:
    """Return the id by which REST and stream name the same execution."""
    return str(11_000_000_000_000_000 + given.id)
