"""Start, stop, start again: nothing lost. And the mistakes a newcomer can make, each one clear line."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.newcomer import connect, eventually, make_bot, open_group, paper_book, paper_key
from tests.support.oracle import judge
from tests.support.platform import Platform

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def own_platform(tmp_path: Path) -> Iterator[Platform]:
    platform = Platform(tmp_path)
    try:
        yield platform
    finally:
        platform.stop()


def test_stopped_and_started_again_it_continues_with_the_same_group_and_balances(own_platform: Platform) -> None:
    platform = own_platform
    platform.environment["BACKFUTURE_PAPER_CONTROL_PORT"] = str(platform.base_port + 6)
    platform.start()
    with platform.api() as api:
        key = paper_key(platform, "mexc")
        connection = connect(api, "paper-mexc", key)
        bot = make_bot(api, connection["id"], "BTC/USDT", "patient", take_profit_percent="50")
        eventually(lambda: (open_group(api, bot) or {}).get("status") == "active", 40, lambda: "a group")
        group = open_group(api, bot)
        api.post(f"/bots/{bot}/stop")
    book = paper_book(platform, key["api_key"])

    assert platform.stop() == 0
    platform.start()

    with platform.api() as api:
        assert api.get(f"/connections/{connection['id']}")["status"] == "online"
        again = open_group(api, bot)
        assert group is not None
        assert again is not None
        for amount in ("id", "bought_amount", "bought_cost", "average", "target", "fees_base", "fees_quote"):
            assert again[amount] == group[amount]
        assert paper_book(platform, key["api_key"]) == book
        judge(api, bot, book)


def test_a_second_start_beside_the_first_is_refused_in_one_line(platform: Platform) -> None:
    code, said = _up(platform.environment)
    assert code != 0
    assert "Traceback" not in said
    assert len(said.strip().splitlines()) <= 3, said


def test_a_taken_port_is_named(tmp_path: Path) -> None:
    platform = Platform(tmp_path)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", platform.base_port))
        taken.listen()
        code, said = _up(platform.environment)
    assert code != 0
    assert str(platform.base_port) in said
    assert "Traceback" not in said


def test_too_little_disk_space_is_said(tmp_path: Path) -> None:
    platform = Platform(tmp_path, BACKFUTURE_MIN_FREE_MB="99999999")
    code, said = _up(platform.environment)
    assert code != 0
    assert "Traceback" not in said
    assert "MB" in said or "GB" in said or "space" in said, said


def test_a_missing_binary_is_named(tmp_path: Path) -> None:
    platform = Platform(tmp_path, BACKFUTURE_OPENBAO_BINARY=str(tmp_path / "nowhere" / "bao"))
    code, said = _up(platform.environment)
    assert code != 0
    assert "nowhere" in said
    assert "Traceback" not in said


def _up(environment: dict[str, str]) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "backfuture_cli", "up", "--plain"],
        env={**os.environ, **environment}, capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    return done.returncode, (done.stdout + done.stderr).decode()
