"""Makes our ccxt objects: class, addresses, options. Nothing of ccxt is used before its options are set here."""

import logging
from collections.abc import Mapping
from typing import Any, Protocol, cast

from ccxt.pro.kucoin import kucoin
from ccxt.pro.mexc import mexc

from backfuture_connector.adapters.ccxt_hooks import (
    KEEP_ALIVE_MS,
    PASSPHRASE,
    Hooks,
    KucoinHooks,
    MexcHooks,
    Wiring,
)
from backfuture_connector.core.facts import Venue
from backfuture_connector.ports import Lease

Json = dict[str, Any]  # ccxt's unified structures, untyped


class Ccxt(Protocol):
    """The part of a ccxt object that the connector uses."""

    wiring: Wiring
    apiKey: str  # noqa: N815  (ccxt's name)
    secret: str
    ssl_context: object
    clients: dict[str, Any]  # ccxt's own class, untyped
    options: Json
    has: Json
    markets: Json | None
    currencies: Json | None
    streaming: Json

    def open(self) -> None: ...
    def set_markets_from_exchange(self, source: object) -> object: ...
    def safe_symbol(self, market_id: str) -> str: ...
    def safe_currency_code(self, currency_id: str) -> str: ...
    def market_id(self, symbol: str) -> str: ...
    async def load_markets(self, reload: bool) -> Json: ...
    async def fetch_time(self) -> object: ...
    async def fetch_ticker(self, symbol: str) -> Json: ...
    async def fetch_balance(self) -> Json: ...
    async def fetch_order(self, id: None, symbol: str, params: Mapping[str, object]) -> Json: ...  # noqa: A002  (ccxt)
    async def fetch_open_orders(self, symbol: str) -> list[Json]: ...
    async def fetch_my_trades(
        self, symbol: str, since: int | None, limit: int | None, params: Mapping[str, object]
    ) -> list[Json]: ...
    async def create_order(  # noqa: PLR0917  (ccxt's signature)
        self,
        symbol: str,
        type: str,  # noqa: A002  (ccxt's name)
        side: str,
        amount: object,
        price: object,
        params: Mapping[str, object],
    ) -> Json: ...
    async def cancel_order(self, id: None, symbol: str, params: Mapping[str, object]) -> Json: ...  # noqa: A002  (ccxt)
    async def watch_tickers(self, symbols: list[str]) -> object: ...
    async def watch_bids_asks(self, symbols: list[str]) -> object: ...
    async def watch_orders(self) -> object: ...
    async def watch_my_trades(self) -> object: ...
    async def privateGetUserApiKey(self) -> object: ...  # noqa: N802  (KuCoin, ccxt's name)
    async def spotPrivateGetApiKeyInfo(self, params: Mapping[str, object]) -> object: ...  # noqa: N802  (MEXC)
    async def close(self) -> None: ...


class _Kucoin(KucoinHooks, kucoin):  # type: ignore[misc]  # ccxt's classes are untyped
    pass


class _Mexc(MexcHooks, mexc):  # type: ignore[misc]  # ccxt's classes are untyped
    pass


_CLASSES: dict[Venue, type[Hooks]] = {"kucoin": _Kucoin, "mexc": _Mexc}

_OPTIONS: dict[Venue, Json] = {
    # both account questions are answered here, so no instance asks them in the middle of an order
    "kucoin": {"hf": True, "uta": False, "fetchMarkets": {"types": ["spot"], "fetchTickersFees": True}},
    "mexc": {"defaultType": "spot", "recvWindow": 5_000},
}


def addresses(venue: Venue, base: str) -> Json:
    """Return ccxt's table of addresses with every entry on ``base``: nothing of it leads anywhere else."""
    socket = base.replace("http", "ws", 1)
    if venue == "kucoin":
        names = ("public", "private", "futuresPublic", "futuresPrivate", "webExchange", "broker", "earn", "uta")
        rest = dict.fromkeys((*names, "utaPrivate", "utaV2"), base)
        return {**rest, "ws": dict.fromkeys(("spot", "futures", "private"), f"{socket}/ws")}
    sides = {"public": base, "private": base}
    return {
        "spot": sides,
        "spot2": sides,
        "contract": {"public": f"{base}/api/v1/contract", "private": f"{base}/api/v1/private"},
        "broker": {"private": base},
        "ws": {"spot": f"{socket}/ws", "swap": f"{socket}/edge"},
    }


def make(venue: Venue, base_url: str | None, wiring: Wiring, *, timeout_s: float, lease: Lease | None = None) -> Ccxt:
    """Return a ccxt object: anonymous, or of one account when a ``lease`` is given. Without ``base_url`` it is live."""
    logging.getLogger("ccxt").setLevel(logging.WARNING)  # below it ccxt writes signed requests
    config: Json = {
        "enableRateLimit": False,
        "timeout": round(timeout_s * 1000),
        "timeout_on_exit": 0,
        "enableLastHttpResponse": False,
        "enableLastJsonResponse": False,
        "enableLastResponseHeaders": False,
        "options": _OPTIONS[venue],
    }
    if base_url is not None:
        config["urls"] = {"api": addresses(venue, base_url.rstrip("/"))}
    if lease is not None:
        config |= {"apiKey": lease.api_key, "secret": lease.handle}
        if lease.needs_passphrase:
            config["password"] = PASSPHRASE
    exchange = cast("Any", _CLASSES[venue])(config)  # ccxt's constructor, untyped
    exchange.wiring = wiring
    exchange.number = str  # ccxt's numbers are texts with the venue's digits
    exchange.has["fetchCurrencies"] = False  # asks for a withdrawal right on MEXC
    exchange.streaming["keepAlive"] = KEEP_ALIVE_MS
    if venue == "kucoin":
        exchange.options["partner"] = {}  # no partner mark, and no second signature with a foreign secret
    return cast("Ccxt", exchange)
