"""What happens to the processes when the launcher does not live to stop them."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import psutil
import pytest
from backfuture_cli.launcher.home import Home
from backfuture_cli.launcher.leftovers import end_leftovers
from backfuture_cli.launcher.process import PidFile

from .conftest import STAND_IN, free_port

LAUNCHER = Path(__file__).with_name("launcher_stand_in.py")


def until(condition: Callable[[], bool], within_s: float = 15) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.02)


@pytest.fixture
def leftover(home: Home, journal: Path) -> Iterator[Callable[..., "subprocess.Popen[bytes]"]]:
    """Start a process and note it as the launcher does; end it whatever the test does."""
    started: list[subprocess.Popen[bytes]] = []

    def start(name: str, manner: str = "") -> "subprocess.Popen[bytes]":
        popen = subprocess.Popen([sys.executable, str(STAND_IN), name, str(free_port()), str(journal), manner])
        started.append(popen)
        note(home, name, popen.pid, psutil.Process(popen.pid).create_time())
        until(lambda: f"start {name}" in journal.read_text())
        return popen

    yield start
    for popen in started:
        popen.kill()
        popen.wait()


def note(home: Home, name: str, pid: int, created: float) -> None:
    (home.pids / f"{name}.json").write_bytes(msgspec.json.encode(PidFile(pid, created)))


def test_a_process_that_was_left_behind_is_ended(
    home: Home, journal: Path, leftover: Callable[..., "subprocess.Popen[bytes]"]
) -> None:
    leftover("engine")
    assert end_leftovers(home.pids) == ["engine"]
    assert "stop engine" in journal.read_text()
    assert list(home.pids.iterdir()) == []


def test_a_leftover_that_ignores_the_request_is_killed(
    home: Home, journal: Path, leftover: Callable[..., "subprocess.Popen[bytes]"]
) -> None:
    pid = leftover("engine", "stubborn").pid
    assert end_leftovers(home.pids, grace_s=0.5) == ["engine"]
    assert "ignore engine" in journal.read_text()
    assert not psutil.pid_exists(pid)


def test_a_process_that_only_has_the_number_is_left_alone(home: Home) -> None:
    note(home, "engine", os.getpid(), psutil.Process().create_time() - 1_000)
    assert end_leftovers(home.pids) == []
    assert list(home.pids.iterdir()) == []


def test_a_damaged_pid_file_does_not_stop_a_start(home: Home) -> None:
    (home.pids / "engine.json").write_text("{half")
    assert end_leftovers(home.pids) == []


def test_a_killed_launcher_takes_its_processes_with_it(home: Home, journal: Path) -> None:
    launcher = subprocess.Popen([sys.executable, str(LAUNCHER), str(home.root), str(STAND_IN), str(journal)])
    try:
        until(lambda: (home.pids / "engine.json").exists() and "start engine" in journal.read_text())
        engine = msgspec.json.decode((home.pids / "engine.json").read_bytes(), type=PidFile)
        launcher.send_signal(signal.SIGKILL)
        launcher.wait(5)
        until(lambda: not psutil.pid_exists(engine.pid) or psutil.Process(engine.pid).status() == "zombie")
        assert "stop engine" in journal.read_text()
    finally:
        launcher.kill()
        launcher.wait()
        end_leftovers(home.pids)
