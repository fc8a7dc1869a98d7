"""Connections over HTTP, but for the key's way into the vault (see the integration tests)."""

from typing import Any

import pytest
from backfuture_common.domain.ids import UserId
from backfuture_common.messages.bots import StopBot
from backfuture_common.messages.connections import RemoveConnection, TestConnection, TestStep
from backfuture_gateway.db.tables import BotRow, ConnectionRow

from tests.support.gateway import GatewayUnderTest
from tests.support.gateway_records import (
    STRATEGY,
    connection_state,
    live_group,
    refused_state,
    snapshot,
    spec,
)

Headers = dict[str, str]
KEY = {"name": "main", "exchange": "paper-mexc", "api_key": "abcdefgh12345678", "secret": "b" * 32}


@pytest.fixture
async def owner(gateway: GatewayUnderTest) -> UserId:
    return await gateway.add_user("eve")


@pytest.fixture
async def eve(gateway: GatewayUnderTest, owner: UserId) -> Headers:
    return await gateway.log_in("eve")


async def _phase(gateway: GatewayUnderTest, connection: str) -> str:
    async with gateway.gateway.db.read() as session:
        row = await session.get(ConnectionRow, connection)
        assert row is not None
        return row.phase


async def _add_bot(gateway: GatewayUnderTest, owner: UserId, connection: str, **state: Any) -> None:
    async with gateway.gateway.db.write() as session:
        session.add(
            BotRow(
                id="bot_1", owner_id=owner, name="dips", connection_id=connection, spec={}, preset=None,
                wanted="running", wanted_ms=1, created_ms=1, command_id="cmd_1",
            )
        )  # fmt: skip
    await gateway.tell(snapshot(spec("bot_1", owner, connection), seq=1, **state))


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"exchange": "kucoin"}, 422, "exchange.not_enabled"),
        ({"exchange": "mtgox"}, 422, "exchange.not_enabled"),
        ({"exchange": "paper-kucoin"}, 422, "connection.passphrase_missing"),
        ({"passphrase": "open sesame"}, 422, "request.invalid"),
        ({"passphrase": "opensesame"}, 422, "connection.passphrase_unwanted"),
        ({"api_key": "short"}, 422, "request.invalid"),
        ({}, 503, "vault.no_token"),
    ],
)
async def test_what_cannot_be_stored_is_refused_and_leaves_nothing(
    gateway: GatewayUnderTest, eve: Headers, change: dict[str, str], status: int, code: str
) -> None:
    answer = await gateway.client.post("/connections", json=KEY | change, headers=eve)

    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert (await gateway.client.get("/connections", headers=eve)).json() == []
    assert await gateway.commands() == []


async def test_each_step_of_a_test_is_shown(gateway: GatewayUnderTest, owner: UserId, eve: Headers) -> None:
    connection = await gateway.add_connection(owner, online=False)

    waiting = (await gateway.client.get(f"/connections/{connection}", headers=eve)).json()
    steps = (TestStep(name="reachable", status="passed", took_ms=3), TestStep(name="key", status="running"))
    await gateway.tell(
        connection_state(connection, owner, status="testing", code=None, trade_allowed=False, steps=steps)
    )
    running = (await gateway.client.get(f"/connections/{connection}", headers=eve)).json()
    await gateway.tell(connection_state(connection, owner))
    done = (await gateway.client.get(f"/connections/{connection}", headers=eve)).json()

    assert (waiting["status"], waiting["steps"]) == ("testing", [])
    assert [(step["name"], step["status"]) for step in running["steps"]] == [
        ("reachable", "passed"),
        ("key", "running"),
    ]
    assert (done["status"], done["code"], done["trade_allowed"]) == ("online", "OK", True)
    assert done["key_hint"] == "cdef"


async def test_a_new_test_is_a_command_and_shows_as_testing(
    gateway: GatewayUnderTest, owner: UserId, eve: Headers
) -> None:
    connection = await gateway.add_connection(owner)

    answer = await gateway.client.post(f"/connections/{connection}/test", headers=eve)

    (command,) = await gateway.commands()
    shown = (await gateway.client.get(f"/connections/{connection}", headers=eve)).json()
    assert answer.status_code == 202
    assert isinstance(command, TestConnection)
    assert command.test_id == answer.json()["test_id"] == shown["test_id"]
    assert command.credential_version == 1
    assert shown["status"] == "testing"


async def test_a_key_that_can_withdraw_is_marked_for_destruction_with_its_state(
    gateway: GatewayUnderTest, owner: UserId, eve: Headers
) -> None:
    connection = await gateway.add_connection(owner)

    await gateway.tell(refused_state(connection, owner))

    shown = (await gateway.client.get(f"/connections/{connection}", headers=eve)).json()
    again = await gateway.client.post(f"/connections/{connection}/test", headers=eve)
    assert await _phase(gateway, connection) == "destroying"
    assert (shown["status"], shown["code"], shown["secret_state"]) == ("refused", "WITHDRAW_ENABLED", "destroying")
    assert (again.status_code, again.json()["error"]["code"]) == (409, "connection.no_key")


async def test_a_refusal_of_an_older_key_destroys_nothing_newer(gateway: GatewayUnderTest, owner: UserId) -> None:
    connection = await gateway.add_connection(owner)

    await gateway.tell(refused_state(connection, owner, credential_version=0))

    assert await _phase(gateway, connection) == "kept"


async def test_a_connection_in_use_is_removed_only_by_force(
    gateway: GatewayUnderTest, owner: UserId, eve: Headers
) -> None:
    connection = await gateway.add_connection(owner)
    await _add_bot(gateway, owner, connection, groups=(live_group("bot_1-g1", strategy=STRATEGY),))

    refused = await gateway.client.delete(f"/connections/{connection}", headers=eve)
    forced = await gateway.client.delete(f"/connections/{connection}", headers=eve, params={"force": "true"})

    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "connection.in_use")
    assert "1 bots" in refused.json()["error"]["message"]
    assert "1 groups" in refused.json()["error"]["message"]
    assert (forced.status_code, forced.json()["status"]) == (202, "removed")
    assert [type(command) for command in await gateway.commands()] == [StopBot, RemoveConnection]
    assert await _phase(gateway, connection) == "destroying"


async def test_a_removed_connection_takes_no_bot_and_no_second_removal(
    gateway: GatewayUnderTest, owner: UserId, eve: Headers
) -> None:
    connection = await gateway.add_connection(owner)
    await gateway.client.delete(f"/connections/{connection}", headers=eve)

    again = await gateway.client.delete(f"/connections/{connection}", headers=eve)
    bot = {
        "name": "dips", "connection_id": connection, "symbols": ["BTC/USDT"], "margin_limit_quote": "600",
        "strategy": {"base_order_quote": "60", "max_add_ons": 2, "step_percent": "5", "take_profit_percent": "1"},
    }  # fmt: skip
    made = await gateway.client.post("/bots", json=bot, headers=eve)

    assert again.status_code == 202
    assert len(await gateway.commands()) == 1
    assert made.status_code == 404


async def test_somebody_elses_connection_does_not_exist_not_even_for_an_administrator(
    gateway: GatewayUnderTest, owner: UserId
) -> None:
    connection = await gateway.add_connection(owner)
    await gateway.add_user("root", "admin")
    root = await gateway.log_in("root")

    for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/test")):
        answer = await gateway.client.request(method, f"/connections/{connection}{path}", headers=root)
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "connection.not_found")
    assert (await gateway.client.get("/connections", headers=root)).json() == []
