"""A key's way: into the vault, to its test, to its end. With the real vault, the real bus, and crashes in between."""

import asyncio
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from backfuture_common.messages.connections import ConnectionCommand, RemoveConnection, TestConnection
from backfuture_common.runtime.clock import Clock

from tests.integration.gateway.conftest import Bench
from tests.support.gateway import eventually
from tests.support.gateway_bus import command_topics, publish, sent_by_gateway
from tests.support.gateway_records import connection_state, refused_state

API_KEY = "mx0vglKEYofSomebodysSavings"
SECRET = "5ecretOfSomebodysSavings0123456789"


def _body(number: int, name: str | None = None) -> dict[str, str]:
    return {
        "name": name or f"main {number}", "exchange": "paper-mexc", "api_key": f"{API_KEY}{number:04}",
        "secret": f"{SECRET}{number:04}",
    }  # fmt: skip


def _now_ms() -> int:
    return Clock().now_ms()


async def _told_connector(bench: Bench, connection: str) -> list[ConnectionCommand]:
    _, topic = command_topics()
    sent = await sent_by_gateway(bench.bootstrap, topic)
    return [
        command
        for command in sent
        if isinstance(command, TestConnection | RemoveConnection) and command.connection_id == connection
    ]


def _in_vault(bench: Bench, user: str, connection: str) -> str:
    """Return how the vault calls the state of a credential, ``none`` when it never had one."""
    assert bench.vault is not None
    answer = bench.vault.credential("GET", connection, user)
    return "none" if answer.status_code == 404 else str(answer.json()["state"])


async def _becomes(look: Callable[[], object], wanted: object, timeout_s: float = 30) -> None:
    async def reached() -> bool:
        return await asyncio.to_thread(look) == wanted

    await eventually(reached, timeout_s)


def _files_with(folder: Path, text: str) -> list[str]:
    return [str(file) for file in folder.rglob("*") if file.is_file() and text.encode() in file.read_bytes()]


async def test_a_key_goes_to_the_vault_and_its_test_to_the_connector_and_nothing_stays(vaulted: Bench) -> None:
    with vaulted.client() as client:
        answer = client.post("/connections", json=_body(1))
        me = client.get("/me").json()["id"]
        twice = client.post("/connections", json=_body(1, "other name"))

    connection = answer.json()
    assert answer.status_code == 201, answer.text
    assert (connection["status"], connection["secret_state"], connection["key_hint"]) == ("testing", "stored", "0001")
    assert _in_vault(vaulted, me, connection["id"]) == "stored"
    assert (twice.status_code, twice.json()["error"]["code"]) == (409, "connection.key_in_use")

    async def told() -> bool:
        return bool(await _told_connector(vaulted, connection["id"]))

    await eventually(told)
    (command,) = await _told_connector(vaulted, connection["id"])
    assert isinstance(command, TestConnection)
    assert (command.test_id, command.credential_version, command.owner) == (connection["test_id"], 1, me)

    assert _files_with(vaulted.gateway.folder, SECRET) == []
    assert _files_with(vaulted.gateway.folder, API_KEY) == []


async def test_the_same_request_twice_stores_one_key(vaulted: Bench) -> None:
    headers = {"Idempotency-Key": "the-same-request"}
    with vaulted.client() as client:
        first = client.post("/connections", json=_body(2), headers=headers)
        again = client.post("/connections", json=_body(2), headers=headers)
        other = client.post("/connections", json=_body(3), headers=headers)
        listed = client.get("/connections").json()

    assert first.status_code == again.status_code == 201
    assert first.json() == again.json()
    assert again.headers["Idempotency-Replayed"] == "true"
    assert other.json()["error"]["code"] == "request.key_reused"
    assert len(listed) == 1


async def test_another_users_key_is_refused_without_telling_whose(vaulted: Bench) -> None:
    vaulted.add_user("bob")
    with vaulted.client() as client, vaulted.client("bob") as bob:
        client.post("/connections", json=_body(4, "mine"))
        answer = bob.post("/connections", json=_body(4, "bob's"))

    assert answer.status_code == 409
    assert "mine" not in answer.text


async def test_a_key_that_can_withdraw_is_destroyed_even_when_the_vault_and_the_gateway_go_away(vaulted: Bench) -> None:
    vault = vaulted.vault
    assert vault is not None
    with vaulted.client() as client:
        connection = client.post("/connections", json=_body(5)).json()["id"]
        me = client.get("/me").json()["id"]

        vault.kill("intake")
        await publish(vaulted.bootstrap, refused_state(connection, me, updated_ms=_now_ms()))
        await _becomes(lambda: client.get(f"/connections/{connection}").json()["status"], "refused")
        assert client.get(f"/connections/{connection}").json()["secret_state"] == "destroying"
    vaulted.restart()
    vault.start("intake")

    with vaulted.client() as client:
        await _becomes(lambda: client.get(f"/connections/{connection}").json()["secret_state"], "destroyed", 60)
        shown = client.get(f"/connections/{connection}").json()
        removed = client.delete(f"/connections/{connection}")
        listed = client.get("/connections").json()
    assert _in_vault(vaulted, me, connection) == "destroyed"
    assert (shown["status"], shown["code"]) == ("refused", "WITHDRAW_ENABLED")
    assert removed.status_code == 202
    assert listed == []


