"""Recorded and mirrored prices."""

import asyncio
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from aiohttp import web
from backfuture_common.errors import Fatal
from backfuture_common.runtime.logging import get_logger
from backfuture_paper.sources.mirror import MirroredPrices
from backfuture_paper.sources.recorded import RecordedPrices

from tests.unit.paper.worlds import d

ANCHOR_MS = 1_800_000_000_000
SECOND_US = 1_000_000


def record(folder: Path) -> None:
    """Write three best prices, one second apart, and two trades."""
    moments = [5 * SECOND_US, 6 * SECOND_US, 7 * SECOND_US]
    l1 = {"recv_us": moments, "update_id": [1, 2, 3], "bid": [100.1, 101.0, 102.0], "bid_qty": [1.5, 1.0, 1.0]}
    l1 |= {"ask": [100.2, 101.5, 102.5], "ask_qty": [2.5, 1.0, 1.0]}
    trades = {"recv_us": [5_500_000, 6_500_000], "ts": [0, 0], "id": [8, 9], "price": [100.2, 101.0]}
    trades |= {"qty": [0.5, 0.25], "buyer_is_maker": [False, True]}
    for name, columns in (("l1", l1), ("trades", trades)):
        path = folder / f"btcusdt_tick_test_{name}.parquet"
        pq.write_table(pa.Table.from_pydict(columns), path)  # type: ignore[no-untyped-call]  # pyarrow has no types


def test_a_recording_is_played_in_its_own_time(tmp_path: Path) -> None:
    record(tmp_path)
    prices = RecordedPrices(tmp_path, ANCHOR_MS)

    first, second = prices.quote("BTC/USDT", ANCHOR_MS), prices.quote("BTC/USDT", ANCHOR_MS + 1_999)

    assert prices.symbols == ("BTC/USDT",)
    assert first is not None
    assert second is not None
    assert (first.bid, first.bid_size, first.ask, first.ask_size) == (d("100.1"), d("1.5"), d("100.2"), d("2.5"))
    assert second.bid == 101
    assert second.at_ms == ANCHOR_MS + 1_999


def test_a_recording_is_played_faster_and_in_a_loop(tmp_path: Path) -> None:
    record(tmp_path)
    fast = RecordedPrices(tmp_path, ANCHOR_MS, speed_percent=1_000)

    bids = [quote.bid for tenth in range(4) if (quote := fast.quote("BTC/USDT", ANCHOR_MS + 100 * tenth))]

    assert bids == [d("100.1"), d(101), d(102), d("100.1")]


def test_recorded_trades_come_once_each(tmp_path: Path) -> None:
    record(tmp_path)
    prices = RecordedPrices(tmp_path, ANCHOR_MS)

    found = [
        trade
        for start in range(0, 2_000, 250)
        for trade in prices.trades("BTC/USDT", ANCHOR_MS + start, ANCHOR_MS + start + 250) or []
    ]

    assert [(trade.id, trade.side, trade.price, trade.amount) for trade in found] == [
        (8, "buy", d("100.2"), d("0.5")),
        (9, "sell", d(101), d("0.25")),
    ]


def test_an_empty_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(Fatal, match="no_recording"):
        RecordedPrices(tmp_path, ANCHOR_MS)


async def until(condition: Callable[[], bool]) -> None:
    for _ in range(1_000):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise TimeoutError


@pytest.mark.parametrize(
    ("venue", "answer"),
    [
        ("mexc", [{"symbol": "BTCUSDT", "bidPrice": "64000.5", "askPrice": "64001"}, {"symbol": "ODDUSDT"}]),
        ("kucoin", {"code": "200000", "data": {"ticker": [{"symbol": "BTC-USDT", "buy": "64000.5", "sell": "64001"}]}}),
    ],
)
async def test_a_mirror_follows_the_venue_and_knows_nothing_when_it_falls_silent(venue: str, answer: object) -> None:
    healthy = True

    async def serve(_request: web.Request) -> web.Response:
        return web.json_response(answer) if healthy else web.Response(status=503)

    app = web.Application()
    app.router.add_get("/prices", serve)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/prices"
    mirror = MirroredPrices(venue, get_logger("test"), url=url, every_s=0.02, stale_s=0.3)  # type: ignore[arg-type]  # one of the two

    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        running = group.create_task(mirror.keep_up())
        assert mirror.quote("BTC/USDT", 1) is None
        await until(lambda: mirror.quote("BTC/USDT", 5) is not None)
        quote = mirror.quote("BTC/USDT", 5)
        assert quote is not None
        assert (quote.bid, quote.ask, quote.at_ms) == (Decimal("64000.5"), Decimal(64_001), 5)
        healthy = False
        await until(lambda: mirror.quote("BTC/USDT", 5) is None)
        healthy = True
        await until(lambda: mirror.quote("BTC/USDT", 5) is not None)
        running.cancel()
    await runner.cleanup()
