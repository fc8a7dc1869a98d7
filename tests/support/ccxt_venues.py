"""What unmodified ccxt asks to be signed for eight venues, spot and USDT swaps, without a network.

Markets are put in as ccxt's own structures; requests are recorded instead of sent. KuCoin and MEXC, whose markets come
through ccxt's own parsers, are in ``ccxt_signing``.
"""

import base64
import contextlib
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import ccxt

API_KEY = "0123456789abcdef01234567"
COINBASE_KEY = "organizations/0a1b/apiKeys/2c3d"
SECRET = "c2VjcmV0LXNlY3JldA=="
SPOT, SWAP = "BTC/USDT", "BTC/USDT:USDT"
NOW_MS = 1_764_000_000_000
DAY_MS = 86_400_000

_MARKET_IDS = {
    "binance": ("BTCUSDT", "BTCUSDT"),
    "bingx": ("BTC-USDT", "BTC-USDT"),
    "bitget": ("BTCUSDT", "BTCUSDT"),
    "bybit": ("BTCUSDT", "BTCUSDT"),
    "coinbase": ("BTC-USDT", "BTC-PERP"),
    "gate": ("BTC_USDT", "BTC_USDT"),
    "htx": ("btcusdt", "BTC-USDT"),
    "okx": ("BTC-USDT", "BTC-USDT-SWAP"),
}
VENUES = tuple(_MARKET_IDS)
_ORDER_TYPES = ["LIMIT", "MARKET", "LIMIT_MAKER", "STOP"]

Call = Callable[[Any], object]  # Any: ccxt's classes have no types


@dataclass(frozen=True, slots=True)
class Asked:
    """One signature that was asked for."""

    algorithm: str
    message: bytes
    body: bytes = b""


@dataclass(slots=True)
class Tape:
    asked: list[Asked] = field(default_factory=list)
    sent: list[tuple[str, str, str | None]] = field(default_factory=list)
    hashed: bytes = b""


def api_key(venue: str) -> str:
    return COINBASE_KEY if venue == "coinbase" else API_KEY


def exchange_of(venue: str, *, unified: bool = False) -> Any:
    """Return an offline ccxt object of the venue with one spot and one swap market; ``tape`` has what it asked."""
    base: Any = getattr(ccxt, venue)
    recording = type(f"Recorded{venue}", (_Recording, base), {})
    exchange: Any = recording(
        {"apiKey": api_key(venue), "secret": SECRET, "password": "pass", "enableRateLimit": False}
    )
    exchange.tape = Tape()
    exchange.set_markets(_markets(venue))
    exchange.currencies = _currencies()
    exchange.has["fetchCurrencies"] = False
    exchange.options |= {
        "uta": unified, "unifiedAccount": unified, "timeDifference": 0, "recvWindow": 5_000,
        "enableUnifiedMargin": False, "enableUnifiedAccount": True, "unifiedMarginStatus": 6,
    }  # fmt: skip
    return exchange


def asked_by(exchange: Any, call: Call) -> list[Asked]:
    """Make the call and return what it asked to be signed; that ccxt makes nothing of our answers is no matter."""
    exchange.tape = Tape()
    with contextlib.suppress(ccxt.BaseError, TypeError, KeyError, AttributeError, IndexError):
        call(exchange)
    asked: list[Asked] = exchange.tape.asked
    return asked


class _Recording:
    tape: Tape

    def milliseconds(self) -> int:
        return NOW_MS

    def seconds(self) -> int:
        return NOW_MS // 1_000

    def nonce(self) -> int:
        return NOW_MS

    def hmac(self, request: bytes, secret: bytes, algorithm: Any = hashlib.sha256, digest: str = "hex") -> object:
        own: Any = super()
        name = "hmac-sha512" if algorithm is hashlib.sha512 else "sha256"
        self.tape.asked.append(Asked(name, request, self.tape.hashed))
        return own.hmac(request, secret, algorithm, digest)

    def hash(self, request: bytes, algorithm: str = "md5", digest: str = "hex") -> object:
        own: Any = super()
        self.tape.hashed = request
        return own.hash(request, algorithm, digest)

    def jwt(
        self, request: dict[str, object], secret: bytes, algorithm: str, is_rsa: bool, opts: Mapping[str, object]
    ) -> str:
        """Ask for the token that ccxt's own method would sign."""
        del secret, algorithm, is_rsa
        head = {"alg": opts["alg"], "typ": "JWT", "kid": opts["kid"], "nonce": opts["nonce"]}
        token = b".".join(_base64url(part) for part in (head, request))
        self.tape.asked.append(Asked("es256" if opts["alg"] == "ES256" else "ed25519", token))
        return f"{token.decode()}.AA"

    def fetch(self, url: str, method: str = "GET", headers: Any = None, body: str | None = None) -> object:
        del headers
        self.tape.sent.append((method, url, body))
        if "/v1/account/accounts" in url:
            return {"status": "ok", "data": [{"id": 123, "type": "spot", "state": "working"}]}
        return {}


def _base64url(part: Mapping[str, object]) -> bytes:
    return base64.urlsafe_b64encode(json.dumps(part, separators=(",", ":")).encode()).rstrip(b"=")


