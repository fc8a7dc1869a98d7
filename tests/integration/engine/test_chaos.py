"""Kill the engine at its worst moments: nothing is lost, nothing doubled, the record stays whole."""

import asyncio
import itertools
import signal
from pathlib import Path

import pytest
from backfuture_common.bus import Committer
from backfuture_common.messages.journal import OrderIntended
from backfuture_engine.core.replay import replay
from backfuture_engine.shell.engine import transactional_id

from tests.integration.engine.stage import HOME, PARTITIONS, EngineProcess, Stage, engine_process, eventually
from tests.integration.engine.test_life import LONG_REST, a_whole_group
from tests.unit.engine.build import spec

CRASHES = [
    "after_fencing",
    "after_restore",
    *(f"{point}:{n}" for point in ("before_begin", "before_commit", "after_commit") for n in (3, 4, 5, 6, 8)),
]


async def keep_alive(stage: Stage, crash_at: str, deaths: list[int]) -> None:
    """Run the engine, at first doomed; start it again whenever it has died, noting exit codes. Until cancelled."""
    stage.engine.start(crash_at)
    while True:
        deaths.append(await stage.engine.died(within_s=3_600))
        stage.engine.start()


@pytest.mark.parametrize("crash_at", CRASHES)
async def test_killed_at_any_point_the_engine_loses_nothing_and_doubles_nothing(stage: Stage, crash_at: str) -> None:
    deaths: list[int] = []
    async with asyncio.TaskGroup() as tasks:
        supervisor = tasks.create_task(keep_alive(stage, crash_at, deaths))
        await stage.bot_starts(spec(LONG_REST))
        await a_whole_group(stage)
        state = await stage.until_state("the group is closed", lambda bot: bot.groups_closed == 1)
        supervisor.cancel()
    assert deaths == [-signal.SIGKILL], stage.engine.told()

    journal = await stage.journal()
    assert replay(journal) == (state, ())
    intended = [fact.command for r in journal for fact in r.facts if isinstance(fact, OrderIntended)]
    assert [order.leg for order in intended] == ["entry", "add_on", "exit"]
    assert {order.client_order_id for order in stage.received} == {order.client_order_id for order in intended}
    assert state.unacknowledged == ()
    assert all(record.epoch <= later.epoch for record, later in itertools.pairwise(journal))


async def test_an_intent_nobody_answered_is_sent_again_under_the_same_id(stage: Stage) -> None:
    stage.silent = True
    stage.engine.start()
    await stage.engine.ready()
    await stage.bot_starts(spec(LONG_REST))
    stage.price(3000)
    await eventually("the entry", lambda: len(stage.received) == 1)
    stage.engine.send(signal.SIGKILL)
    await stage.engine.died()
    stage.engine.start()
    await eventually("the entry again", lambda: len(stage.received) == 2)
    first, again = stage.received
    assert again == first
    await stage.speak_up()
    state = await stage.until_state("the group is active", lambda bot: bot.groups[0].pending is None)
    assert state.groups_opened == 1
    assert replay(await stage.journal()) == (state, ())


@pytest.mark.kafka_bounded
async def test_an_engine_that_lost_its_partition_changes_nothing_and_ends(stage: Stage) -> None:
    stage.engine.start()
    await stage.engine.ready()
    await stage.bot_starts(spec(LONG_REST))
    await stage.until_state("the bot runs", lambda bot: bot.running)
    before = await stage.journal()
    async with Committer(stage.kafka, transactional_id(HOME)):  # the new owner has fenced the old one
        stage.price(3000)
        assert await stage.engine.died() == 1
        assert stage.received == []
        assert await stage.journal() == before


async def test_stopped_and_started_again_it_goes_on_where_it_was(stage: Stage) -> None:
    stage.engine.start()
    await stage.engine.ready()
    await stage.bot_starts(spec(LONG_REST))
    stage.price(3000)
    await eventually("the entry", lambda: stage.legs() == ["entry"])
    stage.engine.send(signal.SIGTERM)
    assert await stage.engine.died() == 0
    stage.engine.start()
    await stage.engine.ready()
    stage.price(3100)
    await eventually("the exit", lambda: stage.legs() == ["entry", "exit"])
    state = await stage.until_state("the group is closed", lambda bot: bot.groups_closed == 1)
    assert replay(await stage.journal()) == (state, ())


async def test_two_engines_share_the_partitions_and_one_takes_all_when_the_other_dies(
    stage: Stage, tmp_path: Path
) -> None:
    stage.engine.start()
    await stage.engine.ready()
    await stage.bot_starts(spec(LONG_REST))
    stage.price(3000)
    await eventually("the entry", lambda: stage.legs() == ["entry"])
    with engine_process(stage.kafka.bootstrap_servers, tmp_path, instance="1") as other:
        other.start()
        await other.ready()
        await eventually("each owns one", lambda: owned_by(stage.engine) + owned_by(other) in ([0, 1], [1, 0]))
        stage.price(2850)
        await eventually("the add-on", lambda: stage.legs() == ["entry", "add_on"])
        mine, yours = (stage.engine, other) if stage.engine.owns(HOME) else (other, stage.engine)
        mine.send(signal.SIGKILL)
        await mine.died()
        await eventually("the other owns both", lambda: owned_by(yours) == [0, 1])
        stage.price(3100)
        await eventually("the exit", lambda: stage.legs() == ["entry", "add_on", "exit"])
        state = await stage.until_state("the group is closed", lambda bot: bot.groups_closed == 1)
        assert replay(await stage.journal()) == (state, ())
        assert yours.alive


def owned_by(engine: EngineProcess) -> list[int]:
    return [partition for partition in range(PARTITIONS) if engine.owns(partition)]
