"""Unmodified ccxt.pro watches both venues, public and private; each event is checked against the books."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import ccxt
import pytest

from tests.contract.paper.conftest import Connect
from tests.support.paper import Paper

VENUES = pytest.mark.parametrize("venue", ["kucoin", "mexc"])
SYMBOL = "ETH/USDT"
WITHIN_S = 10.0


def set_price(paper: Paper, bid: str = "2999", ask: str = "3000") -> None:
    paper.control("price", symbol=SYMBOL, bid=bid, ask=ask)


async def soon(watching: Awaitable[Any]) -> Any:
    return await asyncio.wait_for(watching, WITHIN_S)


async def until(condition: Callable[[], bool]) -> None:
    for _ in range(int(WITHIN_S / 0.02)):
        if condition():
            return
        await asyncio.sleep(0.02)
    raise TimeoutError


async def watch_for_ever(exchange: Any, symbol: str, within_s: float = WITHIN_S) -> None:
    while True:
        await asyncio.wait_for(exchange.watch_trades(symbol), within_s)


TOPICS = {
    "watch_orders": {"kucoin": "/spotMarket/tradeOrders", "mexc": "spot@private.orders.v3.api.pb"},
    "watch_my_trades": {"kucoin": "/spotMarket/tradeOrders", "mexc": "spot@private.deals.v3.api.pb"},
    "watch_balance": {"kucoin": "/account/balance", "mexc": "spot@private.account.v3.api.pb"},
}


@asynccontextmanager
async def collecting(
    paper: Paper, exchange: Any, account: str, method: str, count: int
) -> AsyncIterator["asyncio.Task[list[Any]]"]:
    """Collect what a watch method returns until ``count`` items came; yields once the subscription stands."""

    async def collect() -> list[Any]:
        items: list[Any] = []
        while len(items) < count:
            news = await getattr(exchange, method)()
            items += [dict(item) for item in news] if isinstance(news, list) else [dict(news)]
        return items

    task = asyncio.ensure_future(collect())
    try:
        await until(lambda: TOPICS[method][exchange.id] in paper.topics(account))
        yield task
        await soon(task)
    finally:
        task.cancel()


async def best_prices(exchange: Any) -> tuple[float, float]:
    """Return bid and ask; ccxt's ``watch_bids_asks`` does not understand MEXC's protobuf messages."""
    if exchange.id == "mexc":
        ticker = await soon(exchange.watch_ticker(SYMBOL))
    else:
        ticker = (await soon(exchange.watch_bids_asks([SYMBOL])))[SYMBOL]
    return ticker["bid"], ticker["ask"]


@VENUES
async def test_best_prices(paper: Paper, connect: Connect, venue: str) -> None:
    set_price(paper)
    exchange = await connect(paper, venue)

    assert await best_prices(exchange) == (2999, 3000)
    set_price(paper, "2899", "2900")
    for _ in range(200):
        newest = await best_prices(exchange)
        if newest == (2899, 2900):
            break

    assert newest == (2899, 2900)


async def test_kucoins_ticker_carries_the_day(paper: Paper, connect: Connect) -> None:
    exchange = await connect(paper, "kucoin")

    ticker = await soon(exchange.watch_ticker(SYMBOL))

    assert ticker["low"] <= ticker["last"] <= ticker["high"]
    assert ticker["bid"] < ticker["ask"]


async def test_kucoin_tickers_of_several_markets_and_of_all(paper: Paper, connect: Connect) -> None:
    exchange = await connect(paper, "kucoin")

    for _ in range(20):
        await soon(exchange.watch_tickers(["BTC/USDT", SYMBOL]))
    assert {"BTC/USDT", SYMBOL} <= set(exchange.tickers)
    for _ in range(20):
        await soon(exchange.watch_tickers())

    assert set(exchange.tickers) == set(exchange.symbols)


@VENUES
async def test_public_trades(paper: Paper, connect: Connect, venue: str) -> None:
    set_price(paper)
    exchange = await connect(paper, venue)

    trades = await soon(exchange.watch_trades(SYMBOL))

    assert {trade["price"] for trade in trades} <= {2999, 3000}
    assert all(trade["amount"] > 0 for trade in trades)


@VENUES
async def test_candles(paper: Paper, connect: Connect, venue: str) -> None:
    set_price(paper)
    exchange = await connect(paper, venue)

    candle = (await soon(exchange.watch_ohlcv(SYMBOL, "1m")))[-1]

    assert candle[0] % 60_000 == 0
    assert candle[3] <= candle[4] <= candle[2]


@VENUES
async def test_the_order_book_follows_the_price(paper: Paper, connect: Connect, venue: str) -> None:
    exchange = await connect(paper, venue)
    await soon(exchange.watch_order_book(SYMBOL))

    set_price(paper, "2801", "2802")
    for _ in range(200):
        book = await soon(exchange.watch_order_book(SYMBOL))
        if (book["bids"][0][0], book["asks"][0][0]) == (2801, 2802):
            break

    truth = await exchange.fetch_order_book(SYMBOL)
    for side in ("bids", "asks"):
        assert [level[0] for level in book[side]] == [level[0] for level in truth[side]]


@VENUES
async def test_more_ways_to_watch_kucoin_books(paper: Paper, connect: Connect, venue: str) -> None:
    if venue == "mexc":
        exchange = await connect(paper, venue)
        book = await soon(exchange.watch_order_book(SYMBOL, params={"frequency": "10ms"}))
    else:
        options = {"watchOrderBook": {"spotMethod": "/spotMarket/level2Depth5"}}
        exchange = await connect(paper, venue, options=options)
        book = await soon(exchange.watch_order_book(SYMBOL))
    assert book["bids"][0][0] < book["asks"][0][0]


@VENUES
async def test_an_orders_life_and_its_fill(paper: Paper, connect: Connect, venue: str) -> None:
    set_price(paper)
    credentials = paper.key(venue)
    exchange = await connect(paper, venue, credentials)

    account = credentials["account"]
    async with (
        collecting(paper, exchange, account, "watch_orders", 3) as orders,
        collecting(paper, exchange, account, "watch_my_trades", 1) as trades,
    ):
        made = await exchange.create_order(SYMBOL, "limit", "buy", 0.1, 2950, {"clientOrderId": f"life{venue}"})
        set_price(paper, "2899", "2900")

    last = orders.result()[-1]
    (trade,) = trades.result()
    assert {order["id"] for order in orders.result()} == {made["id"]}
    assert orders.result()[0]["status"] == "open"
    assert (last["status"], last["filled"], last["clientOrderId"]) == ("closed", 0.1, f"life{venue}")
    assert (trade["order"], trade["price"], trade["amount"], trade["side"]) == (made["id"], 2950, 0.1, "buy")
    (by_rest,) = await exchange.fetch_my_trades(SYMBOL)
    assert trade["id"] == by_rest["id"]
    assert abs(trade["timestamp"] - by_rest["timestamp"]) <= 1  # ccxt turns KuCoin's nanoseconds into a float


@VENUES
async def test_a_canceled_order(paper: Paper, connect: Connect, venue: str) -> None:
    set_price(paper)
    credentials = paper.key(venue)
    exchange = await connect(paper, venue, credentials)

    async with collecting(paper, exchange, credentials["account"], "watch_orders", 2) as orders:
        made = await exchange.create_order(SYMBOL, "limit", "buy", 0.1, 2000)
        await exchange.cancel_order(made["id"], SYMBOL)

    assert [order["status"] for order in orders.result()] == ["open", "canceled"]


@VENUES
async def test_balances(paper: Paper, connect: Connect, venue: str) -> None:
    set_price(paper)
    credentials = paper.key(venue)
    exchange = await connect(paper, venue, credentials)

    async with collecting(paper, exchange, credentials["account"], "watch_balance", 3):
        await exchange.create_order(SYMBOL, "limit", "buy", 0.1, 3000)
        totals = paper.totals(credentials)
        await until(lambda: seen_totals(exchange) == totals)


def seen_totals(exchange: Any) -> dict[str, Decimal]:
    seen = exchange.balance.get("spot" if exchange.id == "mexc" else "trade", {})
    return {coin: Decimal(str(seen[coin]["total"])) for coin in ("USDT", "ETH") if coin in seen}


@VENUES
async def test_one_account_never_hears_of_another(paper: Paper, connect: Connect, venue: str) -> None:
    set_price(paper)
    credentials = paper.key(venue)
    listener = await connect(paper, venue, credentials)
    trader = await connect(paper, venue, paper.key(venue))
    mine = {"clientOrderId": f"mine{venue}"}

    async with collecting(paper, listener, credentials["account"], "watch_orders", 1) as orders:
        await trader.create_order(SYMBOL, "limit", "buy", 0.1, 2000)
        await listener.create_order(SYMBOL, "limit", "buy", 0.1, 2000, mine)

    assert [order["clientOrderId"] for order in orders.result()] == [mine["clientOrderId"]]


@VENUES
async def test_a_dropped_stream_is_a_network_error_and_comes_back(paper: Paper, connect: Connect, venue: str) -> None:
    exchange = await connect(paper, venue)
    await soon(exchange.watch_trades(SYMBOL))

    for action in ("drop", "close"):
        paper.control("streams", venue=venue, action=action)
        with pytest.raises((ccxt.NetworkError, ConnectionError)):  # the latter when ccxt was just writing
            await watch_for_ever(exchange, "SOL/USDT")

        assert await soon(exchange.watch_trades(SYMBOL))


@VENUES
async def test_refused_handshakes(paper: Paper, connect: Connect, venue: str) -> None:
    exchange = await connect(paper, venue)

    paper.control("streams", venue=venue, action="refuse")
    with pytest.raises(ccxt.NetworkError):
        await soon(exchange.watch_trades(SYMBOL))
    paper.control("streams", venue=venue, action="accept")

    assert await soon(exchange.watch_trades(SYMBOL))


@VENUES
async def test_a_mute_stream_says_nothing(paper: Paper, connect: Connect, venue: str) -> None:
    exchange = await connect(paper, venue)
    await soon(exchange.watch_trades(SYMBOL))

    assert paper.control("streams", venue=venue, action="mute", what="data")["connections"] == 1
    with pytest.raises(TimeoutError):
        await watch_for_ever(exchange, SYMBOL, within_s=0.7)
    paper.control("streams", venue=venue, action="unmute")

    assert await soon(exchange.watch_trades(SYMBOL))


async def test_a_mexc_stream_that_is_mute_to_pings_is_given_up_by_ccxt(paper: Paper, connect: Connect) -> None:
    exchange = await connect(paper, "mexc", streaming={"keepAlive": 300})
    await soon(exchange.watch_trades(SYMBOL))

    paper.control("streams", venue="mexc", action="mute", what="pings")

    with pytest.raises(ccxt.RequestTimeout):
        await watch_for_ever(exchange, SYMBOL)


async def test_a_kucoin_stream_answers_pings_unless_it_is_mute_to_them(paper: Paper, connect: Connect) -> None:
    exchange = await connect(paper, "kucoin")

    async with exchange.session.ws_connect(await exchange.negotiate(False)) as socket:
        assert (await socket.receive_json())["type"] == "welcome"
        await socket.send_json({"id": "1", "type": "ping"})
        assert (await socket.receive_json())["type"] == "pong"
        paper.control("streams", venue="kucoin", action="mute", what="pings")
        await socket.send_json({"id": "2", "type": "ping"})
        await socket.send_json({"id": "3", "type": "subscribe", "topic": f"/market/match:{SYMBOL.replace('/', '-')}"})
        assert (await socket.receive_json()) == {"id": "3", "type": "ack"}
        assert (await socket.receive_json())["subject"] == "trade.l3match"


async def test_a_forgotten_mexc_listen_key_is_refused(paper: Paper, connect: Connect) -> None:
    credentials = paper.key("mexc")
    exchange = await connect(paper, "mexc", credentials)
    async with collecting(paper, exchange, credentials["account"], "watch_orders", 1):
        await exchange.create_order(SYMBOL, "limit", "buy", 0.1, 2000)

    paper.control("sessions/forget", venue="mexc")
    paper.control("streams", venue="mexc", action="close", private=True)
    with pytest.raises(ccxt.NetworkError):
        await soon(exchange.watch_orders())

    with pytest.raises(ccxt.AuthenticationError, match="invalid listen key"):
        await soon(exchange.watch_orders())


async def test_a_forgotten_kucoin_token_is_told_as_expired(paper: Paper, connect: Connect) -> None:
    exchange = await connect(paper, "kucoin", paper.key("kucoin"))
    url = await exchange.negotiate(True)

    paper.control("sessions/forget", venue="kucoin")

    async with exchange.session.ws_connect(url) as socket:
        assert (await socket.receive_json())["data"] == "token is expired"
        assert (await socket.receive()).type.name in {"CLOSE", "CLOSED", "CLOSING"}


async def test_mexc_allows_thirty_subscriptions_a_connection(paper: Paper, connect: Connect) -> None:
    exchange = await connect(paper, "mexc")
    exchange.open()
    channels = [f"spot@public.kline.v3.api.pb@{m}USDT@Min{n}" for m in ("BTC", "ETH", "SOL", "LTC", "XRP", "DOGE")
                for n in (1, 5, 15, 30, 60)]  # fmt: skip
    extra = "spot@public.aggre.deals.v3.api.pb@100ms@BTCUSDT"

    async with exchange.session.ws_connect(exchange.urls["api"]["ws"]["spot"]) as socket:
        await socket.send_json({"method": "SUBSCRIPTION", "params": channels})
        assert (await socket.receive_json())["code"] == 0
        await socket.send_json({"method": "SUBSCRIPTION", "params": [extra]})
        while True:
            message = await socket.receive()
            if message.type.name == "TEXT":
                break

    assert "too many" in message.data


@VENUES
async def test_watching_can_be_ended(paper: Paper, connect: Connect, venue: str) -> None:
    exchange = await connect(paper, venue)
    await soon(exchange.watch_trades(SYMBOL))

    await soon(exchange.un_watch_trades(SYMBOL))

    (client,) = exchange.clients.values()
    assert f"trades:{SYMBOL}" not in client.subscriptions
