"""What the topics tell is in SQL exactly once, however often the gateway is killed while it reads."""

import asyncio
import random
import sqlite3
from decimal import Decimal

from backfuture_common.messages import journal
from backfuture_common.messages.codec import Message

from tests.integration.gateway.conftest import Bench
from tests.support.gateway import eventually
from tests.support.gateway_bus import publish, publish_garbage
from tests.support.gateway_records import (
    EXCHANGE,
    BotStory,
    balances,
    connection_state,
    fills,
    instrument,
    live_group,
    snapshot,
    spec,
    tick,
)

_BOTS = 3
_STEPS = 60


def _groups_life(story: BotStory, number: int) -> list[Message]:
    """Return one group from entry to exit: it buys 0.02 at 3000 and sells at 3060."""
    group = f"{story.spec.bot_id}-g{number}"
    entry = story.order(f"b{story.spec.bot_id}x{number}e", group)
    exit_ = story.order(f"b{story.spec.bot_id}x{number}x", group, leg="exit", price="3060")
    bought, sold = fills("0.02", "3000", "0.06"), fills("0.02", "3060", "0.0612")
    opened = story.record(story.decided(2 * number), story.opened(group), journal.OrderIntended(command=entry, zone=0))
    filled = story.record(story.progressed(entry, "filled", bought, at=10))
    live = snapshot(story.spec, seq=story.seq, groups=(live_group(group, fees_quote=Decimal("0.06")),))
    leaving = story.record(
        story.decided(2 * number + 1, "EXIT", group, "TAKE_PROFIT"), journal.OrderIntended(command=exit_, zone=0)
    )
    closed = story.record(story.progressed(exit_, "filled", sold, at=20), story.closed(group, "1.0788"))
    return [
        opened, story.update(entry, "filled", bought, at=10), filled, live, leaving,
        story.update(exit_, "filled", sold, at=20), closed,
        snapshot(story.spec, seq=story.seq, groups_closed=number, realised_quote=Decimal("1.0788") * number),
    ]  # fmt: skip


def _count(bench: Bench, question: str) -> int:
    with sqlite3.connect(bench.gateway.folder / "gateway.db", timeout=20) as db:
        found: int = db.execute(question).fetchone()[0]
    return found


def _content(bench: Bench, owner: str) -> dict[str, list[tuple[object, ...]]]:
    """Return the rows of one owner in every table that is filled from the topics."""
    questions = {
        "journal": "SELECT bot_id, seq, at_ms, event, facts FROM journal_views WHERE owner_id = ? ORDER BY 1, 2",
        "orders": "SELECT client_order_id, status, leg, amount, filled_amount, filled_cost, fee_quote, updated_ms "
        "FROM order_views WHERE owner_id = ? ORDER BY 1",
        "groups": "SELECT group_id, status, bought_cost, sold_proceeds, fees_quote, realised_quote, target "
        "FROM group_views WHERE owner_id = ? ORDER BY 1",
        "decisions": "SELECT decision_id, verdict, reasons FROM decision_views WHERE owner_id = ? ORDER BY 1",
        "bots": "SELECT bot_id, running, seq, groups_closed, realised_quote "
        "FROM bot_views WHERE owner_id = ? ORDER BY 1",
        "balances": "SELECT currency, free FROM balance_views WHERE owner_id = ? ORDER BY 1",
        "connections": "SELECT connection_id, status FROM connection_views WHERE owner_id = ? ORDER BY 1",
    }
    with sqlite3.connect(bench.gateway.folder / "gateway.db", timeout=20) as db:
        return {name: db.execute(question, (owner,)).fetchall() for name, question in questions.items()}


