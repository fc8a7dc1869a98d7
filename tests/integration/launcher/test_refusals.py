"""What stops ``backfuture up`` before anything is started: one clear line, a way out, no traceback, nothing left."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from backfuture_cli.launcher import lock
from backfuture_cli.launcher.home import Home

from tests.support.platform import free_port_block


def up(home: Path, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run ``backfuture up`` to its end in an environment of its own."""
    return subprocess.run(
        [sys.executable, "-m", "backfuture_cli", "up", "--plain", *arguments],
        env={"PATH": os.environ["PATH"], "HOME": str(home.parent), "BACKFUTURE_HOME": str(home), **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def refused(result: "subprocess.CompletedProcess[str]", exit_code: int, *words: str) -> None:
    lines = result.stderr.splitlines()
    assert result.returncode == exit_code, result.stderr
    assert len(lines) == 2, result.stderr
    assert lines[0].startswith("backfuture: ")
    assert lines[1].startswith("  → ")
    for word in words:
        assert word in result.stderr
    assert "Traceback" not in result.stderr + result.stdout


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


def test_a_second_up_is_refused_and_says_who_holds_the_folder(state: Path) -> None:
    home = Home(state)
    home.create()
    with lock.held(home):
        refused(up(state), 1, "already runs", str(os.getpid()), "backfuture down")


def test_a_taken_port_is_named_with_its_part_and_its_taker(state: Path) -> None:
    base = free_port_block()
    with socket.socket() as taker:
        taker.bind(("127.0.0.1", base))
        taker.listen()
        refused(
            up(state, "--base-port", str(base)), 1, f"port {base} (gateway)", f"process {os.getpid()}", "--base-port"
        )


def test_a_missing_binary_is_named(state: Path) -> None:
    base = str(free_port_block())
    result = up(state, "--base-port", base, BACKFUTURE_OPENBAO_BINARY="/nonexistent/bao")
    refused(result, 1, "/nonexistent/bao", "missing", "make setup")


def test_a_disk_that_is_too_full_is_refused(state: Path) -> None:
    refused(up(state, BACKFUTURE_MIN_FREE_MB="1000000000000"), 1, "MB are free", "BACKFUTURE_HOME")


def test_a_state_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    refused(up(tmp_path / "file" / "state"), 4, "cannot be written", "BACKFUTURE_HOME")


def test_a_misspelt_setting_is_refused(state: Path) -> None:
    refused(up(state, BACKFUTURE_BASEPORT="9700"), 4, "BACKFUTURE_BASEPORT")


def test_a_wrong_value_is_refused_and_not_repeated(state: Path) -> None:
    result = up(state, BACKFUTURE_BASE_PORT="not-a-port-but-perhaps-a-secret")
    assert result.returncode == 4
    assert "base_port" in result.stderr
    assert "secret" not in result.stderr
    assert "Traceback" not in result.stderr


def test_an_unknown_live_exchange_is_refused(state: Path) -> None:
    refused(up(state, "--live", "kucoin,nosuch"), 4, "nosuch", "kucoin, mexc")


def test_nothing_is_left_running_after_a_refusal(state: Path) -> None:
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    up(state, BACKFUTURE_MIN_FREE_MB="1000000000000")
    assert {child.pid for child in psutil.Process().children(recursive=True)} <= before
    assert lock.holder(Home(state)) is None
