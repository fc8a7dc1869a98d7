"""Another site's page gets nothing, and the cookie secret is its owner's alone."""

import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from backfuture_dashboard.gateway import StreamEvent, parse_events
from backfuture_dashboard.security import is_foreign, storage_secret
from starlette.datastructures import Headers


@pytest.mark.parametrize(
    ("origin", "foreign"),
    [
        ("http://127.0.0.1:8701", False),
        (None, False),
        ("http://127.0.0.1:9999", True),
        ("http://evil.example", True),
        ("null", True),
    ],
)
def test_only_the_own_origin_may_ask(origin: str | None, foreign: bool) -> None:
    headers = {"host": "127.0.0.1:8701"} | ({"origin": origin} if origin else {})
    assert is_foreign(Headers(headers)) is foreign


def test_the_storage_secret_is_made_once_and_private(tmp_path: Path) -> None:
    path = tmp_path / "key"
    secret = storage_secret(path)
    assert len(secret) >= 32
    assert storage_secret(path) == secret
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_a_stream_is_read_event_by_event_without_its_comments() -> None:
    async def lines() -> AsyncIterator[str]:
        for line in [": beat", "", "id: 7", "event: bot", "data: {}", "", "event: price", "data: a", "data: b", ""]:
            yield line

    assert [event async for event in parse_events(lines())] == [
        StreamEvent("7", "bot", "{}"),
        StreamEvent("", "price", "a\nb"),
    ]