async def _tell_everything(bench: Bench, owner: str) -> None:
    stories = [BotStory(spec(f"{owner}b{number}", owner, f"{owner}c")) for number in range(_BOTS)]
    await publish(
        bench.bootstrap, instrument(), connection_state(f"{owner}c", owner), balances(f"{owner}c", owner, USDT="10.5")
    )
    for number in range(1, _STEPS // 4 + 1):
        for story in stories:
            await publish(bench.bootstrap, *_groups_life(story, number))


async def test_nothing_is_lost_or_doubled_when_the_gateway_is_killed_while_it_reads(bench: Bench) -> None:
    owner = "projected"
    steps = _BOTS * _STEPS
    telling = asyncio.create_task(_tell_everything(bench, owner))
    for _ in range(3):
        await asyncio.sleep(random.uniform(0.2, 1.5))  # noqa: S311 - any moment will do
        bench.gateway.kill()
        bench.gateway.start()
    await telling

    async def all_read() -> bool:
        question = f"SELECT count(*) FROM journal_views WHERE owner_id = '{owner}'"  # noqa: S608 - our own text
        return await asyncio.to_thread(_count, bench, question) >= steps

    await eventually(all_read, 60)
    await asyncio.sleep(1)
    content = _content(bench, owner)

    groups = _BOTS * _STEPS // 4
    assert [row[1] for row in content["journal"] if row[0] == f"{owner}b0"] == list(range(1, _STEPS + 1))
    assert {name: len(rows) for name, rows in content.items()} == {
        "journal": steps, "orders": 2 * groups, "groups": groups, "decisions": 2 * groups, "bots": _BOTS,
        "balances": 1, "connections": 1,
    }  # fmt: skip
    assert {row[1:6] for row in content["groups"]} == {("closed", "60", "61.2", "0.1212", "1.0788")}
    assert {row[1] for row in content["orders"]} == {"filled"}
    assert {row[1:4] for row in content["bots"]} == {(1, _STEPS, _STEPS // 4)}

    rebuilt = await asyncio.to_thread(bench.gateway.task, "rebuild")  # the running gateway notices, and ends
    assert rebuilt.stdout == "emptied\n"
    assert _content(bench, owner)["journal"] == [] or bench.gateway.exit_code() is None
    await _start_again(bench, owner)
    await eventually(all_read, 60)
    await asyncio.sleep(1)
    assert _content(bench, owner) == content


async def _start_again(bench: Bench, owner: str) -> None:
    """Provoke the running gateway to write, so that it sees that its positions moved, and start the next."""
    await publish(bench.bootstrap, balances(f"{owner}c", owner, USDT="10.5"))

    async def ended() -> bool:
        return bench.gateway.exit_code() == 1

    await eventually(ended)
    assert "read_model.moved" in bench.gateway.log.read_text()
    bench.start()


async def test_of_two_gateways_on_one_database_one_ends_and_nothing_is_doubled(bench: Bench) -> None:
    owner = "contested"
    bench.start_another()
    both = [bench.gateway.process, *bench.others]

    async def one_has_ended() -> bool:
        await publish(bench.bootstrap, balances(f"{owner}c", owner, USDT="10.5"))
        return 1 in [process.poll() for process in both]

    await eventually(one_has_ended, 40)
    assert "read_model.moved" in bench.gateway.log.read_text()
    assert None in [process.poll() for process in both]

    async def told() -> bool:
        return len((await asyncio.to_thread(_content, bench, owner))["balances"]) == 1

    await eventually(told)


async def test_prices_are_the_newest_and_survive_a_restart(bench: Bench) -> None:
    await publish(bench.bootstrap, tick("1", "2", "SOL/USDT", observed_ms=5))
    await publish(bench.bootstrap, tick("3", "4", "SOL/USDT", observed_ms=6))

    async def bid() -> str | None:
        with bench.client() as client:
            prices = client.get("/prices", params={"exchange": EXCHANGE}).json()
        return next((str(price["bid"]) for price in prices if price["symbol"] == "SOL/USDT"), None)

    async def newest() -> bool:
        return await bid() == "3"

    await eventually(newest)
    await asyncio.sleep(3)  # written every two seconds
    bench.restart()
    assert await bid() == "3"


async def test_a_record_nobody_can_read_does_not_hide_the_rest(bench: Bench) -> None:
    owner = "unread"
    await publish_garbage(bench.bootstrap)
    await publish(bench.bootstrap, balances(f"{owner}c", owner, USDT="7"))

    async def read_on() -> bool:
        return bool((await asyncio.to_thread(_content, bench, owner))["balances"])

    await eventually(read_on)
    assert "read_model.unreadable_record" in bench.gateway.log.read_text()
