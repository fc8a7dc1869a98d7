"""Unmodified ccxt trades on both venues; the exchange's own books are the oracle."""

import asyncio
from decimal import Decimal
from typing import Any

import ccxt
import pytest

from tests.contract.paper.conftest import Connect
from tests.support.paper import Credentials, Paper

VENUES = pytest.mark.parametrize("venue", ["kucoin", "mexc"])
SYMBOL = "ETH/USDT"


def set_price(paper: Paper, bid: str = "2999", ask: str = "3000") -> None:
    paper.control("price", symbol=SYMBOL, bid=bid, ask=ask)


async def trader(paper: Paper, connect: Connect, venue: str, **balances: str) -> tuple[Any, Credentials]:
    credentials = paper.key(venue, balances=balances or None)
    return await connect(paper, venue, credentials), credentials


def only_order(paper: Paper, credentials: Credentials) -> dict[str, Any]:
    (order,) = paper.account(credentials)["orders"]
    found: dict[str, Any] = order
    return found


@VENUES
async def test_a_limit_order_rests_is_found_in_every_way_and_canceled(
    paper: Paper, connect: Connect, venue: str
) -> None:
    set_price(paper)
    exchange, credentials = await trader(paper, connect, venue)

    made = await exchange.create_order(SYMBOL, "limit", "buy", 0.1, 2000, {"clientOrderId": "rest1"})
    by_id = await exchange.fetch_order(made["id"], SYMBOL)
    by_client_id = await exchange.fetch_order(None, SYMBOL, {"clientOrderId": "rest1"})
    listed = await exchange.fetch_open_orders(SYMBOL)
    held = await exchange.fetch_balance()

    assert by_id["id"] == by_client_id["id"] == made["id"]
    assert by_client_id["clientOrderId"] == "rest1"
    assert (by_id["status"], by_id["filled"], by_id["amount"], by_id["price"]) == ("open", 0, 0.1, 2000)
    assert [order["id"] for order in listed] == [made["id"]]
    fee = Decimal("0.2") if venue == "kucoin" else Decimal(0)
    assert Decimal(str(held["USDT"]["used"])) == 200 + fee

    await exchange.cancel_order(made["id"], SYMBOL)

    canceled = await exchange.fetch_order(made["id"], SYMBOL)
    assert canceled["status"] == "canceled"
    assert await exchange.fetch_open_orders(SYMBOL) == []
    assert paper.totals(credentials) == {"USDT": Decimal(10_000)}
    assert (await exchange.fetch_balance())["USDT"]["free"] == 10_000


@VENUES
async def test_an_order_is_canceled_by_its_client_id(paper: Paper, connect: Connect, venue: str) -> None:
    set_price(paper)
    exchange, credentials = await trader(paper, connect, venue)
    await exchange.create_order(SYMBOL, "limit", "buy", 0.1, 2000, {"clientOrderId": "mine1"})

    await exchange.cancel_order(None, SYMBOL, {"clientOrderId": "mine1"})

    assert only_order(paper, credentials)["status"] == "canceled"


@VENUES
async def test_all_orders_of_a_market_are_canceled(paper: Paper, connect: Connect, venue: str) -> None:
    set_price(paper)
    exchange, credentials = await trader(paper, connect, venue)
    for price in (2000, 2100):
        await exchange.create_order(SYMBOL, "limit", "buy", 0.1, price)

    await exchange.cancel_all_orders(SYMBOL)

    assert {order["status"] for order in paper.account(credentials)["orders"]} == {"canceled"}
    await exchange.cancel_all_orders()


@VENUES
async def test_a_limit_order_that_crosses_fills_at_the_book_and_pays_the_taker_fee(
    paper: Paper, connect: Connect, venue: str
) -> None:
    set_price(paper)
    exchange, credentials = await trader(paper, connect, venue)

    made = await exchange.create_order(SYMBOL, "limit", "buy", 0.1, 3100, {"timeInForce": "IOC"})

    order = await exchange.fetch_order(made["id"], SYMBOL)
    (trade,) = await exchange.fetch_my_trades(SYMBOL)
    assert (order["status"], order["filled"], order["cost"], order["average"]) == ("closed", 0.1, 300, 3000)
    assert (trade["order"], trade["price"], trade["amount"], trade["cost"]) == (made["id"], 3000, 0.1, 300)
    assert (trade["side"], trade["takerOrMaker"]) == ("buy", "taker")
    totals = paper.totals(credentials)
    if venue == "kucoin":
        assert trade["fee"] == {"cost": 0.3, "currency": "USDT", "rate": 0.001}
        assert totals == {"USDT": Decimal("9699.7"), "ETH": Decimal("0.1")}
    else:
        assert (trade["fee"]["cost"], trade["fee"]["currency"]) == (0.00005, "ETH")
        assert totals == {"USDT": Decimal(9_700), "ETH": Decimal("0.09995")}


