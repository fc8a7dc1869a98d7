"""kill -9 under load: what was acknowledged is stored, in order and once; transactions are whole or not there."""

import asyncio
import random
from pathlib import Path

import pytest

from tests.integration.broker.load import Load
from tests.support.broker import embedded_broker, free_port

KILLS = 5

pytestmark = pytest.mark.embedded


@pytest.mark.parametrize(("seed", "options"), [(1, ()), (2, ("--fsync-ms", "0", "--uvloop"))])
async def test_nothing_acknowledged_is_lost_and_nothing_is_there_twice(
    tmp_path: Path, seed: int, options: tuple[str, ...]
) -> None:
    chance = random.Random(seed)  # noqa: S311 - a test that can be repeated
    port = free_port()
    with embedded_broker(tmp_path, port=port, options=options) as broker:
        load = Load(broker.bootstrap)
        await load.create_topics()
    async with asyncio.timeout(100), asyncio.TaskGroup() as tasks:
        for lives_left in range(KILLS, -1, -1):
            with embedded_broker(tmp_path, port=port, options=options) as broker:
                if lives_left == KILLS:
                    working = tasks.create_task(load.run())
                await asyncio.sleep(chance.uniform(0.2, 0.8))
                load.abandon = True
                await asyncio.sleep(chance.uniform(0.1, 0.4))
                if lives_left:
                    broker.process.kill()
                else:
                    load.stopping = True
                    await working
                    await load.check()
    assert all(load.acknowledged)
    assert load.committed
    assert load.abandoned
