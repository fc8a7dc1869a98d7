"""A gateway inside the test process, with users."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.gateway import GatewayUnderTest, gateway_in_process


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[GatewayUnderTest]:
    async with gateway_in_process(tmp_path) as running:
        yield running


@pytest.fixture
async def ana(gateway: GatewayUnderTest) -> dict[str, str]:
    """Headers of a logged-in user."""
    await gateway.add_user("ana")
    return await gateway.log_in("ana")