@VENUES
async def test_selling_pays_its_fee_in_the_quote_coin(paper: Paper, connect: Connect, venue: str) -> None:
    set_price(paper)
    exchange, credentials = await trader(paper, connect, venue, ETH="1")

    await exchange.create_order(SYMBOL, "limit", "sell", 0.1, 2999, {"timeInForce": "IOC"})

    (trade,) = await exchange.fetch_my_trades(SYMBOL)
    rate = {"kucoin": Decimal("0.001"), "mexc": Decimal("0.0005")}[venue]
    assert trade["fee"]["currency"] == "USDT"
    assert Decimal(str(trade["fee"]["cost"])) == Decimal("299.9") * rate
    assert paper.totals(credentials) == {"ETH": Decimal("0.9"), "USDT": Decimal("299.9") * (1 - rate)}


@VENUES
async def test_an_ioc_order_larger_than_the_level_fills_partly_and_the_rest_is_canceled(
    paper: Paper, connect: Connect, venue: str
) -> None:
    set_price(paper)
    exchange, credentials = await trader(paper, connect, venue, USDT="100000")

    made = await exchange.create_order(SYMBOL, "limit", "buy", 10, 3000, {"timeInForce": "IOC", "clientOrderId": "p1"})

    order = await exchange.fetch_order(None, SYMBOL, {"clientOrderId": "p1"})
    trades = await exchange.fetch_my_trades(SYMBOL)
    assert order["id"] == made["id"]
    assert order["status"] == "canceled"
    assert 0 < order["filled"] < 10
    assert sum(trade["amount"] for trade in trades) == pytest.approx(order["filled"])
    assert await exchange.fetch_open_orders(SYMBOL) == []
    (balance,) = [parts for coin, parts in paper.account(credentials)["balances"].items() if coin == "USDT"]
    assert balance["held"] == "0"


@VENUES
async def test_an_ioc_order_that_meets_nobody_is_canceled_without_a_fill(
    paper: Paper, connect: Connect, venue: str
) -> None:
    set_price(paper)
    exchange, credentials = await trader(paper, connect, venue)

    made = await exchange.create_order(SYMBOL, "limit", "buy", 0.1, 2990, {"timeInForce": "IOC"})

    order = await exchange.fetch_order(made["id"], SYMBOL)
    assert (order["status"], order["filled"]) == ("canceled", 0)
    assert paper.totals(credentials) == {"USDT": Decimal(10_000)}


@VENUES
async def test_a_fok_order_fills_whole_or_not_at_all(paper: Paper, connect: Connect, venue: str) -> None:
    set_price(paper)
    exchange, _ = await trader(paper, connect, venue, USDT="100000")

    small = await exchange.create_order(SYMBOL, "limit", "buy", 0.1, 3000, {"timeInForce": "FOK"})
    large = await exchange.create_order(SYMBOL, "limit", "buy", 10, 3000, {"timeInForce": "FOK"})

    assert (await exchange.fetch_order(small["id"], SYMBOL))["status"] == "closed"
    refused = await exchange.fetch_order(large["id"], SYMBOL)
    assert (refused["status"], refused["filled"]) == ("canceled", 0)


@VENUES
async def test_a_post_only_order_never_takes(paper: Paper, connect: Connect, venue: str) -> None:
    set_price(paper)
    exchange, _ = await trader(paper, connect, venue)

    crossing = await exchange.create_order(SYMBOL, "limit", "buy", 0.1, 3000, {"postOnly": True})
    resting = await exchange.create_order(SYMBOL, "limit", "buy", 0.1, 2990, {"postOnly": True})

    assert (await exchange.fetch_order(crossing["id"], SYMBOL))["status"] == "canceled"
    assert (await exchange.fetch_order(resting["id"], SYMBOL))["status"] == "open"


@VENUES
async def test_a_market_buy_by_cost_spends_no_more_than_the_cost(paper: Paper, connect: Connect, venue: str) -> None:
    set_price(paper)
    exchange, credentials = await trader(paper, connect, venue)

    made = await exchange.create_market_buy_order_with_cost(SYMBOL, 100)

    order = await exchange.fetch_order(made["id"], SYMBOL)
    assert order["status"] == "closed"
    assert 99.9 < order["cost"] <= 100
    fee = Decimal(only_order(paper, credentials)["fee"]) if venue == "kucoin" else Decimal(0)
    spent = Decimal(10_000) - paper.totals(credentials)["USDT"]
    assert spent == Decimal(str(order["cost"])) + fee


