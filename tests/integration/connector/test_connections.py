"""Connection tests end to end: every kind of key ends where it must, and a bad one is never used again."""

import asyncio
from dataclasses import dataclass

import pytest
from backfuture_common.domain.ids import ExchangeId
from backfuture_common.messages.connections import AccountBalances, ConnectionState, RemoveConnection, TestCode
from backfuture_common.messages.orders import OrderUpdate

from tests.integration.connector.conftest import go_online
from tests.integration.connector.stage import OWNER, Connector, Stage, Topics, now_ms
from tests.unit.connector.build import command


@dataclass(frozen=True)
class Kind:
    """A kind of key, and where its test must end."""

    name: str
    rights: tuple[str, ...]
    ip_list: tuple[str, ...]
    status: str
    code: TestCode


HOME = ("127.0.0.1",)
KINDS = (
    Kind("withdraw", ("read", "trade", "withdraw"), HOME, "refused", "WITHDRAW_ENABLED"),
    Kind("transfer", ("read", "trade", "transfer"), HOME, "attention", "TRANSFER_ENABLED"),
    Kind("read only", ("read",), HOME, "attention", "TRADE_RIGHT_MISSING"),
    Kind("foreign address", ("read", "trade"), ("203.0.113.9",), "attention", "IP_NOT_ALLOWED"),
    Kind("no address list", ("read", "trade"), (), "online", "OK_WARN_NO_IP_LIST"),
)


async def test_a_good_key_goes_online_step_by_step(
    stage: Stage, bus: Topics, exchange: ExchangeId, connector: Connector
) -> None:
    online = await go_online(stage, bus, exchange)
    states = bus.states(online.connection)
    running = [step.name for state in states for step in state.steps if step.status == "running"]
    assert running == [step.name for step in online.state.steps]
    assert all(not state.trade_allowed for state in states[:-1])
    assert online.state.trade_allowed
    assert {step.status for step in online.state.steps} <= {"passed", "warned"}
    assert online.state.ip_restricted is True
    balances = await bus.until(AccountBalances, lambda one: one.connection_id == online.connection)
    assert [(one.currency, str(one.free)) for one in balances.balances] == [("USDT", "10000")]


@pytest.mark.usefixtures("connector")
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
async def test_every_other_key_ends_where_it_must(stage: Stage, bus: Topics, exchange: ExchangeId, kind: Kind) -> None:
    key = stage.paper.key(exchange.removeprefix("paper-"), kind.rights, ip_list=kind.ip_list)
    connection = stage.new_connection()
    await bus.test(connection, exchange, stage.store(connection, exchange, key))
    state = await bus.test_end(connection)
    assert (state.status, state.code) == (kind.status, kind.code)
    assert state.trade_allowed == (kind.status == "online")
    assert state.hint
    if kind.code == "IP_NOT_ALLOWED":
        assert "127.0.0.1" in state.hint


async def test_wrong_parts_of_a_credential_are_told_apart(
    stage: Stage, bus: Topics, exchange: ExchangeId, connector: Connector
) -> None:
    key = stage.paper.key(exchange.removeprefix("paper-"))
    expected: list[tuple[dict[str, str], set[str]]] = [
        ({"api_key": "0123456789abcdef01234567"}, {"KEY_UNKNOWN"}),
        ({"secret": "wrong-secret-of-the-same-key"}, {"SECRET_WRONG", "PASSPHRASE_WRONG"}),
    ]
    if "passphrase" in key:
        expected.append(({"passphrase": "wrong"}, {"PASSPHRASE_WRONG"}))
    for wrong, codes in expected:
        connection = stage.new_connection()
        await bus.test(connection, exchange, stage.store(connection, exchange, {**key, **wrong}))  # type: ignore[typeddict-item]
        state = await bus.test_end(connection)
        assert (state.status, state.code in codes) == ("attention", True), state


async def test_a_refused_key_is_never_asked_again_until_another_one_is_stored(
    stage: Stage, bus: Topics, exchange: ExchangeId, connector: Connector
) -> None:
    venue = exchange.removeprefix("paper-")
    bad = stage.paper.key(venue, ("read", "trade", "withdraw"), ip_list=["127.0.0.1"])
    connection = stage.new_connection()
    version = stage.store(connection, exchange, bad)
    await bus.test(connection, exchange, version)
    await bus.test_end(connection)
    asked = len(stage.paper.requests(venue=venue))
    await bus.test(connection, exchange, version, "test_2")
    await asyncio.sleep(1.5)
    own = [one for one in stage.paper.requests(venue=venue)[asked:] if one["api_key"] == bad["api_key"]]
    assert own == []
    assert bus.states(connection)[-1].status == "refused"
    good = stage.paper.key(venue, ip_list=["127.0.0.1"])
    await bus.test(connection, exchange, stage.store(connection, exchange, good, version=version), "test_3")
    assert (await bus.test_end(connection, "test_3")).status == "online"


