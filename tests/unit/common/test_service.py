"""The life of a process, seen from outside: signals, exit codes, one line for a crash."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from backfuture_common.errors import Fatal, Unknown
from backfuture_common.runtime.service import Runtime, causes
from backfuture_common.runtime.settings import ServiceSettings

from tests.support.broker import free_port

WAIT_S = 20
SECRET = "0123456789abcdef0123456789abcdef"

Start = Callable[..., "subprocess.Popen[str]"]

HEADER = """
import asyncio
from backfuture_common.runtime.service import Runtime, run
from backfuture_common.runtime.settings import ServiceSettings
from backfuture_common.errors import Fatal
"""
PATIENT = """
async def main(runtime):
    runtime.health.set("shop", True)
    runtime.log.info("shop.open")
    await runtime.stopping.wait()

run("shop", ServiceSettings.load(), main)
"""


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a process of this code; whatever still runs at the end is killed."""
    started: list[subprocess.Popen[str]] = []

    def start(code: str, **environment: str) -> "subprocess.Popen[str]":
        file = tmp_path / f"shop{len(started)}.py"
        file.write_text(HEADER + code)
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("BACKFUTURE_", "KAFKA_"))}
        process = subprocess.Popen(
            [sys.executable, str(file)], stderr=subprocess.PIPE, text=True, env=clean | environment
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        if process.stderr:
            process.stderr.close()


def read_until(process: "subprocess.Popen[str]", event: str) -> dict[str, Any]:
    assert process.stderr is not None
    for line in process.stderr:
        entry: dict[str, Any] = json.loads(line)
        if entry["event"] == event:
            return entry
    raise AssertionError(f"{event} was never logged")


def end_of(process: "subprocess.Popen[str]") -> list[dict[str, Any]]:
    """Return what is logged until the process ends; every line is one JSON object."""
    _, told = process.communicate(timeout=WAIT_S)
    return [json.loads(line) for line in told.splitlines()]


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_a_process_that_is_asked_to_stop_ends_well(start: Start, signum: signal.Signals) -> None:
    process = start(PATIENT)
    read_until(process, "shop.open")
    process.send_signal(signum)
    assert [entry["event"] for entry in end_of(process)][-1] == "service.stopped"
    assert process.returncode == 0


def test_a_process_tells_of_its_health(start: Start) -> None:
    port = free_port()
    process = start(PATIENT, BACKFUTURE_HTTP_PORT=str(port))
    read_until(process, "shop.open")
    answer = get(f"http://127.0.0.1:{port}/readyz")
    assert json.loads(answer) == {"ready": True, "parts": [{"name": "shop", "ok": True, "detail": ""}]}
    assert "backfuture_started_seconds" in get(f"http://127.0.0.1:{port}/metrics")


def test_the_settings_are_told_at_start_without_secrets(start: Start) -> None:
    code = """
class ShopSettings(ServiceSettings):
    door: str = ""
async def main(runtime):
    await runtime.stopping.wait()
run("shop", ShopSettings.load(), main)
"""
    process = start(code, BACKFUTURE_DOOR=f"https://shop:{SECRET}@example.test/?api_key={SECRET}")
    entry = read_until(process, "service.starting")
    assert entry["settings"]["http_host"] == "127.0.0.1"
    assert SECRET not in json.dumps(entry)


def test_a_crash_is_one_line_with_its_causes_and_nothing_secret(start: Start) -> None:
    code = f"""
async def main(runtime):
    password = "{SECRET}"
    try:
        raise KeyError("shelf")
    except KeyError as error:
        raise Fatal("shop.burnt", "api_key={SECRET} is lost") from error
run("shop", ServiceSettings.load(), main)
"""
    process = start(code)
    entries = end_of(process)
    assert process.returncode == 1
    crash = entries[-1]
    assert [entry["event"] for entry in entries].count("service.crashed") == 1
    assert crash["event"] == "service.crashed"
    assert [cause.split(" (at")[0] for cause in crash["causes"]] == [
        "Fatal: shop.burnt: api_key=[redacted] is lost",
        "KeyError: 'shelf'",
    ]
    assert SECRET not in json.dumps(entries)


def test_a_service_that_ends_unasked_has_failed(start: Start) -> None:
    process = start("""
async def main(runtime):
    pass
run("shop", ServiceSettings.load(), main)
""")
    assert "service.ended_early" in end_of(process)[-1]["causes"][0]
    assert process.returncode == 1


def test_a_service_that_does_not_stop_is_ended(start: Start) -> None:
    process = start("""
from backfuture_common.runtime import service
service.STOP_GRACE_S = 0.3
async def main(runtime):
    runtime.log.info("shop.open")
    await asyncio.Event().wait()
run("shop", ServiceSettings.load(), main)
""")
    read_until(process, "shop.open")
    process.terminate()
    assert "service.stuck" in end_of(process)[-1]["causes"][0]
    assert process.returncode == 1


def test_a_taken_port_is_one_clear_line(start: Start) -> None:
    port = free_port()
    with closing(socket.create_server(("127.0.0.1", port))):
        process = start(PATIENT, BACKFUTURE_HTTP_PORT=str(port))
        crash = end_of(process)[-1]
    assert process.returncode == 1
    assert crash["event"] == "service.crashed"
    assert len(crash["causes"]) == 1
    assert f"http.address_taken: cannot listen on 127.0.0.1:{port}" in crash["causes"][0]


def test_an_unknown_variable_stops_the_start(start: Start) -> None:
    process = start(PATIENT, BACKFUTURE_HTTP_PROT="1")
    _, told = process.communicate(timeout=WAIT_S)
    assert told == "settings.unknown: unknown environment variable BACKFUTURE_HTTP_PROT\n"
    assert process.returncode == 2


def test_run_refuses_unknown_variables_whoever_made_the_settings(start: Start) -> None:
    process = start(PATIENT.replace(".load()", "()"), BACKFUTURE_HTTP_PROT="1")
    assert "BACKFUTURE_HTTP_PROT" in end_of(process)[-1]["cause"]
    assert process.returncode == 2


def test_there_are_no_core_dumps(start: Start) -> None:
    process = start("""
import resource
async def main(runtime):
    runtime.log.info("limits", core=resource.getrlimit(resource.RLIMIT_CORE))
    await runtime.stopping.wait()
run("shop", ServiceSettings.load(), main)
""")
    assert read_until(process, "limits")["core"] == [0, 0]


def test_libraries_log_the_same_way_and_do_not_chat(start: Start) -> None:
    code = f"""
import logging
async def main(runtime):
    logging.getLogger("ccxt").debug("GET /orders?signature={SECRET}")
    logging.getLogger("ccxt").info("GET /orders?signature={SECRET}")
    logging.getLogger("aiokafka").warning("retry with token=%s", "{SECRET}")
    await runtime.stopping.wait()
run("shop", ServiceSettings.load(), main)
"""
    process = start(code, BACKFUTURE_LOG_LEVEL="DEBUG")
    read_until(process, "retry with token=[redacted]")
    process.terminate()
    assert not [entry for entry in end_of(process) if entry.get("logger") == "ccxt"]


async def test_work_is_cancelled_when_the_process_stops() -> None:
    runtime = Runtime("shop", ServiceSettings())
    cleaned = []

    async def part() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cleaned.append(True)

    async def stop_soon() -> None:
        await asyncio.sleep(0.05)
        runtime.stopping.set()
        await asyncio.Event().wait()

    await runtime.until_stopped(part(), stop_soon())
    assert cleaned == [True]


async def test_the_failure_of_one_part_ends_the_others_and_is_told() -> None:
    runtime = Runtime("shop", ServiceSettings())
    cleaned = []

    async def patient() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cleaned.append(True)

    async def failing() -> None:
        raise Unknown("shop.lost", "nobody knows")

    with pytest.raises(Unknown):
        await runtime.until_stopped(patient(), failing())
    assert cleaned == [True]


async def test_a_part_that_returns_early_is_a_failure() -> None:
    runtime = Runtime("shop", ServiceSettings())
    with pytest.raises(Fatal, match=r"service\.part_ended"):
        await runtime.until_stopped(asyncio.sleep(0), asyncio.Event().wait())


def test_causes_flatten_groups_and_follow_the_chain() -> None:
    inner = ValueError("inner")
    outer = RuntimeError("outer")
    outer.__cause__ = inner
    group = ExceptionGroup("many", [outer, ExceptionGroup("more", [KeyError("k")])])
    assert list(causes(group)) == ["RuntimeError: outer", "ValueError: inner", "KeyError: 'k'"]


def get(url: str) -> str:
    until_s = time.monotonic() + WAIT_S
    while True:
        try:
            return httpx.get(url, timeout=WAIT_S).text
        except httpx.ConnectError:
            assert time.monotonic() < until_s
            time.sleep(0.05)
