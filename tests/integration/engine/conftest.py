"""One broker of its own for each test, because engines own whole partitions."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.engine.stage import Stage, a_stage
from tests.support.broker import own_broker


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    with own_broker() as bootstrap:
        async with a_stage(bootstrap, tmp_path) as stage:
            yield stage
