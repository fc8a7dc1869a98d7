"""Commands reach their topic once and in order, whenever the gateway is killed."""

import asyncio
import random
import sqlite3
import time
from typing import Any

import httpx
from backfuture_common.messages.bots import StartBot, StopBot

from tests.integration.gateway.conftest import Bench
from tests.support.gateway import eventually
from tests.support.gateway_bus import command_topics, publish, sent_by_gateway
from tests.support.gateway_records import connection_state, instrument, snapshot, spec, tick

_COMMANDS = 40


async def a_bot(bench: Bench) -> tuple[str, str]:
    """Put a user's bot on an online connection; return owner and bot."""
    with bench.client() as client:
        me: str = client.get("/me").json()["id"]
        connection = f"con_{me}"
        with sqlite3.connect(bench.gateway.folder / "gateway.db", timeout=20) as db:
            db.execute(
                "INSERT INTO connections (id, owner_id, name, exchange, fingerprint, phase, removing, hint, "
                "credential_version, test_id, test_requested_ms, created_ms, updated_ms, destroy_after_ms, "
                "destroy_attempts) "
                "VALUES (?, ?, 'main', 'paper-mexc', ?, 'kept', 0, 'cdef', 1, 'tst_1', 0, 1, 1, 0, 0)",
                (connection, me, connection),
            )
        await publish(bench.bootstrap, instrument(), tick("2999", "3000"), connection_state(connection, me))
        body = {
            "name": "dips", "connection_id": connection, "symbols": ["BTC/USDT"], "margin_limit_quote": "600",
            "strategy": {"base_order_quote": "60", "max_add_ons": 2, "step_percent": "5", "take_profit_percent": "1"},
        }  # fmt: skip

        async def made() -> bool:
            answer = await asyncio.to_thread(client.post, "/bots", json=body)
            return answer.status_code == 201 or answer.json()["error"]["code"] == "bot.name_taken"

        await eventually(made)
        bot: str = client.get("/bots").json()[0]["id"]
    await publish(bench.bootstrap, snapshot(spec(bot, me, connection), seq=1, running=False))
    return me, bot


def _insist(bench: Bench, token: dict[str, str], path: str, key: str) -> None:
    """Repeat a request under its key until it is answered, as a careful client does."""
    until_s = time.monotonic() + 60
    while time.monotonic() < until_s:
        try:
            answer = httpx.post(
                f"{bench.gateway.base_url}{path}", headers={**token, "Idempotency-Key": key}, timeout=10
            )
        except httpx.TransportError:
            time.sleep(0.1)
            continue
        if answer.status_code == 202:
            return
        assert answer.json()["error"]["retryable"], answer.text
        time.sleep(0.1)
    raise AssertionError(f"no answer to {key}")


def _ask_for_everything(bench: Bench, token: dict[str, str], bot: str) -> None:
    for number in range(_COMMANDS):
        _insist(bench, token, f"/bots/{bot}/{'start' if number % 2 == 0 else 'stop'}", f"command-{number:04}")


async def _commands_of(bench: Bench, owner: str) -> list[StartBot | StopBot]:
    topic, _ = command_topics()
    sent = await sent_by_gateway(bench.bootstrap, topic)
    return [command for command in sent if isinstance(command, StartBot | StopBot) and command.owner == owner]


async def test_every_accepted_command_is_on_the_topic_once_and_in_order(bench: Bench) -> None:
    owner, bot = await a_bot(bench)
    with bench.client() as client:
        token = {"Authorization": client.headers["Authorization"]}
    asking = asyncio.create_task(asyncio.to_thread(_ask_for_everything, bench, token, bot))
    for _ in range(4):
        await asyncio.sleep(random.uniform(0.3, 1.5))  # noqa: S311 - any moment will do
        bench.gateway.kill()
        bench.gateway.start()
        await asyncio.to_thread(bench.gateway.wait_ready)
    await asking

    async def all_sent() -> bool:
        return len(await _commands_of(bench, owner)) >= _COMMANDS

    await eventually(all_sent, 40)
    commands = await _commands_of(bench, owner)

    expected: list[Any] = [StartBot, StopBot] * (_COMMANDS // 2)
    assert [type(command) for command in commands] == expected
    assert len({command.command_id for command in commands}) == _COMMANDS


async def test_a_command_that_got_out_before_the_crash_is_not_sent_again_and_one_that_did_not_is(bench: Bench) -> None:
    """The two outcomes that a kill in the middle of sending can have, made by hand in the outbox."""
    owner, bot = await a_bot(bench)
    with bench.client() as client:
        client.post(f"/bots/{bot}/start")

        async def sent() -> bool:
            return len(await _commands_of(bench, owner)) == 1

        await eventually(sent)
        bench.gateway.kill()
    with sqlite3.connect(bench.gateway.folder / "gateway.db", timeout=20) as db:
        db.execute("UPDATE outbox SET sent_ms = NULL")  # attempted, and it cannot be known here that it got out
        (value,) = (value for (value,) in db.execute("SELECT value FROM outbox") if b"bot.start.v1" in value)
        never_sent = (owner, value.replace(b"bot.start.v1", b"bot.stop.v1"))
        db.execute("INSERT INTO outbox (key, value, created_ms, attempted_ms) VALUES (?, ?, 1, 1)", never_sent)

    bench.start()

    async def both_sent() -> bool:
        return len(await _commands_of(bench, owner)) >= 2

    await eventually(both_sent)
    await asyncio.sleep(1)
    assert [type(command) for command in await _commands_of(bench, owner)] == [StartBot, StopBot]
    assert '"event": "outbox.settled"' in bench.gateway.log.read_text()
