"""KuCoin's public endpoints."""

import secrets

from backfuture_common.domain.money import plain

from backfuture_paper.core.book import Liquidity
from backfuture_paper.core.refusals import ExchangeRefusal
from backfuture_paper.kucoin import render
from backfuture_paper.sessions import Sessions
from backfuture_paper.web.call import Call, Json
from backfuture_paper.web.endpoints import Endpoint, Handler
from backfuture_paper.web.view import VenueView

_MINUTE_MS = 60_000
INTERVALS_MS = {
    "1min": _MINUTE_MS,
    "3min": 3 * _MINUTE_MS,
    "5min": 5 * _MINUTE_MS,
    "15min": 15 * _MINUTE_MS,
    "30min": 30 * _MINUTE_MS,
    "1hour": 60 * _MINUTE_MS,
    "2hour": 120 * _MINUTE_MS,
    "4hour": 240 * _MINUTE_MS,
    "6hour": 360 * _MINUTE_MS,
    "8hour": 480 * _MINUTE_MS,
    "12hour": 720 * _MINUTE_MS,
    "1day": 1_440 * _MINUTE_MS,
    "1week": 10_080 * _MINUTE_MS,
    "1month": 43_200 * _MINUTE_MS,
}
TOKEN_LIFE_MS = 86_400_000
PING_INTERVAL_MS = 18_000
PING_TIMEOUT_MS = 10_000


class PublicEndpoints:
    """Market data and what a client needs before it has a key."""

    def __init__(self, view: VenueView, sessions: Sessions, ws_path: str) -> None:
        self._view = view
        self._sessions = sessions
        self._ws_path = ws_path

    def table(self) -> list[Endpoint]:
        def get(path: str, handler: Handler, weight: int) -> Endpoint:
            return Endpoint(method="GET", path=path, handler=handler, weight=weight)

        return [
            get("/api/v1/timestamp", self.timestamp, 3),
            get("/api/v1/status", self.status, 3),
            get("/api/v3/currencies", self.currencies, 3),
            get("/api/v2/symbols", self.symbols, 4),
            get("/api/v1/market/allTickers", self.all_tickers, 15),
            get("/api/v1/market/stats", self.stats, 15),
            get("/api/v1/market/orderbook/level1", self.level1, 2),
            get("/api/v1/market/orderbook/level2_20", lambda call: self.level2(call, 20), 2),
            get("/api/v1/market/orderbook/level2_100", lambda call: self.level2(call, 100), 4),
            get("/api/v1/market/histories", self.histories, 3),
            get("/api/v1/market/candles", self.candles, 3),
            Endpoint(method="POST", path="/api/v1/bullet-public", handler=self.bullet, weight=10),
        ]

    def timestamp(self, call: Call) -> Json:
        return call.now_ms

    def status(self, _call: Call) -> Json:
        return {"status": "open", "msg": ""}

    def currencies(self, _call: Call) -> Json:
        coins = dict.fromkeys(c for i in self._view.rules.instruments.values() for c in (i.base, i.quote))
        return [render.currency(coin) for coin in coins]

    def symbols(self, _call: Call) -> Json:
        return [render.instrument(instrument) for instrument in self._view.rules.instruments.values()]

    def all_tickers(self, call: Call) -> Json:
        tickers = [render.ticker(symbol, self._view) for symbol in self._view.rules.instruments]
        return {"time": call.now_ms, "ticker": [ticker for ticker in tickers if ticker is not None]}

    def stats(self, call: Call) -> Json:
        return {"time": call.now_ms, **(render.ticker(self._symbol(call), self._view) or {})}

    def level1(self, call: Call) -> Json:
        symbol = self._symbol(call)
        best = self._view.best(symbol)
        if best is None:
            return None
        bid, ask = best
        return {
            "time": call.now_ms,
            "sequence": str(self._liquidity(symbol).book.sequence),
            "price": plain(self._view.last_price(symbol) or bid.price),
            "size": "0",
            "bestBid": plain(bid.price),
            "bestBidSize": plain(bid.amount),
            "bestAsk": plain(ask.price),
            "bestAskSize": plain(ask.amount),
        }

    def level2(self, call: Call, limit: int) -> Json:
        liquidity = self._liquidity(self._symbol(call))
        return {
            "time": call.now_ms,
            "sequence": str(liquidity.book.sequence),
            "bids": render.levels(liquidity.bids[:limit]),
            "asks": render.levels(liquidity.asks[:limit]),
        }

    def histories(self, call: Call) -> Json:
        return [render.public_trade(trade) for trade in self._view.trades(self._symbol(call), 100)]

    def candles(self, call: Call) -> Json:
        interval_ms = INTERVALS_MS.get(call.need("type"))
        if interval_ms is None:
            raise ExchangeRefusal("bad_parameter", "type")
        end_ms = call.integer("endAt", call.now_ms // 1000) * 1000
        start_ms = call.integer("startAt", 0) * 1000
        bars = self._view.bars(self._symbol(call), interval_ms, start_ms, end_ms or call.now_ms)
        return [render.candle(bar) for bar in reversed(bars)]

    def bullet(self, call: Call) -> Json:
        """Give a connect token: private for a request that was signed, else public."""
        account = call.key.account if call.key else None
        session = self._sessions.open("kucoin", account, call.now_ms, TOKEN_LIFE_MS)
        return {
            "token": session.token,
            "instanceServers": [
                {
                    "endpoint": call.base_url.replace("http", "ws", 1) + self._ws_path,
                    "encrypt": call.base_url.startswith("https"),
                    "protocol": "websocket",
                    "pingInterval": PING_INTERVAL_MS,
                    "pingTimeout": PING_TIMEOUT_MS,
                    "id": secrets.token_hex(4),
                }
            ],
        }

    def _symbol(self, call: Call) -> str:
        symbol = render.symbol_of(call.need("symbol"))
        self._view.instrument(symbol)
        return symbol

    def _liquidity(self, symbol: str) -> Liquidity:
        liquidity = self._view.liquidity(symbol)
        if liquidity is None:
            raise ExchangeRefusal("unknown_symbol", symbol)
        return liquidity
