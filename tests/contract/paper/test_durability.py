"""What was answered is still true after the process was killed at any instant."""

from pathlib import Path
from typing import Any

import ccxt
import pytest

from tests.contract.paper.conftest import Connect
from tests.support.paper import Credentials, Paper, running_paper

VENUES = ("kucoin", "mexc")
SYMBOL = "ETH/USDT"


def books(paper: Paper, credentials: Credentials) -> dict[str, Any]:
    return {name: value for name, value in paper.account(credentials).items() if name != "rights"}


async def streams_open_with(exchange: Any, listen_key: str) -> None:
    assert (await exchange.spotPrivateGetUserDataStream())["listenKey"] == [listen_key]
    async with exchange.session.ws_connect(f"{exchange.urls['api']['ws']['spot']}?listenKey={listen_key}") as socket:
        await socket.send_json({"method": "ping"})
        assert (await socket.receive_json())["msg"] == "PONG"


async def test_keys_balances_orders_fills_and_listen_keys_survive_kill_9(tmp_path: Path, connect: Connect) -> None:
    credentials: dict[str, Credentials] = {}
    before: dict[str, Any] = {}
    resting: dict[str, str] = {}
    with running_paper(tmp_path) as paper:
        paper.control("price", symbol=SYMBOL, bid="2999", ask="3000")
        for venue in VENUES:
            credentials[venue] = paper.key(venue)
            exchange = await connect(paper, venue, credentials[venue])
            await exchange.create_order(SYMBOL, "limit", "buy", 0.1, 3000, {"timeInForce": "IOC"})
            rest = await exchange.create_order(SYMBOL, "limit", "buy", 0.1, 1000, {"clientOrderId": f"rest{venue}"})
            resting[venue] = rest["id"]
        listen_key = (await exchange.spotPrivatePostUserDataStream())["listenKey"]
        before = {venue: books(paper, credentials[venue]) for venue in credentials}
        paper.kill()

    with running_paper(tmp_path) as paper:
        assert {venue: books(paper, keys) for venue, keys in credentials.items()} == before
        for venue, keys in credentials.items():
            exchange = await connect(paper, venue, keys)
            found = await exchange.fetch_order(None, SYMBOL, {"clientOrderId": f"rest{venue}"})
            assert (found["id"], found["status"]) == (resting[venue], "open")
            with pytest.raises(ccxt.InvalidOrder):
                await exchange.create_order(SYMBOL, "limit", "buy", 0.1, 1000, {"clientOrderId": f"rest{venue}"})

            if venue == "mexc":
                await streams_open_with(exchange, listen_key)
            again = await exchange.create_order(SYMBOL, "limit", "buy", 0.1, 1001)
            assert again["id"] not in {order["id"] for order in before[venue]["orders"]}

        paper.control("price", symbol=SYMBOL, bid="899", ask="900")
        for keys in credentials.values():
            account = paper.account(keys)
            assert {order["status"] for order in account["orders"] if order["request"]["time_in_force"] == "GTC"} == {
                "filled"
            }
            assert account["balances"]["USDT"]["held"] == "0"


async def test_an_answered_order_is_never_lost_however_often_the_process_is_killed(
    tmp_path: Path, connect: Connect
) -> None:
    answered: dict[str, list[str]] = {venue: [] for venue in VENUES}
    credentials: dict[str, Credentials] = {}
    for life in range(2):
        with running_paper(tmp_path) as paper:
            for venue in VENUES:
                credentials.setdefault(venue, paper.key(venue))
                exchange = await connect(paper, venue, credentials[venue])
                for number in range(5):
                    client_id = f"life{life}n{number}"
                    await exchange.create_order(SYMBOL, "limit", "buy", 0.01, 1000, {"clientOrderId": client_id})
                    answered[venue].append(client_id)
            paper.kill()

    with running_paper(tmp_path) as paper:
        for venue in VENUES:
            orders = paper.account(credentials[venue])["orders"]
            assert [order["request"]["client_id"] for order in orders] == answered[venue]
            assert len({order["id"] for order in orders}) == len(orders) == 10


def test_a_second_process_on_the_same_port_says_so_and_ends(tmp_path: Path) -> None:
    with running_paper(tmp_path / "a") as paper:
        port = int(paper.url.rpartition(":")[2])
        with pytest.raises(RuntimeError, match="address_taken"), running_paper(tmp_path / "b", port=port):
            pass
