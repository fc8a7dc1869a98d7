"""The data of KuCoin's stream messages."""

from backfuture_common.domain.money import ZERO, plain

from backfuture_paper.core.book import Level
from backfuture_paper.core.exact import subtract
from backfuture_paper.core.exchange import OrderEvent
from backfuture_paper.core.ledger import BalanceChange
from backfuture_paper.core.orders import Fill
from backfuture_paper.core.trades import PublicTrade
from backfuture_paper.kucoin import render
from backfuture_paper.web.book_changes import BookChange
from backfuture_paper.web.call import Json
from backfuture_paper.web.view import VenueView
from backfuture_paper.world import World

Data = dict[str, Json]


class MarketMessages:
    """Public data, made when somebody wants it."""

    def __init__(self, world: World, view: VenueView) -> None:
        self._world = world
        self._view = view

    def ticker(self, symbol: str) -> Data:
        bid, ask = self._best(symbol)
        liquidity = self._view.liquidity(symbol)
        return {
            "bestBid": plain(bid.price),
            "bestBidSize": plain(bid.amount),
            "bestAsk": plain(ask.price),
            "bestAskSize": plain(ask.amount),
            "price": plain(self._view.last_price(symbol) or bid.price),
            "size": "0",
            "sequence": str(liquidity.book.sequence if liquidity else 0),
            "time": self._world.now_ms(),
        }

    def level1(self, symbol: str) -> Data:
        bid, ask = self._best(symbol)
        return {
            "asks": [plain(ask.price), plain(ask.amount)],
            "bids": [plain(bid.price), plain(bid.amount)],
            "timestamp": self._world.now_ms(),
        }

    def depth(self, symbol: str, limit: int) -> Data:
        liquidity = self._view.liquidity(symbol)
        return {
            "asks": render.levels(liquidity.asks[:limit] if liquidity else []),
            "bids": render.levels(liquidity.bids[:limit] if liquidity else []),
            "timestamp": self._world.now_ms(),
        }

    def changes(self, symbol: str, change: BookChange) -> Data:
        return {
            "symbol": render.market_id(symbol),
            "sequenceStart": change.previous + 1,
            "sequenceEnd": change.sequence,
            "time": self._world.now_ms(),
            "changes": {"asks": _levels(change.asks, change), "bids": _levels(change.bids, change)},
        }

    def match(self, trade: PublicTrade) -> Data:
        data = render.public_trade(trade)
        time_ns = str(trade.at_ms * 1_000_000)
        return data | {
            "symbol": render.market_id(trade.symbol),
            "tradeId": str(trade.id),
            "type": "match",
            "time": time_ns,
        }

    def snapshot(self, symbol: str, at_ms: int) -> Data:
        ticker = render.ticker(symbol, self._view) or {}
        market = self._view.instrument(symbol)
        inner: Data = {
            **ticker,
            "baseCurrency": market.base,
            "quoteCurrency": market.quote,
            "lastTradedPrice": ticker.get("last"),
            "datetime": at_ms,
            "trading": True,
        }
        return {"sequence": str(at_ms), "data": inner}

    def candle(self, symbol: str, interval_ms: int, at_ms: int) -> Data | None:
        bar = self._view.bar_at(symbol, interval_ms, at_ms)
        if bar is None:
            return None
        return {"symbol": render.market_id(symbol), "candles": render.candle(bar), "time": at_ms * 1_000_000}

    def _best(self, symbol: str) -> tuple[Level, Level]:
        return self._view.best(symbol) or (Level(ZERO, ZERO), Level(ZERO, ZERO))


def order_change(event: OrderEvent) -> Data:
    order, request = event.order, event.order.request
    wanted = request.amount if request.amount is not None else order.filled
    left = subtract(wanted, order.filled)
    ended = event.kind in {"filled", "canceled"}
    data: Data = {
        "symbol": render.market_id(order.symbol),
        "orderType": request.kind,
        "side": request.side,
        "orderId": order.id,
        "clientOid": request.client_id,
        "type": event.kind,
        "status": "done" if ended else event.kind,
        "orderTime": order.created_ms,
        "price": render.money(request.price),
        "size": plain(wanted),
        "originSize": plain(wanted),
        "filledSize": plain(order.filled),
        "remainSize": plain(ZERO if ended else left),
        "canceledSize": plain(left if ended else ZERO),
        "ts": order.updated_ms * 1_000_000,
    }
    return data if event.fill is None else data | _matched(event.fill)


def _matched(fill: Fill) -> Data:
    return {
        "tradeId": render.trade_id(fill),
        "matchPrice": plain(fill.price),
        "matchSize": plain(fill.amount),
        "liquidity": fill.liquidity,
        "feeType": f"{fill.liquidity}Fee",
    }


def fill_message(fill: Fill) -> Data:
    return render.fill(fill) | {"orderType": fill.kind, "time": str(fill.at_ms * 1_000_000)}


def balance_change(change: BalanceChange, now_ms: int) -> Data:
    balance = change.balance
    prefix = "trade_hf" if change.cause.startswith("order") else "main"
    return {
        "accountId": f"{change.account}-{change.coin}",
        "currency": change.coin,
        "total": plain(balance.total),
        "available": plain(balance.free),
        "availableChange": plain(subtract(change.total_delta, change.held_delta)),
        "hold": plain(balance.held),
        "holdChange": plain(change.held_delta),
        "relationEvent": f"{prefix}.{change.cause.rpartition('.')[2]}",
        "relationEventId": str(now_ms),
        "time": str(now_ms),
    }


def _levels(levels: list[Level], change: BookChange) -> list[Json]:
    return [[plain(level.price), plain(level.amount), str(change.sequence)] for level in levels]
