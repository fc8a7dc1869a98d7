"""The supervisor with real processes: order, readiness, restarts, ends."""

import asyncio
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import psutil
from backfuture_cli.launcher.home import Home
from backfuture_cli.launcher.part import PlatformStatus
from backfuture_cli.launcher.signals import Signals

from .conftest import MakePart, Running

Start = Callable[..., Running]


def lines(journal: Path) -> list[str]:
    return journal.read_text().splitlines()


async def test_a_part_starts_when_what_it_needs_is_ready(
    make_part: MakePart, watch_parts: Start, journal: Path
) -> None:
    async with watch_parts(make_part("broker", manner="slow"), make_part("engine", "broker")) as run:
        assert await run.supervisor.settled()
        changes = run.changes
    assert lines(journal)[:2] == ["start broker", "start engine"]
    assert changes.index(("broker", "ready")) < changes.index(("engine", "starting"))


async def test_parts_are_stopped_in_reverse_order(make_part: MakePart, watch_parts: Start, journal: Path) -> None:
    parts = make_part("broker"), make_part("engine", "broker"), make_part("gateway", "broker")
    async with watch_parts(*parts) as run:
        assert await run.supervisor.settled()
    stops = [line for line in lines(journal) if line.startswith("stop")]
    assert stops == ["stop gateway", "stop engine", "stop broker"]
    assert run.stopped == [("the gateway", True), ("the engine", True), ("the broker", True)]


async def test_a_killed_process_is_started_again_and_counted(make_part: MakePart, watch_parts: Start) -> None:
    async with watch_parts(make_part("engine")) as run:
        assert await run.supervisor.settled()
        first = run.status("engine").pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        await run.until(lambda: run.status("engine").restarts == 1 and run.status("engine").state == "ready")
        assert run.status("engine").pid != first
        assert run.changes.count(("engine", "restarting")) == 1


async def test_a_part_that_keeps_dying_is_shown_as_failing_with_its_last_words_and_others_go_on(
    make_part: MakePart, watch_parts: Start
) -> None:
    async with watch_parts(make_part("engine", manner="dies"), make_part("gateway")) as run:
        await run.until(lambda: run.status("engine").state == "failing")
        assert run.status("engine").detail == "ended with exit code 1: ValueError: no such thing"
        assert run.status("engine").restarts >= 3
        assert run.status("gateway").state == "ready"
        assert not await run.supervisor.settled()


async def test_what_needs_a_failing_part_does_not_hold_up_the_start(make_part: MakePart, watch_parts: Start) -> None:
    async with watch_parts(make_part("broker", manner="dies"), make_part("engine", "broker")) as run:
        assert not await run.supervisor.settled()
        assert run.status("engine").state == "waiting"


async def test_a_part_that_ignores_the_request_to_stop_is_killed(make_part: MakePart, watch_parts: Start) -> None:
    async with watch_parts(make_part("engine", manner="stubborn", stop_within_s=0.5)) as run:
        assert await run.supervisor.settled()
        pid = run.status("engine").pid
        assert pid is not None
    assert run.stopped == [("the engine", False)]
    assert not psutil.pid_exists(pid)


async def test_a_process_sees_only_its_own_environment_and_no_terminal(make_part: MakePart, watch_parts: Start) -> None:
    async with watch_parts(make_part("engine")) as run:
        assert await run.supervisor.settled()
        process = psutil.Process(run.status("engine").pid)
        assert set(process.environ()) <= {"PATH", "LC_CTYPE"}
        assert Path(f"/proc/{process.pid}/fd/0").resolve() == Path(os.devnull)  # noqa: ASYNC240 (a link of /proc)
        assert os.getpgid(process.pid) == process.pid


async def test_the_status_file_tells_how_it_is(make_part: MakePart, watch_parts: Start, home: Home) -> None:
    async with watch_parts(make_part("engine")) as run:
        assert await run.supervisor.settled()

        def told() -> bool:
            status = msgspec.json.decode(home.status_file.read_bytes(), type=PlatformStatus)
            return status.ready and status.parts[0].memory_mb is not None

        await run.until(told)
    assert not home.status_file.exists()


async def test_no_pid_file_is_left_when_all_has_stopped(make_part: MakePart, watch_parts: Start, home: Home) -> None:
    async with watch_parts(make_part("engine")) as run:
        assert await run.supervisor.settled()
        assert [file.name for file in home.pids.iterdir()] == ["engine.json"]
    assert list(home.pids.iterdir()) == []


async def test_insisting_ends_a_stop_that_takes_too_long(make_part: MakePart, watch_parts: Start) -> None:
    async with watch_parts(make_part("engine", manner="stubborn", stop_within_s=60)) as run:
        assert await run.supervisor.settled()
        begun = time.monotonic()
        asyncio.get_running_loop().call_later(0.5, run.supervisor.kill)
    assert time.monotonic() - begun < 10
    assert run.stopped == [("the engine", True)]


async def test_the_first_signal_asks_to_stop_and_the_second_insists() -> None:
    insisted: list[bool] = []
    signals = Signals(lambda: insisted.append(True))
    signals.listen()
    try:
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.wait_for(signals.stop.wait(), 5)
        assert not insisted
        os.kill(os.getpid(), signal.SIGINT)
        async with asyncio.timeout(5):
            while not insisted:  # noqa: ASYNC110 (a signal has no event)
                await asyncio.sleep(0.01)
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().remove_signal_handler(number)
