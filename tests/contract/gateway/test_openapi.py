"""The API keeps its own description: requests made from it, good and bad, against the running app."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import pytest
import schemathesis
from backfuture_common.runtime.http import serve_until
from backfuture_gateway.app import PREFIX
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode, checks
from schemathesis.core.result import Ok

from tests.support.broker import free_port
from tests.support.gateway import PASSWORD, GatewayUnderTest, gateway_in_process
from tests.support.gateway_records import BotStory, balances, instrument, live_group, snapshot, spec, tick

AnyCase = schemathesis.Case[Any]
_NOT_TRIED = (f"{PREFIX}/events", f"{PREFIX}/auth/logout")
"""The stream never ends, and a logout would end the session of all other examples."""
_BOUNDED = settings(
    max_examples=8,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


async def _furnish(running: GatewayUnderTest) -> None:
    """Make a user who has one of everything."""
    owner = await running.add_user("root", "admin")
    connection = await running.add_connection(owner)
    story = BotStory(spec("bot_1", owner, connection))
    await running.tell(
        instrument(), tick("2999", "3000"), balances(connection, owner, USDT="1000"),
        snapshot(story.spec, seq=1, groups=(live_group("bot_1-g1"),)), story.record(story.decided(1)),
    )  # fmt: skip


async def _serve(folder: Path, port: int, started: threading.Event, stop: threading.Event) -> None:
    async with gateway_in_process(folder) as running:
        await _furnish(running)
        ended = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(serve_until(running.app, ended, port=port))
            started.set()
            await asyncio.to_thread(stop.wait)
            ended.set()


@pytest.fixture(scope="module")
def base_url() -> Iterator[str]:
    port, started, stop = free_port(), threading.Event(), threading.Event()
    with TemporaryDirectory() as folder:
        thread = threading.Thread(target=lambda: asyncio.run(_serve(Path(folder), port, started, stop)))
        thread.start()
        started.wait(30)
        yield f"http://127.0.0.1:{port}{PREFIX}"
        stop.set()
        thread.join(20)
        assert not thread.is_alive()


@pytest.fixture(scope="module")
def headers(base_url: str) -> dict[str, str]:
    credentials = {"username": "root", "password": PASSWORD}
    transport = httpx.HTTPTransport(retries=5)
    with httpx.Client(transport=transport) as client:
        answer = client.post(f"{base_url}/auth/login", json=credentials)
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


def test_answers_are_as_described_and_bad_requests_are_refused(base_url: str, headers: dict[str, str]) -> None:
    description = schemathesis.openapi.from_url(f"{base_url}/openapi.json")
    operations = [found.ok() for found in description.get_all_operations() if isinstance(found, Ok)]
    tried = 0

    for operation in operations:
        if operation.path in _NOT_TRIED:
            continue

        @_BOUNDED
        @given(case=operation.as_strategy(generation_mode=GenerationMode.NEGATIVE))
        def refuses_bad_requests(case: AnyCase) -> None:
            _call_and_check(case, headers)

        @_BOUNDED
        @given(case=operation.as_strategy())
        def answers_good_requests(case: AnyCase) -> None:
            _call_and_check(case, headers)

        answers_good_requests()
        if operation.body or operation.query or operation.path_parameters:
            refuses_bad_requests()
        tried += 1

    assert tried == len(operations) - len(_NOT_TRIED) > 25


def _call_and_check(case: AnyCase, headers: dict[str, str]) -> None:
    answer = case.call(headers=headers, timeout=20)
    # what is well-formed may still be refused for what it says: an unknown symbol, a limit too small
    case.validate_response(answer, excluded_checks=[checks.positive_data_acceptance])
