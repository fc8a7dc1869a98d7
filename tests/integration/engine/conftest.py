"""One broker of its own for each test, because engines own whole partitions."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.engine.stage import Stage, a_stage
from tests.support.broker import embedded_broker


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    with embedded_broker() as broker:
        async with a_stage(broker.bootstrap, tmp_path) as stage:
            yield stage