async def test_a_removed_connection_is_destroyed_and_its_name_and_key_are_free_again(vaulted: Bench) -> None:
    with vaulted.client() as client:
        connection = client.post("/connections", json=_body(6)).json()["id"]
        me = client.get("/me").json()["id"]
        await publish(vaulted.bootstrap, connection_state(connection, me, updated_ms=_now_ms()))
        await _becomes(lambda: client.get(f"/connections/{connection}").json()["status"], "online")

        removed = client.delete(f"/connections/{connection}")
        await _becomes(lambda: client.get("/connections").json(), [])
        again = client.post("/connections", json=_body(6))

    assert removed.json()["status"] == "removed"
    assert _in_vault(vaulted, me, connection) == "destroyed"
    assert again.status_code == 201

    async def told() -> bool:
        return len(await _told_connector(vaulted, connection)) == 2

    await eventually(told)
    assert isinstance((await _told_connector(vaulted, connection))[1], RemoveConnection)


async def test_without_a_vault_nothing_is_begun(bench: Bench) -> None:
    with bench.client() as client:
        answer = client.post("/connections", json=_body(7))
        listed = client.get("/connections").json()

    assert answer.status_code == 503
    assert answer.json()["error"]["retryable"] is True
    assert int(answer.headers["Retry-After"]) > 0
    assert listed == []


async def test_a_vault_that_does_not_answer_leaves_no_key_behind(vaulted: Bench) -> None:
    vault = vaulted.vault
    assert vault is not None
    with vaulted.client() as client:
        me = client.get("/me").json()["id"]
        with vault.bao.hanging():
            answer = await asyncio.to_thread(client.post, "/connections", json=_body(8))
        listed = client.get("/connections").json()

    assert answer.status_code in {503, 504}, answer.text
    assert answer.json()["error"]["retryable"] is True
    if answer.status_code == 504:  # it may have been stored: it is taken back in a while
        (left,) = listed
        assert left["status"] == "removed"
        _age(vaulted, left["id"], column="destroy_after_ms")
        vaulted.restart()
        with vaulted.client() as client:
            await _becomes(lambda: client.get("/connections").json(), [], 60)
        assert _in_vault(vaulted, me, left["id"]) in {"destroyed", "none"}


@pytest.mark.parametrize("moment", ["before", "after"])
async def test_a_gateway_that_dies_while_it_stores_a_key_neither_loses_nor_half_does_it(
    vaulted: Bench, moment: str
) -> None:
    """Killed before the vault has the key: nothing is left. Killed after: the connection is there and tested."""
    vault = vaulted.vault
    assert vault is not None
    number = 9 if moment == "before" else 10
    with vaulted.client() as client:
        me = client.get("/me").json()["id"]
    connection = await _die_while_storing(vaulted, number)
    if moment == "after":
        stored = vault.store(connection, exchange="paper-mexc", user=me, api_key=f"{API_KEY}{number:04}")
        assert stored.status_code == 200
    _age(vaulted, connection, column="updated_ms")

    vaulted.start()

    with vaulted.client() as client:
        if moment == "before":
            await _becomes(lambda: client.get("/connections").json(), [], 60)
            assert await _told_connector(vaulted, connection) == []
            return
        await _becomes(lambda: client.get(f"/connections/{connection}").json()["secret_state"], "stored", 60)

    async def told() -> bool:
        return len(await _told_connector(vaulted, connection)) == 1

    await eventually(told)


async def _die_while_storing(bench: Bench, number: int) -> str:
    """Kill the gateway between its row and the vault's answer; return the connection it was about."""
    vault = bench.vault
    assert vault is not None
    vault.processes["intake"].send_signal(19)  # SIGSTOP: it takes the request and does nothing with it
    try:
        with bench.client() as client:
            request = asyncio.create_task(asyncio.to_thread(_post_and_lose, client, _body(number)))
            await _becomes(lambda: len(_rows(bench, "phase = 'storing'")), 1)
            bench.gateway.kill()
            await request
        (connection,) = _rows(bench, "phase = 'storing'")
    finally:
        vault.kill("intake")  # with the request in its buffer: the vault never gets it
        vault.start("intake")
    return connection


def _post_and_lose(client: httpx.Client, body: dict[str, Any]) -> None:
    with pytest.raises(httpx.TransportError):
        client.post("/connections", json=body)


def _rows(bench: Bench, where: str) -> list[str]:
    with sqlite3.connect(bench.gateway.folder / "gateway.db") as db:
        return [row[0] for row in db.execute(f"SELECT id FROM connections WHERE {where}")]  # noqa: S608 - our own text


def _age(bench: Bench, connection: str, *, column: str) -> None:
    """Let a minute pass for one row."""
    with sqlite3.connect(bench.gateway.folder / "gateway.db", timeout=20) as db:
        db.execute(f"UPDATE connections SET {column} = {column} - 61000 WHERE id = ?", (connection,))  # noqa: S608 - our own text
