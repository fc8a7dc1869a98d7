"""Where the venues differ behind ccxt's unified calls: how a raw answer is read, and what is asked about a key."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from backfuture_common.domain.ids import ExchangeId, Symbol
from backfuture_common.messages.connections import Balance
from backfuture_common.messages.market import Instrument

from backfuture_connector.adapters.ccxt_classes import Ccxt
from backfuture_connector.core import read_kucoin, read_mexc
from backfuture_connector.core.facts import OrderFact, Top, TradeFact, Venue
from backfuture_connector.core.key_kucoin import judge_kucoin
from backfuture_connector.core.key_mexc import judge_mexc
from backfuture_connector.core.key_verdict import KeyVerdict
from backfuture_connector.core.raw import Raw


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """How one venue's raw answers are read. ``topics_per_link``: how many markets one stream connection carries."""

    venue: Venue
    order: Callable[[Raw, Symbol, str], OrderFact]
    trade: Callable[[Raw], TradeFact]
    balances: Callable[[Raw], tuple[Balance, ...]]
    instrument: Callable[[Raw, ExchangeId, Symbol, tuple[str | None, str | None], int], Instrument]
    top: Callable[[Raw], tuple[str, Top] | None]
    order_hint: Callable[[Raw], str | None]
    ask_key: Callable[[Ccxt], Awaitable[object]]
    judge_key: Callable[[object, str, int], KeyVerdict]
    watch_prices: Callable[[Ccxt, list[str]], Awaitable[object]]
    topics_per_link: int
    topics_per_message: int


async def _ask_kucoin(exchange: Ccxt) -> object:
    return await exchange.privateGetUserApiKey()


async def _ask_mexc(exchange: Ccxt) -> object:
    return await exchange.spotPrivateGetApiKeyInfo({"accessKey": exchange.apiKey})


DIALECTS: Mapping[Venue, Dialect] = {
    "kucoin": Dialect(
        venue="kucoin",
        order=read_kucoin.order,
        trade=read_kucoin.trade,
        balances=read_kucoin.balances,
        instrument=read_kucoin.instrument,
        top=read_kucoin.top,
        order_hint=read_kucoin.order_hint,
        ask_key=_ask_kucoin,
        judge_key=lambda answer, api_key, _now_ms: judge_kucoin(answer, api_key),
        watch_prices=lambda exchange, symbols: exchange.watch_tickers(symbols),
        topics_per_link=200,
        topics_per_message=100,
    ),
    "mexc": Dialect(
        venue="mexc",
        order=read_mexc.order,
        trade=read_mexc.trade,
        balances=read_mexc.balances,
        instrument=read_mexc.instrument,
        top=read_mexc.top,
        order_hint=read_mexc.order_hint,
        ask_key=_ask_mexc,
        judge_key=judge_mexc,
        watch_prices=lambda exchange, symbols: exchange.watch_bids_asks(symbols),
        topics_per_link=30,
        topics_per_message=30,
    ),
}
