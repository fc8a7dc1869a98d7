"""Unmodified ccxt requests without a network: what it asks to be signed, and what it would send.

``Offline`` stands before a ccxt class: requests are recorded instead of sent, signatures come from whoever the test
says. The answers are just enough for ccxt to go on to its next request.
"""

import contextlib
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import ccxt

API_KEY = "0123456789abcdef01234567"
SYMBOL = "BTC/USDT"
SINCE_MS = 1_700_000_000_000

Call = Callable[[Any], object]  # Any: ccxt's classes have no types


@dataclass(slots=True)
class Recorded:
    """What one call made ccxt sign and send."""

    messages: list[bytes] = field(default_factory=list)
    requests: list[tuple[str, str, Mapping[str, str], str | None]] = field(default_factory=list)


class Offline:
    """Mixin: no network, a fixed time, and signatures by ``signer`` (None: ccxt's own)."""

    recorded: Recorded
    now_ms: int
    signer: Callable[[bytes], bytes] | None = None
    answers: Mapping[str, object] = {}

    def milliseconds(self) -> int:
        return self.now_ms

    def nonce(self) -> int:
        return self.now_ms

    def hmac(self, request: bytes, secret: bytes, algorithm: Any = hashlib.sha256, digest: str = "hex") -> object:
        own: Any = super()
        if secret != getattr(self, "secret", "").encode():
            return own.hmac(request, secret, algorithm, digest)  # ccxt's partner mark, made with ccxt's own secret
        self.recorded.messages.append(request)
        if self.signer is None:
            return own.hmac(request, secret, algorithm, digest)
        mac = self.signer(request)
        return own.binary_to_base16(mac) if digest == "hex" else own.binary_to_base64(mac)

    def fetch(self, url: str, method: str = "GET", headers: Any = None, body: str | None = None) -> object:
        self.recorded.requests.append((method, url, dict(headers or {}), body))
        path = url.split("?", maxsplit=1)[0]
        return next((answer for end, answer in self.answers.items() if path.endswith(end)), self.default_answer())

    def default_answer(self) -> object:
        raise NotImplementedError


class OfflineKucoin(Offline, ccxt.kucoin):
    answers: Mapping[str, object] = {
        "api/v2/symbols": {"code": "200000", "data": [{
            "symbol": "BTC-USDT", "baseCurrency": "BTC", "quoteCurrency": "USDT", "baseMinSize": "0.00001",
            "quoteMinSize": "0.1", "baseMaxSize": "10000000000", "quoteMaxSize": "99999999", "minFunds": "0.1",
            "baseIncrement": "0.00000001", "quoteIncrement": "0.000001", "priceIncrement": "0.1", "enableTrading": True,
        }]},
        "margin/symbols": {"code": "200000", "data": {"items": []}},
        "allTickers": {"code": "200000", "data": {"time": 1, "ticker": []}},
        "hf/accounts/opened": {"code": "200000", "data": True},
        "account/mode": {"code": "200000", "data": {"selfAccountMode": "CLASSIC"}},
    }  # fmt: skip

    def default_answer(self) -> object:
        return {"code": "200000", "data": []}


class OfflineMexc(Offline, ccxt.mexc):
    answers: Mapping[str, object] = {
        "exchangeInfo": {"symbols": [{
            "symbol": "BTCUSDT", "status": "1", "baseAsset": "BTC", "quoteAsset": "USDT", "baseAssetPrecision": 8,
            "quoteAssetPrecision": 8, "isSpotTradingAllowed": True, "baseSizePrecision": "0.000001",
            "quoteAmountPrecision": "1", "maxQuoteAmount": "4000000", "orderTypes": ["LIMIT", "MARKET", "LIMIT_MAKER"],
        }]},
        "contract/detail": {"success": True, "code": 0, "data": []},
        "userDataStream": {"listenKey": "abcDEF12"},
    }  # fmt: skip

    def default_answer(self) -> object:
        return []


def offline(
    venue: str, now_ms: int, signer: Callable[[bytes], bytes] | None = None, *, secret: str, password: str = ""
) -> Any:
    """Return an offline exchange with its markets loaded. Options as our connector sets them."""
    kind: Any = {"kucoin": OfflineKucoin, "mexc": OfflineMexc}[venue]
    options = {"hf": True, "uta": False} if venue == "kucoin" else {}
    exchange = kind(
        {"apiKey": API_KEY, "secret": secret, "password": password, "enableRateLimit": False, "options": options}
    )
    exchange.now_ms, exchange.recorded = now_ms, Recorded()
    exchange.load_markets()
    exchange.signer = signer
    return exchange


