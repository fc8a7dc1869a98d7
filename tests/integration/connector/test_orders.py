"""Orders end to end under SIGKILL: at whatever point the connector dies, the exchange has the order at most once."""

import asyncio
import time
from decimal import Decimal

import pytest
from backfuture_common.domain.ids import ExchangeId
from backfuture_common.messages.connections import AccountBalances
from backfuture_common.messages.orders import CancelOrder, OrderUpdate, PlaceOrder

from tests.integration.connector.conftest import Online, go_online
from tests.integration.connector.stage import Stage, Topics, now_ms
from tests.unit.connector.build import BTC, command

ORDER_PATH = {"paper-kucoin": "/api/v1/hf/orders$", "paper-mexc": "/api/v3/order$"}


def new_order(
    exchange: ExchangeId,
    online: Online,
    name: str,
    *,
    price: str = "60001",
    amount: str = "0.01",
    life_ms: int = 60_000,
) -> PlaceOrder:
    return command(
        f"b{name}{exchange[6:]}",
        exchange=exchange,
        connection=online.connection,
        amount=amount,
        price="60001",
        issued_ms=now_ms(),
        life_ms=life_ms,
    )


def in_the_book(stage: Stage, online: Online, order: PlaceOrder) -> int:
    books = stage.paper.account(online.key)["orders"]
    return sum(one["request"]["client_id"] == order.client_order_id for one in books)


def hold_price(stage: Stage) -> None:
    stage.paper.control("price", symbol="BTC/USDT", bid="60000", ask="60001")


async def sent(stage: Stage, order: PlaceOrder) -> None:
    """Wait until the request has reached the exchange."""
    for _ in range(400):
        if stage.paper.requests(client_order_id=order.client_order_id, method="POST"):
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it was not sent")


@pytest.mark.usefixtures("connector")
async def test_an_order_is_filled_told_and_paid(stage: Stage, bus: Topics, exchange: ExchangeId) -> None:
    hold_price(stage)
    online = await go_online(stage, bus, exchange)
    order = new_order(exchange, online, "whole")
    started_s = time.monotonic()
    await bus.order(order)
    end = await bus.order_end(order.client_order_id)
    took_s = time.monotonic() - started_s
    assert [update.status for update in bus.updates(order.client_order_id)] == ["submitting", "filled"]
    assert (end.fills.amount, end.fills.cost) == (Decimal("0.01"), Decimal("600.01"))
    assert (end.bot_id, end.group_id, end.owner) == (order.bot_id, order.group_id, order.owner)
    spent = Decimal(10_000) - end.fills.cost - end.fills.fee_quote
    await bus.until(
        AccountBalances,
        lambda one: (
            one.connection_id == online.connection and {b.currency: b.free for b in one.balances}.get("USDT") == spent
        ),
    )
    assert took_s < 5


@pytest.mark.usefixtures("connector")
async def test_a_command_delivered_twice_is_sent_once_and_answered_twice(
    stage: Stage, bus: Topics, exchange: ExchangeId
) -> None:
    hold_price(stage)
    online = await go_online(stage, bus, exchange)
    order = new_order(exchange, online, "twice")
    await bus.order(order)
    await bus.order_end(order.client_order_id)
    await bus.order(order)
    for _ in range(200):
        if [update.status for update in bus.updates(order.client_order_id)].count("filled") == 2:
            break
        await asyncio.sleep(0.05)
    first, second = (one for one in bus.updates(order.client_order_id) if one.status == "filled")
    assert first == second
    assert in_the_book(stage, online, order) == 1
    assert len(stage.paper.requests(client_order_id=order.client_order_id, method="POST")) == 1


@pytest.mark.usefixtures("connector")
async def test_orders_that_may_not_leave_are_answered(stage: Stage, bus: Topics, exchange: ExchangeId) -> None:
    hold_price(stage)
    online = await go_online(stage, bus, exchange)
    late = new_order(exchange, online, "late", life_ms=0)
    odd = new_order(exchange, online, "odd", amount="0.0100000000001")
    stranger = command(
        f"bstranger{exchange[6:]}", exchange=exchange, connection=stage.new_connection(), issued_ms=now_ms()
    )
    for order in (late, odd, stranger):
        await bus.order(order)
    codes = [(await bus.order_end(order.client_order_id)).error for order in (late, odd, stranger)]
    assert [error.code if error else None for error in codes] == [
        "order.expired",
        "order.off_step",
        "order.connection_unknown",
    ]
    assert stage.paper.account(online.key)["orders"] == []


@pytest.mark.usefixtures("connector")
async def test_a_cancel_of_an_ended_order_is_answered_with_its_end(
    stage: Stage, bus: Topics, exchange: ExchangeId
) -> None:
    hold_price(stage)
    online = await go_online(stage, bus, exchange)
    order = new_order(exchange, online, "ended")
    await bus.order(order)
    end = await bus.order_end(order.client_order_id)
    await bus.order(
        CancelOrder(
            client_order_id=order.client_order_id,
            connection_id=order.connection_id,
            owner=order.owner,
            bot_id=order.bot_id,
            group_id=order.group_id,
            exchange=exchange,
            symbol=BTC,
            issued_ms=now_ms(),
        )
    )
    for _ in range(200):
        if bus.updates(order.client_order_id).count(end) == 2:
            return
        await asyncio.sleep(0.05)
    raise AssertionError("it was not answered")


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("killaccepted", {"action": "delay", "when": "after", "delay_ms": 5_000}),
        ("killonitsway", {"action": "delay", "when": "before", "delay_ms": 2_500}),
        ("killlost", {"action": "cut", "when": "before"}),
    ],
    ids=["accepted, answer under way", "request under way", "request lost"],
)
async def test_killed_around_the_request_the_order_is_placed_exactly_once(
    stage: Stage, bus: Topics, exchange: ExchangeId, name: str, fault: dict[str, object]
) -> None:
    hold_price(stage)
    connector = stage.usual(exchange)
    online = await go_online(stage, bus, exchange)
    order = new_order(exchange, online, name)
    stage.paper.control("faults", venue=exchange[6:], method="POST", path=ORDER_PATH[exchange], **fault)
    await bus.order(order)
    await sent(stage, order)
    connector.kill()
    stage.start(exchange)
    end = await bus.order_end(order.client_order_id)
    assert (end.status, end.fills.amount) == ("filled", Decimal("0.01"))
    assert in_the_book(stage, online, order) == 1


