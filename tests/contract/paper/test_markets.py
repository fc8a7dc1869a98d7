"""Unmodified ccxt reads the public side of both venues."""

import asyncio
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import ccxt
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.contract.paper.conftest import Connect, make_exchange
from tests.support.paper import Paper, running_paper

VENUES = ["kucoin", "mexc"]
SYMBOLS = {"BTC/USDT", "ETH/USDT", "SOL/USDT", "LTC/USDT", "XRP/USDT", "DOGE/USDT"}


@pytest.mark.parametrize("venue", VENUES)
async def test_markets_load_with_and_without_a_key(paper: Paper, connect: Connect, venue: str) -> None:
    anonymous = await connect(paper, venue, fresh=True)
    with_key = await connect(paper, venue, paper.key(venue), fresh=True)

    assert set(anonymous.symbols) == set(with_key.symbols) == SYMBOLS
    market = anonymous.market("BTC/USDT")
    assert market["active"]
    assert market["spot"]
    assert market["limits"]["amount"]["min"] > 0
    assert market["precision"]["price"] in {0.1, 0.01}
    assert market["taker"] == {"kucoin": 0.001, "mexc": 0.0005}[venue]


@pytest.mark.parametrize("venue", VENUES)
async def test_currencies_load_for_a_key_that_may_withdraw(paper: Paper, connect: Connect, venue: str) -> None:
    exchange = await connect(paper, venue, paper.key(venue, ["read", "trade", "withdraw"]), fresh=True)

    currencies = await exchange.fetch_currencies()

    assert {"BTC", "USDT"} <= set(currencies)
    assert exchange.currencies["USDT"]["code"] == "USDT"


@pytest.mark.parametrize("venue", VENUES)
async def test_time_and_status(paper: Paper, connect: Connect, venue: str) -> None:
    exchange = await connect(paper, venue)

    assert abs(await exchange.fetch_time() - exchange.milliseconds()) < 2_000
    assert (await exchange.fetch_status())["status"] == "ok"


@pytest.mark.parametrize("venue", VENUES)
async def test_ticker_book_trades_and_candles_tell_the_same_price(paper: Paper, connect: Connect, venue: str) -> None:
    paper.control("price", symbol="ETH/USDT", bid="3000", ask="3001")
    exchange = await connect(paper, venue)

    ticker = await exchange.fetch_ticker("ETH/USDT")
    book = await exchange.fetch_order_book("ETH/USDT")

    assert (ticker["bid"], ticker["ask"]) == (3000, 3001)
    assert (book["bids"][0][0], book["asks"][0][0]) == (3000, 3001)
    assert len(book["bids"]) == len(book["asks"]) == 20
    assert book["bids"][0][1] > 0
    assert await minute_that_shows(exchange, low=3000, high=3001)
    assert ticker["low"] <= ticker["last"] <= ticker["high"]
    assert ticker["baseVolume"] > 0


async def minute_that_shows(exchange: Any, *, low: float, high: float) -> bool:
    """Say whether the newest candle soon spans these prices: one that has just begun has not seen them yet."""
    for _ in range(50):
        newest = (await exchange.fetch_ohlcv("ETH/USDT", "1m", limit=1))[-1]
        if newest[3] <= high and newest[2] >= low:
            return True
        await asyncio.sleep(0.2)
    return False


@pytest.mark.parametrize("venue", VENUES)
async def test_all_tickers_in_one_call(paper: Paper, connect: Connect, venue: str) -> None:
    exchange = await connect(paper, venue)

    tickers = await exchange.fetch_tickers()

    assert set(tickers) == SYMBOLS
    assert all(ticker["bid"] < ticker["ask"] for ticker in tickers.values())


@pytest.mark.parametrize("venue", VENUES)
async def test_public_trades_lie_at_the_quotes(paper: Paper, connect: Connect, venue: str) -> None:
    exchange = await connect(paper, venue)

    trades = await exchange.fetch_trades("BTC/USDT")

    assert trades
    assert {trade["side"] for trade in trades} <= {"buy", "sell"}
    step = Decimal(str(exchange.market("BTC/USDT")["precision"]["price"]))
    assert all(Decimal(str(trade["price"])) % step == 0 for trade in trades)
    assert trades == sorted(trades, key=lambda trade: trade["timestamp"])


@pytest.mark.parametrize("venue", VENUES)
@pytest.mark.parametrize(("frame", "seconds"), [("1m", 60), ("1h", 3_600), ("1d", 86_400)])
async def test_candles_reach_back_and_fit_together(
    paper: Paper, connect: Connect, venue: str, frame: str, seconds: int
) -> None:
    exchange = await connect(paper, venue)

    candles = await exchange.fetch_ohlcv("SOL/USDT", frame, limit=20)

    starts = [candle[0] for candle in candles]
    assert 19 <= len(candles) <= 20
    assert all(later - earlier == seconds * 1000 for earlier, later in pairwise(starts))
    assert all(low <= min(first, last) <= max(first, last) <= high for _, first, high, low, last, _ in candles)
    assert all(volume > 0 for *_, volume in candles[:-1])


@pytest.mark.parametrize("venue", VENUES)
async def test_candles_since_a_time(paper: Paper, connect: Connect, venue: str) -> None:
    exchange = await connect(paper, venue)
    since = exchange.milliseconds() // 60_000 * 60_000 - 30 * 60_000

    candles = await exchange.fetch_ohlcv("SOL/USDT", "1m", since=since, limit=5)

    assert [candle[0] for candle in candles] == [since + 60_000 * number for number in range(5)]


@pytest.mark.parametrize("venue", VENUES)
async def test_an_unknown_market_is_a_bad_symbol(paper: Paper, connect: Connect, venue: str) -> None:
    exchange = await connect(paper, venue, fresh=True)
    exchange.markets["BTC/USDT"] = {**exchange.markets["BTC/USDT"], "id": {"kucoin": "NO-PE", "mexc": "NOPE"}[venue]}
    exchange.markets_by_id = exchange.index_by(exchange.markets, "id")

    with pytest.raises(ccxt.BadSymbol):
        await exchange.fetch_ticker("BTC/USDT")


async def test_a_recorded_market_trades_what_was_recorded(tmp_path: Path, connect: Connect) -> None:
    quotes = {"recv_us": [1, 2], "bid": [100.5, 100.5], "bid_qty": [2.0, 2.0], "ask": [101.0, 101.0]}
    table = pa.Table.from_pydict({**quotes, "ask_qty": [3.0, 3.0]})
    pq.write_table(table, tmp_path / "btcusdt_test_l1.parquet")  # type: ignore[no-untyped-call]  # pyarrow has no types

    with running_paper(tmp_path, paper_source="recorded", paper_recording_dir=tmp_path) as paper:
        for venue in VENUES:
            exchange = make_exchange(paper, venue)
            try:
                markets = await exchange.load_markets()
                book = await exchange.fetch_order_book("BTC/USDT")
                ticker = await exchange.fetch_ticker("BTC/USDT")
            finally:
                await exchange.close()
            assert set(markets) == {"BTC/USDT"}
            assert [book["bids"][0][:2], book["asks"][0][:2]] == [[100.5, 2.0], [101.0, 3.0]]
            assert ticker["low"] >= 100.5