@VENUES
async def test_a_market_sell_by_amount(paper: Paper, connect: Connect, venue: str) -> None:
    set_price(paper)
    exchange, credentials = await trader(paper, connect, venue, ETH="1")

    made = await exchange.create_order(SYMBOL, "market", "sell", 0.5)

    order = await exchange.fetch_order(made["id"], SYMBOL)
    assert (order["status"], order["filled"], order["average"]) == ("closed", 0.5, 2999)
    assert paper.totals(credentials)["ETH"] == Decimal("0.5")


@VENUES
async def test_a_resting_order_fills_at_its_own_price_when_the_market_reaches_it(
    paper: Paper, connect: Connect, venue: str
) -> None:
    set_price(paper)
    exchange, credentials = await trader(paper, connect, venue)
    made = await exchange.create_order(SYMBOL, "limit", "buy", 0.1, 2950)

    set_price(paper, bid="2899", ask="2900")

    order = await exchange.fetch_order(made["id"], SYMBOL)
    (trade,) = await exchange.fetch_my_trades(SYMBOL)
    assert (order["status"], order["average"]) == ("closed", 2950)
    assert trade["takerOrMaker"] == "maker"
    assert paper.totals(credentials)["USDT"] == Decimal("9704.705" if venue == "kucoin" else "9705")


@VENUES
async def test_a_large_resting_order_fills_in_parts_as_liquidity_comes_back(
    paper: Paper, connect: Connect, venue: str
) -> None:
    set_price(paper)
    exchange, _ = await trader(paper, connect, venue, USDT="1000000")
    made = await exchange.create_order(SYMBOL, "limit", "buy", 20, 3000)
    first = await exchange.fetch_order(made["id"], SYMBOL)
    assert first["status"] == "open"
    assert 0 < first["filled"] < 20

    for _ in range(100):
        await asyncio.sleep(0.05)
        order = await exchange.fetch_order(made["id"], SYMBOL)
        if order["status"] == "closed":
            break

    assert order["filled"] == 20
    trades = await exchange.fetch_my_trades(SYMBOL, limit=100)
    assert {trade["takerOrMaker"] for trade in trades} == {"taker", "maker"}


@VENUES
async def test_test_orders_are_checked_and_never_placed(paper: Paper, connect: Connect, venue: str) -> None:
    set_price(paper)
    exchange, credentials = await trader(paper, connect, venue)

    await exchange.create_order(SYMBOL, "limit", "buy", 0.1, 2000, {"test": True})
    with pytest.raises(ccxt.InsufficientFunds):
        await exchange.create_order(SYMBOL, "limit", "buy", 100, 2000, {"test": True})

    assert paper.account(credentials)["orders"] == []


@VENUES
async def test_too_little_money_is_insufficient_funds_and_changes_nothing(
    paper: Paper, connect: Connect, venue: str
) -> None:
    set_price(paper)
    exchange, credentials = await trader(paper, connect, venue)

    for side, amount in (("buy", 10), ("sell", 1)):
        with pytest.raises(ccxt.InsufficientFunds):
            await exchange.create_order(SYMBOL, "limit", side, amount, 3000)

    assert paper.account(credentials)["orders"] == []
    assert paper.totals(credentials) == {"USDT": Decimal(10_000)}


@VENUES
async def test_an_unknown_order(paper: Paper, connect: Connect, venue: str) -> None:
    exchange, _ = await trader(paper, connect, venue)
    missing = {"kucoin": "670000000000000000ffffff", "mexc": "C02__699999999999999999"}[venue]

    if venue == "kucoin":
        assert (await exchange.fetch_order(missing, SYMBOL))["id"] is None
        assert (await exchange.fetch_order(None, SYMBOL, {"clientOrderId": "nobody"}))["id"] is None
        with pytest.raises(ccxt.OrderNotFound, match="order_not_exist_or_not_allow_to_cancel"):
            await exchange.cancel_order(missing, SYMBOL)
    else:
        with pytest.raises(ccxt.ExchangeError, match="-2013"):
            await exchange.fetch_order(missing, SYMBOL)
        with pytest.raises(ccxt.ExchangeError, match="-2013"):
            await exchange.fetch_order(None, SYMBOL, {"clientOrderId": "nobody"})
        with pytest.raises(ccxt.BadRequest, match="-2011"):
            await exchange.cancel_order(missing, SYMBOL)


