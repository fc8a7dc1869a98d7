"""Ordered faults, as ccxt meets them: the order may or may not exist, and only the books tell."""

from pathlib import Path
from typing import Any

import ccxt
import httpx
import pytest

from tests.contract.paper.conftest import Connect
from tests.support.paper import Credentials, Paper, running_paper

VENUES = pytest.mark.parametrize("venue", ["kucoin", "mexc"])
SYMBOL = "ETH/USDT"
ORDER_PATH = {"kucoin": "/api/v1/hf/orders$", "mexc": "/api/v3/order$"}


async def place(exchange: Any, client_id: str) -> Any:
    return await exchange.create_order(SYMBOL, "limit", "buy", 0.1, 2000, {"clientOrderId": client_id})


def count(paper: Paper, credentials: Credentials) -> int:
    return len(paper.account(credentials)["orders"])


@VENUES
@pytest.mark.parametrize(("when", "placed"), [("before", 0), ("after", 1)])
async def test_a_connection_cut_around_an_order(
    paper: Paper, connect: Connect, venue: str, when: str, placed: int
) -> None:
    credentials = paper.key(venue)
    exchange = await connect(paper, venue, credentials)
    await exchange.fetch_balance()

    paper.control("faults", action="cut", when=when, venue=venue, method="POST", path=ORDER_PATH[venue])
    with pytest.raises(ccxt.ExchangeNotAvailable):
        await place(exchange, f"cut{when}{venue}")

    assert count(paper, credentials) == placed
    (record,) = paper.requests(client_order_id=f"cut{when}{venue}")
    assert record["status"] == 0
    assert record["api_key"] == credentials["api_key"]


@VENUES
async def test_an_answer_that_comes_too_late(paper: Paper, connect: Connect, venue: str) -> None:
    credentials = paper.key(venue)
    exchange = await connect(paper, venue, credentials, timeout=300)

    paper.control("faults", action="delay", when="after", delay_ms=800, venue=venue, method="POST")
    with pytest.raises(ccxt.RequestTimeout):
        await place(exchange, f"late{venue}")

    assert count(paper, credentials) == 1


@VENUES
@pytest.mark.parametrize(("when", "placed"), [("before", 0), ("after", 1)])
async def test_a_server_error_instead_of_the_answer(
    paper: Paper, connect: Connect, venue: str, when: str, placed: int
) -> None:
    credentials = paper.key(venue)
    exchange = await connect(paper, venue, credentials)

    paper.control("faults", action="answer", when=when, status=503, body="<html>", content_type="text/html", times=2)
    for attempt in range(2):
        with pytest.raises(ccxt.ExchangeNotAvailable):
            await place(exchange, f"error{when}{venue}{attempt}")
    assert count(paper, credentials) == 2 * placed

    await place(exchange, f"error{when}{venue}3")
    assert count(paper, credentials) == 2 * placed + 1


@VENUES
async def test_the_request_log_counts_what_was_sent_with_an_id(paper: Paper, connect: Connect, venue: str) -> None:
    exchange = await connect(paper, venue, paper.key(venue))

    await place(exchange, f"logged{venue}")

    (record,) = paper.requests(client_order_id=f"logged{venue}")
    assert (record["venue"], record["method"], record["status"]) == (venue, "POST", 200)


@VENUES
async def test_fills_stop_and_go_on_by_order(paper: Paper, connect: Connect, venue: str) -> None:
    paper.control("price", symbol=SYMBOL, bid="2999", ask="3000")
    exchange = await connect(paper, venue, paper.key(venue))

    paper.control("fills", symbol=SYMBOL, stopped=True)
    made = await exchange.create_order(SYMBOL, "limit", "buy", 0.1, 3000)
    assert (await exchange.fetch_order(made["id"], SYMBOL))["filled"] == 0
    paper.control("fills", symbol=SYMBOL, stopped=False)
    paper.control("price", symbol=SYMBOL, bid="2999", ask="3000")

    assert (await exchange.fetch_order(made["id"], SYMBOL))["status"] == "closed"


@VENUES
async def test_an_order_is_filled_by_hand(paper: Paper, connect: Connect, venue: str) -> None:
    credentials = paper.key(venue)
    exchange = await connect(paper, venue, credentials)
    made = await place(exchange, f"hand{venue}")

    paper.control("fill", api_key=credentials["api_key"], order_id=made["id"], amount="0.04")
    assert (await exchange.fetch_order(made["id"], SYMBOL))["filled"] == 0.04
    paper.control("fill", api_key=credentials["api_key"], order_id=made["id"])

    assert (await exchange.fetch_order(made["id"], SYMBOL))["status"] == "closed"


def test_prices_that_stop_make_the_exchange_not_ready(paper: Paper) -> None:
    paper.control("prices", paused=True)
    try:
        for _ in range(200):
            if not paper.ready():
                break
        assert not paper.ready()
    finally:
        paper.control("prices", paused=False)
    for _ in range(200):
        if paper.ready():
            break
    assert paper.ready()


async def test_the_venues_limits_are_kept(tmp_path: Path, connect: Connect) -> None:
    with running_paper(tmp_path, paper_rate_limit_percent=1) as limited:
        for venue, header in (("kucoin", "gw-ratelimit-reset"), ("mexc", "Retry-After")):
            exchange = await connect(limited, venue, limited.key(venue))

            with pytest.raises(ccxt.RateLimitExceeded):
                await balances_again_and_again(exchange, 60)

            assert header in exchange.last_response_headers


async def balances_again_and_again(exchange: Any, times: int) -> None:
    for _ in range(times):
        await exchange.fetch_balance()


def test_the_controls_are_closed_unless_asked_for(paper: Paper) -> None:
    assert httpx.post(f"{paper.url}/control/price", json={}, trust_env=False).status_code == 404


def test_management_takes_json_only_so_that_no_web_page_can_use_it(paper: Paper) -> None:
    answer = httpx.post(f"{paper.url}/paper/keys", content='{"venue":"mexc"}', trust_env=False)

    assert answer.status_code == 415
    assert httpx.post(f"{paper.url}/paper/keys", json={"venue": "x"}, trust_env=False).status_code == 422
    assert httpx.get(f"{paper.url}/paper/accounts/nobody", trust_env=False).status_code == 404


def test_metrics_are_told(paper: Paper) -> None:
    paper.key("mexc")

    text = httpx.get(f"{paper.url}/metrics", trust_env=False).text

    assert "backfuture_paper_tick_seconds_count" in text
    assert httpx.get(f"{paper.url}/livez", trust_env=False).json()["service"] == "paper-exchange"
