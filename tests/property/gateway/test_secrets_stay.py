"""Whatever is sent, no error body contains what a caller sent."""

import json
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import anyio
import httpx
import pytest
from backfuture_common.runtime.logging import get_logger
from backfuture_gateway.app import PREFIX, create_app
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.gateway import GatewayUnderTest, gateway_in_process

CANARY = "Canary7Secret9Value"

_leaves = st.one_of(
    st.just(CANARY),
    st.text(max_size=5).map(lambda text: f"{text}{CANARY}{text}"),
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
)
_fields = st.sampled_from(
    ["name", "exchange", "api_key", "secret", "passphrase", "password", "username", "strategy", "symbols",
     "refresh_token", "preset", "kind", "price", "connection_id", CANARY, f"x.{CANARY}"]
)  # fmt: skip
_values = st.recursive(
    _leaves, lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(_fields, inner, max_size=5)),
    max_leaves=12,
)  # fmt: skip
_bodies = st.one_of(
    st.dictionaries(_fields, _values, min_size=1, max_size=8).map(json.dumps),
    _values.map(json.dumps),
    st.text(max_size=20).map(lambda text: f'{{"secret": {CANARY}{text}'),
)
_paths = st.sampled_from(["/connections", "/auth/login", "/auth/refresh", "/users", "/bots", "/bots/preview"])


class _Bench:
    """One gateway for all examples, on an event loop of its own."""

    def __init__(self, running: GatewayUnderTest, headers: dict[str, str]) -> None:
        self.app = create_app(running.gateway.services, get_logger("test"))
        self.headers = headers

    async def post(self, path: str, body: str) -> httpx.Response:
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url=f"http://gateway{PREFIX}") as client:
            content = body.encode("utf-8", "surrogatepass")
            return await client.post(path, content=content, headers=self.headers)


@pytest.fixture(scope="module")
def bench() -> Iterator[tuple[_Bench, Any]]:
    with TemporaryDirectory() as folder, anyio.from_thread.start_blocking_portal() as portal:
        context = gateway_in_process(Path(folder))
        with portal.wrap_async_context_manager(context) as running:

            async def log_in() -> dict[str, str]:
                await running.add_user("root", "admin")
                return {**await running.log_in("root"), "Content-Type": "application/json"}

            yield _Bench(running, portal.call(log_in)), portal


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(path=_paths, body=_bodies)
def test_no_error_repeats_what_was_sent(bench: tuple[_Bench, Any], path: str, body: str) -> None:
    under_test, portal = bench

    answer = portal.call(under_test.post, path, body)

    assert CANARY not in answer.text
    assert 400 <= answer.status_code < 500
    assert set(answer.json()["error"]) == {"code", "message", "hint", "retryable"}