@VENUES
async def test_nobody_sees_or_cancels_the_orders_of_another_account(paper: Paper, connect: Connect, venue: str) -> None:
    set_price(paper)
    owner, credentials = await trader(paper, connect, venue)
    stranger, _ = await trader(paper, connect, venue)
    made = await owner.create_order(SYMBOL, "limit", "buy", 0.1, 2000)

    with pytest.raises(ccxt.ExchangeError):
        await stranger.cancel_order(made["id"], SYMBOL)
    assert await stranger.fetch_open_orders(SYMBOL) == []

    assert only_order(paper, credentials)["status"] == "open"


@VENUES
async def test_a_client_id_is_refused_while_its_order_is_open_and_free_again_afterwards(
    paper: Paper, connect: Connect, venue: str
) -> None:
    set_price(paper)
    exchange, credentials = await trader(paper, connect, venue)
    made = await exchange.create_order(SYMBOL, "limit", "buy", 0.1, 2000, {"clientOrderId": "twice"})

    with pytest.raises(ccxt.InvalidOrder):
        await exchange.create_order(SYMBOL, "limit", "buy", 0.1, 2000, {"clientOrderId": "twice"})
    assert only_order(paper, credentials)["status"] == "open"

    await exchange.cancel_order(made["id"], SYMBOL)
    again = await exchange.create_order(SYMBOL, "limit", "buy", 0.1, 2000, {"clientOrderId": "twice"})
    newest = await exchange.fetch_order(None, SYMBOL, {"clientOrderId": "twice"})
    assert newest["id"] == again["id"] != made["id"]


@VENUES
async def test_orders_below_the_minimums_or_off_the_steps_are_refused(
    paper: Paper, connect: Connect, venue: str
) -> None:
    exchange, credentials = await trader(paper, connect, venue)
    market = exchange.market(SYMBOL)

    async def place_as_it_is(size: str, price: str) -> None:
        if venue == "kucoin":
            order = {"clientOid": exchange.uuid(), "symbol": "ETH-USDT", "side": "buy", "type": "limit"}
            await exchange.privatePostHfOrders({**order, "size": size, "price": price})
        else:
            order = {"symbol": "ETHUSDT", "side": "BUY", "type": "LIMIT"}
            await exchange.spotPrivatePostOrder({**order, "quantity": size, "price": price})

    smallest = market["limits"]["amount"]["min"]

    for error, amount, price in (
        (ccxt.InvalidOrder, f"{smallest / 10:.8f}", "2000"),
        (ccxt.InvalidOrder, f"{smallest:.8f}", "100"),
        ({"kucoin": ccxt.InsufficientFunds, "mexc": ccxt.BadRequest}[venue], "0.1", "2000.001"),
        ({"kucoin": ccxt.InvalidOrder, "mexc": ccxt.BadRequest}[venue], "0.100000001", "2000"),
    ):
        with pytest.raises(error):
            await place_as_it_is(amount, price)

    assert paper.account(credentials)["orders"] == []


@VENUES
async def test_ended_orders_are_listed_newest_last(paper: Paper, connect: Connect, venue: str) -> None:
    set_price(paper)
    exchange, _ = await trader(paper, connect, venue)
    first = await exchange.create_order(SYMBOL, "limit", "buy", 0.1, 3000)
    second = await exchange.create_order(SYMBOL, "limit", "buy", 0.1, 2000)
    await exchange.cancel_order(second["id"], SYMBOL)

    closed = await exchange.fetch_closed_orders(SYMBOL)

    states = {order["id"]: order["status"] for order in closed}
    assert states[first["id"]] == "closed"
    if venue == "mexc":
        everything = await exchange.fetch_orders(SYMBOL)
        assert [order["id"] for order in everything] == [first["id"], second["id"]]


@VENUES
async def test_several_orders_in_one_call(paper: Paper, connect: Connect, venue: str) -> None:
    set_price(paper)
    exchange, credentials = await trader(paper, connect, venue)
    wanted: list[dict[str, Any]] = [
        {"symbol": SYMBOL, "type": "limit", "side": "buy", "amount": 0.1, "price": price, "params": {}}
        for price in (2000, 2100)
    ]

    await exchange.create_orders(wanted)

    prices = {order["request"]["price"] for order in paper.account(credentials)["orders"]}
    assert prices == {"2000", "2100"}


@VENUES
async def test_trading_fees(paper: Paper, connect: Connect, venue: str) -> None:
    exchange, _ = await trader(paper, connect, venue)

    fee = await exchange.fetch_trading_fee(SYMBOL)

    assert fee["taker"] == {"kucoin": 0.001, "mexc": 0.0005}[venue]
