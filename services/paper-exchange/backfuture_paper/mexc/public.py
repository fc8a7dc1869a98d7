"""MEXC's public endpoints."""

from collections.abc import Callable

from backfuture_common.domain.money import plain

from backfuture_paper.core.refusals import ExchangeRefusal
from backfuture_paper.mexc import render
from backfuture_paper.web.call import Call, Json
from backfuture_paper.web.endpoints import Endpoint, Handler
from backfuture_paper.web.view import VenueView

_MINUTE_MS = 60_000
INTERVALS_MS = {
    "1m": _MINUTE_MS,
    "5m": 5 * _MINUTE_MS,
    "15m": 15 * _MINUTE_MS,
    "30m": 30 * _MINUTE_MS,
    "60m": 60 * _MINUTE_MS,
    "4h": 240 * _MINUTE_MS,
    "8h": 480 * _MINUTE_MS,
    "1d": 1_440 * _MINUTE_MS,
    "1W": 10_080 * _MINUTE_MS,
    "1M": 43_200 * _MINUTE_MS,
}
_CANDLES_MAX = 500


class PublicEndpoints:
    """Market data."""

    def __init__(self, view: VenueView) -> None:
        self._view = view

    def table(self) -> list[Endpoint]:
        def get(path: str, handler: Handler, weight: int = 1) -> Endpoint:
            return Endpoint(method="GET", path=path, handler=handler, weight=weight)

        return [
            get("/api/v3/ping", lambda _call: {}),
            get("/api/v3/time", lambda call: {"serverTime": call.now_ms}),
            get("/api/v3/exchangeInfo", self.exchange_info, 10),
            get("/api/v3/defaultSymbols", lambda _call: {"code": 0, "data": self.markets(), "msg": None}),
            get("/api/v3/ticker/24hr", self.ticker_24h),
            get("/api/v3/ticker/bookTicker", self.book_ticker),
            get("/api/v3/ticker/price", self.ticker_price),
            get("/api/v3/depth", self.depth),
            get("/api/v3/aggTrades", self.trades),
            get("/api/v3/trades", self.trades, 5),
            get("/api/v3/klines", self.klines),
            get("/api/v1/contract/ping", lambda call: {"success": True, "code": 0, "data": call.now_ms}),
            get("/api/v1/contract/detail", lambda _call: {"success": True, "code": 0, "data": []}),
        ]

    def markets(self) -> list[Json]:
        return [render.market_id(symbol) for symbol in self._view.rules.instruments]

    def exchange_info(self, call: Call) -> Json:
        rules = self._view.rules
        symbols: list[Json] = [render.instrument(instrument, rules) for instrument in rules.instruments.values()]
        return {
            "timezone": "CST",
            "serverTime": call.now_ms,
            "rateLimits": [],
            "exchangeFilters": [],
            "symbols": symbols,
        }

    def ticker_24h(self, call: Call) -> Json:
        return self._one_or_all(call, lambda symbol: render.ticker(symbol, self._view, call.now_ms))

    def book_ticker(self, call: Call) -> Json:
        return self._one_or_all(call, self._book_ticker)

    def ticker_price(self, call: Call) -> Json:
        return self._one_or_all(call, self._price)

    def depth(self, call: Call) -> Json:
        symbol = self._symbol(call)
        limit = call.integer("limit", 100)
        liquidity = self._view.liquidity(symbol)
        return {
            "lastUpdateId": liquidity.book.sequence if liquidity else 0,
            "bids": render.levels(liquidity.bids[:limit]) if liquidity else [],
            "asks": render.levels(liquidity.asks[:limit]) if liquidity else [],
            "timestamp": call.now_ms,
        }

    def trades(self, call: Call) -> Json:
        limit = call.integer("limit", 500)
        return [render.public_trade(trade) for trade in self._view.trades(self._symbol(call), limit)]

    def klines(self, call: Call) -> Json:
        interval_ms = INTERVALS_MS.get(call.need("interval"))
        if interval_ms is None:
            raise ExchangeRefusal("bad_parameter", "interval")
        end_ms = call.integer("endTime", call.now_ms)
        limit = max(1, min(_CANDLES_MAX, call.integer("limit", _CANDLES_MAX)))
        start_ms = call.integer("startTime", end_ms - limit * interval_ms)
        end_ms = min(end_ms, start_ms + limit * interval_ms)
        bars = self._view.bars(self._symbol(call), interval_ms, start_ms, end_ms, limit)
        return [render.candle(bar, interval_ms) for bar in bars]

    def _book_ticker(self, symbol: str) -> Json:
        best = self._view.best(symbol)
        if best is None:
            return None
        bid, ask = best
        return {
            "symbol": render.market_id(symbol),
            "bidPrice": plain(bid.price),
            "bidQty": plain(bid.amount),
            "askPrice": plain(ask.price),
            "askQty": plain(ask.amount),
        }

    def _price(self, symbol: str) -> Json:
        last = self._view.last_price(symbol)
        return None if last is None else {"symbol": render.market_id(symbol), "price": plain(last)}

    def _one_or_all(self, call: Call, make: Callable[[str], Json]) -> Json:
        if call.params.get("symbol"):
            return make(self._symbol(call)) or {}
        made = [make(symbol) for symbol in self._view.rules.instruments]
        return [one for one in made if one is not None]

    def _symbol(self, call: Call) -> str:
        return render.symbol_of(call.need("symbol"), self._view.rules)