async def test_a_test_makes_at_most_six_requests(
    stage: Stage, bus: Topics, exchange: ExchangeId, connector: Connector
) -> None:
    venue = exchange.removeprefix("paper-")
    before = len(stage.paper.requests(venue=venue))
    online = await go_online(stage, bus, exchange)
    last = online.state.updated_ms
    made = [
        one
        for one in stage.paper.requests(venue=venue)[before:]
        if one["at_ms"] <= last and one["api_key"] == online.key["api_key"]
    ]
    assert len(made) <= 4, made  # key, test order, balance, open orders; time and price are asked without the key


async def test_a_withdrawal_right_that_appears_later_stops_the_connection(
    stage: Stage, bus: Topics, exchange: ExchangeId
) -> None:
    stage.start(exchange, recheck_s=1)
    online = await go_online(stage, bus, exchange)
    stage.paper.control("key", api_key=online.key["api_key"], rights=["read", "trade", "withdraw"])
    state = await bus.until(
        ConnectionState, lambda one: one.connection_id == online.connection and one.status == "refused"
    )
    assert (state.code, state.trade_allowed) == ("WITHDRAW_ENABLED", False)
    order = command(f"bwithdraw{exchange[6:]}", exchange=exchange, connection=online.connection, issued_ms=now_ms())
    await bus.order(order)
    end = await bus.order_end(order.client_order_id)
    assert (end.status, end.error and end.error.code) == ("rejected", "order.connection_not_online")
    assert stage.paper.requests(client_order_id=order.client_order_id) == []


async def test_a_removed_connection_takes_no_orders_and_drops_its_lease(
    stage: Stage, bus: Topics, exchange: ExchangeId, connector: Connector
) -> None:
    online = await go_online(stage, bus, exchange)
    await bus.send_connection(
        RemoveConnection(connection_id=online.connection, owner=OWNER, exchange=exchange, requested_ms=now_ms()),
        exchange,
    )
    await bus.until(ConnectionState, lambda one: one.connection_id == online.connection and one.status == "removed")
    with stage.key_vault.client("dispense", "intake") as client:
        dropped = client.delete(f"/v1/connections/{online.connection}/leases").json()
    assert dropped == {"dropped": 0}
    order = command(f"bremoved{exchange[6:]}", exchange=exchange, connection=online.connection, issued_ms=now_ms())
    await bus.order(order)
    end = await bus.until(OrderUpdate, lambda one: one.client_order_id == order.client_order_id)
    assert end.status == "rejected"


async def test_an_exchange_that_is_down_is_told_and_the_test_is_repeated_by_itself(
    stage: Stage, bus: Topics, exchange: ExchangeId, connector: Connector
) -> None:
    venue = exchange.removeprefix("paper-")
    key = stage.paper.key(venue, ip_list=["127.0.0.1"])
    connection = stage.new_connection()
    version = stage.store(connection, exchange, key)
    stage.paper.control("outage", kind="gateway_timeout", venue=venue)
    await bus.test(connection, exchange, version)
    state = await bus.test_end(connection)
    assert (state.status, state.code) == ("attention", "VENUE_DOWN")
    stage.paper.clear_faults()
    await bus.until(ConnectionState, lambda one: one.connection_id == connection and one.status == "online")


async def test_a_connection_comes_back_after_a_restart_and_says_so_when_the_key_store_is_away(
    stage: Stage, bus: Topics, exchange: ExchangeId, connector: Connector
) -> None:
    online = await go_online(stage, bus, exchange)
    connector.kill()
    stage.key_vault.kill("dispense")
    try:
        again = stage.start(exchange, wait=False)
        state = await bus.until(
            ConnectionState, lambda one: one.connection_id == online.connection and one.status == "attention"
        )
        assert (state.code, state.trade_allowed) == ("KEY_STORE_UNAVAILABLE", False)
    finally:
        stage.key_vault.start("dispense")
    count = len([one for one in bus.states(online.connection) if one.status == "online"])
    for _ in range(600):
        if len([one for one in bus.states(online.connection) if one.status == "online"]) > count:
            break
        await asyncio.sleep(0.05)
    else:
        raise AssertionError("it did not come back")
    again.wait_ready()