def _currencies() -> dict[str, object]:
    network = {"id": "TRX", "network": "TRC20", "precision": 1e-8, "fee": 1, "info": {}}
    return {
        code: {"id": code, "code": code, "networks": {"TRC20": network}, "precision": 1e-8, "fee": 1, "info": {}}
        for code in ("USDT", "BTC")
    }


def _markets(venue: str) -> list[dict[str, object]]:
    spot_id, swap_id = _MARKET_IDS[venue]
    both: dict[str, object] = {
        "base": "BTC", "quote": "USDT", "baseId": "BTC", "quoteId": "USDT", "active": True, "taker": 0.001,
        "maker": 0.001, "precision": {"amount": 1e-8, "price": 0.01}, "margin": False, "future": False,
        "option": False, "limits": {"amount": {}, "price": {}, "cost": {}},
        "info": {"orderTypes": _ORDER_TYPES, "OrderType": _ORDER_TYPES},
    }  # fmt: skip
    spot = {"id": spot_id, "symbol": SPOT, "type": "spot", "spot": True, "swap": False, "contract": False}
    swap = {
        "id": swap_id, "symbol": SWAP, "type": "swap", "spot": False, "swap": True, "contract": True, "settle": "USDT",
        "settleId": "usdt" if venue == "gate" else "USDT", "linear": True, "inverse": False, "contractSize": 0.001,
    }  # fmt: skip
    return [both | spot, both | swap]


def _calls_on(symbol: str) -> dict[str, Call]:
    own = {"clientOrderId": "b1"}
    return {
        "limit IOC": lambda e: e.create_order(symbol, "limit", "buy", 1, 100, {**own, "timeInForce": "IOC"}),
        "limit GTC": lambda e: e.create_order(symbol, "limit", "sell", 1, 100, own),
        "limit FOK": lambda e: e.create_order(symbol, "limit", "sell", 1, 100, {**own, "timeInForce": "FOK"}),
        "limit maker": lambda e: e.create_order(symbol, "limit", "sell", 1, 100, {**own, "postOnly": True}),
        "market sell": lambda e: e.create_order(symbol, "market", "sell", 1, None, own),
        "cancel": lambda e: e.cancel_order("123", symbol),
        "open orders": lambda e: e.fetch_open_orders(symbol),
        "own trades": lambda e: e.fetch_my_trades(symbol),
        "own trades since": lambda e: e.fetch_my_trades(symbol, NOW_MS - DAY_MS, 50),
    }