def record(exchange: Any, call: Call) -> Recorded:
    """Make the call and return what was signed and sent; that ccxt makes nothing of our answers is no matter."""
    exchange.recorded = Recorded()
    with contextlib.suppress(ccxt.BaseError, TypeError, KeyError, AttributeError):
        call(exchange)
    recorded: Recorded = exchange.recorded
    return recorded


_COMMON: dict[str, Call] = {
    "balance": lambda e: e.fetch_balance(),
    "limit IOC": lambda e: e.create_order(
        SYMBOL, "limit", "buy", 1, 100, {"clientOrderId": "b1", "timeInForce": "IOC"}
    ),
    "limit FOK": lambda e: e.create_order(SYMBOL, "limit", "sell", 0.5, 1234567.8, {"timeInForce": "FOK"}),
    "limit maker": lambda e: e.create_order(SYMBOL, "limit", "sell", 1.5, 100, {"postOnly": True}),
    "market buy by cost": lambda e: e.create_market_buy_order_with_cost(SYMBOL, 10),
    "market sell": lambda e: e.create_order(SYMBOL, "market", "sell", 1),
    "test order": lambda e: e.create_order(SYMBOL, "limit", "buy", 1, 100, {"test": True}),
    "cancel": lambda e: e.cancel_order("C02__123", SYMBOL),
    "cancel by client id": lambda e: e.cancel_order(None, SYMBOL, {"clientOrderId": "b1"}),
    "cancel all of a market": lambda e: e.cancel_all_orders(SYMBOL),
    "cancel all": lambda e: e.cancel_all_orders(),
    "order": lambda e: e.fetch_order("C02__123", SYMBOL),
    "order by client id": lambda e: e.fetch_order(None, SYMBOL, {"clientOrderId": "b1"}),
    "open orders": lambda e: e.fetch_open_orders(SYMBOL),
    "open orders since": lambda e: e.fetch_open_orders(SYMBOL, SINCE_MS, 50),
    "closed orders": lambda e: e.fetch_closed_orders(SYMBOL),
    "closed orders since": lambda e: e.fetch_closed_orders(SYMBOL, SINCE_MS, 50),
    "own trades": lambda e: e.fetch_my_trades(SYMBOL),
    "own trades since": lambda e: e.fetch_my_trades(SYMBOL, SINCE_MS, 50),
    "trades of an order": lambda e: e.fetch_order_trades("C02__123", SYMBOL),
    "fee": lambda e: e.fetch_trading_fee(SYMBOL),
    "accounts": lambda e: e.fetch_accounts(),
    "markets with a key": lambda e: e.load_markets(True),
}
HONEST: dict[str, dict[str, Call]] = {
    "kucoin": {
        **_COMMON,
        "rights": lambda e: e.privateGetUserApiKey(),
        "account mode": lambda e: e.utaPrivateGetAccountMode(),
        "high-frequency account": lambda e: e.privateGetHfAccountsOpened(),
        "order book with a key": lambda e: e.fetch_order_book(SYMBOL),
        "order that waits": lambda e: e.create_order(SYMBOL, "limit", "buy", 1, 100, {"sync": True}),
        "cancel that waits": lambda e: e.cancel_order("C02__123", SYMBOL, {"sync": True}),
        "stream token": lambda e: e.privatePostBulletPrivate(),
    },
    "mexc": {
        **_COMMON,
        "rights": lambda e: e.spotPrivateGetApiKeyInfo({"accessKey": API_KEY}),
        "tradable pairs": lambda e: e.spotPrivateGetSelfSymbols(),
        "all orders": lambda e: e.fetch_orders(SYMBOL, SINCE_MS, 50),
        "all open orders": lambda e: e.fetch_open_orders(),
        "trades until": lambda e: e.fetch_my_trades(SYMBOL, SINCE_MS, 50, {"until": SINCE_MS + 1000}),
        "new stream key": lambda e: e.spotPrivatePostUserDataStream(),
        "keep stream key": lambda e: e.spotPrivatePutUserDataStream({"listenKey": "abcDEF12"}),
        "close stream key": lambda e: e.spotPrivateDeleteUserDataStream({"listenKey": "abcDEF12"}),
    },
}
"""What a connector may ask of ccxt: every one of these is to be signed."""