async def test_killed_before_the_request_the_order_is_sent_after_the_restart(
    stage: Stage, bus: Topics, exchange: ExchangeId
) -> None:
    """The exchange has just asked for a second of silence: "submitting" is written, and the request has to wait."""
    hold_price(stage)
    connector = stage.usual(exchange)
    online = await go_online(stage, bus, exchange)
    first, second = new_order(exchange, online, "hushed"), new_order(exchange, online, "waiting")
    stage.paper.control(
        "faults",
        action="answer",
        venue=exchange[6:],
        method="POST",
        path=ORDER_PATH[exchange],
        status=429,
        body="{}",
        headers={"Retry-After": "1"},
    )
    await bus.order(first)
    await bus.order(second)
    await bus.until(OrderUpdate, lambda one: one.client_order_id == second.client_order_id)
    connector.kill()
    assert stage.paper.requests(client_order_id=second.client_order_id) == [], "it was too fast for this test"
    stage.start(exchange)
    end = await bus.order_end(second.client_order_id)
    assert (end.status, in_the_book(stage, online, second)) == ("filled", 1)
    assert (await bus.order_end(first.client_order_id)).status == "rejected"
    assert in_the_book(stage, online, first) == 0


async def test_killed_again_and_again_every_order_is_placed_exactly_once(
    stage: Stage, bus: Topics, exchange: ExchangeId
) -> None:
    hold_price(stage)
    connector = stage.usual(exchange)
    online = await go_online(stage, bus, exchange, balances={"USDT": "100000"})
    orders = [new_order(exchange, online, f"storm{number}", amount="0.001") for number in range(12)]
    for number, order in enumerate(orders):
        await bus.order(order)
        if number % 4 == 3:
            await asyncio.sleep(0.1 * (number // 4))
            connector.kill()
            connector = stage.start(exchange, wait=False)
    for order in orders:
        end = await bus.order_end(order.client_order_id, within_s=90)
        assert end.status == "filled", end
        assert in_the_book(stage, online, order) == 1


async def test_a_second_connector_ends_the_first_and_nothing_is_doubled(
    stage: Stage, bus: Topics, exchange: ExchangeId
) -> None:
    hold_price(stage)
    first = stage.usual(exchange)
    online = await go_online(stage, bus, exchange)
    second = stage.start_beside(exchange)
    orders = [new_order(exchange, online, f"fence{number}", amount="0.001") for number in range(5)]
    for order in orders:
        await bus.order(order)
    for order in orders:
        assert (await bus.order_end(order.client_order_id, within_s=90)).status == "filled"
        assert in_the_book(stage, online, order) == 1
    alive = [one for one in (first, second) if one.process.poll() is None]
    for connector in alive:
        connector.kill()


async def test_orders_of_one_connection_do_not_wait_for_those_of_another(
    stage: Stage, bus: Topics, exchange: ExchangeId
) -> None:
    hold_price(stage)
    stage.usual(exchange)
    slow, quick = await go_online(stage, bus, exchange), await go_online(stage, bus, exchange)
    held = new_order(exchange, slow, "held")
    stage.paper.control(
        "faults", action="cut", when="before", venue=exchange[6:], method="POST", path=ORDER_PATH[exchange]
    )
    await bus.order(held)
    await sent(stage, held)
    order = new_order(exchange, quick, "quick")
    await bus.order(order)
    assert (await bus.order_end(order.client_order_id, within_s=5)).status == "filled"
    assert not [one for one in bus.updates(held.client_order_id) if one.status == "filled"]
    assert (await bus.order_end(held.client_order_id)).status == "filled"


async def test_no_log_holds_a_secret_even_when_everything_is_logged(
    stage: Stage, bus: Topics, exchange: ExchangeId
) -> None:
    hold_price(stage)
    connector = stage.start(exchange, log_level="DEBUG")
    online = await go_online(stage, bus, exchange)
    faults: list[dict[str, object]] = [{"action": "cut"}, {"action": "answer", "status": 502, "body": "<html>"}]
    for number, fault in enumerate(faults):
        order = new_order(exchange, online, f"logged{number}")
        stage.paper.control("faults", venue=exchange[6:], path=ORDER_PATH[exchange], when="after", **fault)
        await bus.order(order)
        assert (await bus.order_end(order.client_order_id)).status == "filled"
    connector.kill()
    log = connector.log.read_text()
    assert "order.not_taken" in log
    token = stage.key_vault.token_file(f"connector-{exchange}").read_text().strip()
    secrets = [online.key["secret"], online.key["api_key"], online.key.get("passphrase", token), token]
    assert [secret for secret in secrets if secret in log] == []
    assert "signature=" not in log