_SPOT_ONLY: dict[str, Call] = {
    "balance": lambda e: e.fetch_balance(),
    "market buy by cost": lambda e: e.create_market_buy_order_with_cost(SPOT, 10, {"clientOrderId": "b1"}),
}
_SWAP_ONLY: dict[str, Call] = {
    "swap balance": lambda e: e.fetch_balance({"type": "swap"}),
    "positions": lambda e: e.fetch_positions([SWAP]),
    "reduce only": lambda e: e.create_order(
        SWAP, "limit", "sell", 1, 100, {"clientOrderId": "b1", "timeInForce": "IOC", "reduceOnly": True}
    ),
    "leverage": lambda e: e.set_leverage(3, SWAP, {"side": "BOTH"} if e.id == "bingx" else {}),
}
_BY_ID: dict[str, Call] = {
    "order": lambda e: e.fetch_order("123", SPOT),
    "order by client id": lambda e: e.fetch_order(None, SPOT, {"clientOrderId": "b1"}),
    "swap order": lambda e: e.fetch_order("123", SWAP),
    "cancel by client id": lambda e: e.cancel_order(None, SPOT, {"clientOrderId": "b1"}),
}
_CLIENT_ID_BY_PATH: dict[str, Call] = {
    "cancel by client id": lambda e: e.cancel_order("t-b1", SPOT),
    "order by client id": lambda e: e.fetch_order("t-b1", SPOT),
}
_OWN: dict[str, dict[str, Call]] = {
    "binance": {
        **_BY_ID,
        "rights": lambda e: e.sapiGetAccountApiRestrictions(),
        "test order": lambda e: e.create_order(SPOT, "limit", "buy", 1, 100, {"test": True, "clientOrderId": "b1"}),
        "margin mode": lambda e: e.set_margin_mode("isolated", SWAP),
        "position mode": lambda e: e.set_position_mode(False, SWAP),
        "cancel all": lambda e: e.cancel_all_orders(SPOT),
    },
    "bingx": {
        **{name: call for name, call in _BY_ID.items() if name != "order by client id"},
        "rights": lambda e: e.accountV1PrivateGetAccountApiPermissions(),
        "order by client id": lambda e: e.spotV1PrivateGetTradeQuery({"symbol": "BTC-USDT", "clientOrderID": "b1"}),
        "swap order by client id": lambda e: e.swapV2PrivateGetTradeOrder(
            {"symbol": "BTC-USDT", "clientOrderID": "b1"}
        ),
        "margin mode": lambda e: e.set_margin_mode("isolated", SWAP),
        "position mode": lambda e: e.set_position_mode(False, SWAP),
        "stream key": lambda e: e.userAuthPrivatePostUserDataStream(),
    },
    "bitget": {
        **_BY_ID,
        "rights": lambda e: e.privateSpotGetV2SpotAccountInfo(),
        "unified rights": lambda e: e.privateUtaGetV3AccountInfo(),
        "account mode": lambda e: e.privateUtaGetV3AccountSettings(),
        "position mode": lambda e: e.set_position_mode(False, SWAP),
        "margin mode": lambda e: e.set_margin_mode("isolated", SWAP),
    },
    "bybit": {
        "rights": lambda e: e.privateGetV5UserQueryApi(),
        "account": lambda e: e.privateGetV5AccountInfo(),
        "order by client id": lambda e: e.privateGetV5OrderRealtime(
            {"category": "spot", "symbol": "BTCUSDT", "orderLinkId": "b1"}
        ),
        "old order by client id": lambda e: e.privateGetV5OrderHistory(
            {"category": "linear", "symbol": "BTCUSDT", "orderLinkId": "b1"}
        ),
        "cancel by client id": lambda e: e.cancel_order(None, SPOT, {"orderLinkId": "b1"}),
        "margin mode": lambda e: e.set_margin_mode("isolated", None),
        "position mode": lambda e: e.set_position_mode(False, SWAP),
    },
    "coinbase": {
        "rights": lambda e: e.v3PrivateGetBrokerageKeyPermissions(),
        "order": lambda e: e.fetch_order("123", SPOT),
        "test order": lambda e: e.create_order(SPOT, "limit", "buy", 1, 100, {"preview": True}),
        "accounts": lambda e: e.v3PrivateGetBrokerageAccounts({"limit": 250}),
        "stream": lambda e: e.create_auth_token(NOW_MS // 1_000),
    },
    "gate": {
        "order": lambda e: e.fetch_order("123", SPOT),
        "swap order": lambda e: e.fetch_order("123", SWAP),
        **_CLIENT_ID_BY_PATH,
        "rights": lambda e: e.privateAccountGetMainKeys(),
        "account": lambda e: e.privateAccountGetDetail(),
    },
    "htx": {
        **_BY_ID,
        "user": lambda e: e.v2PrivateGetUserUid(),
        "rights": lambda e: e.v2PrivateGetUserApiKey({"uid": "1", "accessKey": API_KEY}),
        "position mode": lambda e: e.set_position_mode(False, SWAP),
    },
    "okx": {
        **_BY_ID,
        "rights": lambda e: e.privateGetAccountConfig(),
        "position mode": lambda e: e.set_position_mode(False),
        "margin mode": lambda e: e.set_margin_mode("isolated", SWAP, {"leverage": 3}),
        "cancel several": lambda e: e.cancel_orders(["1", "2"], SPOT),
    },
}


def honest_calls(venue: str) -> Mapping[str, Call]:
    """Return what a connector may ask of ccxt for this venue: every one of these is to be signed."""
    swaps = {f"swap {name}": call for name, call in _calls_on(SWAP).items()} | _SWAP_ONLY
    if venue == "coinbase":
        swaps = {}
    return {**_calls_on(SPOT), **_SPOT_ONLY, **swaps, **_OWN[venue]}


FORBIDDEN: Mapping[str, Call] = {
    "withdraw": lambda e: e.withdraw("USDT", 1, "T" + "x" * 33, {"network": "TRC20"}),
    "transfer": lambda e: e.transfer("USDT", 1, "spot", "swap"),
    "deposit address": lambda e: e.fetch_deposit_address("USDT", {"network": "TRC20"}),
    "withdrawals": lambda e: e.fetch_withdrawals("USDT"),
    "borrow": lambda e: e.borrow_cross_margin("USDT", 1),
}
"""What ccxt offers beyond that, where the venue has it."""

MONEY_AND_KEYS = (
    "withdraw", "transfer", "deposit", "sub-", "sub_", "subaccount", "subuser", "/sub/", "borrow", "repay", "loan",
    "earn", "redeem", "convert", "dust", "apikey", "api-key", "iprestriction", "address", "broker/", "agent", "copy",
    "staking", "savings", "purchase",
)  # fmt: skip
"""Pieces of paths that ccxt knows for requests which move money out of reach or make keys."""


def money_endpoints(venue: str) -> list[tuple[list[str], str, str]]:
    """Return every private endpoint ccxt knows whose path moves money or keys: sections, method, path."""
    described: Any = exchange_of(venue).describe()
    found = list(_walk(described["api"], []))
    return [
        (sections, method.upper(), path)
        for sections, method, path in found
        if not any("ublic" in section for section in sections)
        and any(word in f"{'/'.join(sections)}/{path}".lower() for word in MONEY_AND_KEYS)
    ]


def _walk(part: Any, sections: list[str]) -> list[tuple[list[str], str, str]]:
    found: list[tuple[list[str], str, str]] = []
    for name, below in part.items():
        if name in {"get", "post", "put", "delete", "patch"}:
            found += [(sections, name, path) for path in below]
        elif isinstance(below, dict):
            found += _walk(below, [*sections, name])
    return found
