"""Readiness by real checks: each asks the part itself, none looks at a clock."""

import asyncio
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path

import httpx
import msgspec

from backfuture_cli.launcher.part import Probe, Readiness

_TIMEOUT_S = 3.0
_API_VERSIONS_V0 = struct.pack(">ihhih", 10, 18, 0, 1, -1)
"""Length, key 18, version 0, correlation id 1, no client id."""


class _PartHealth(msgspec.Struct):
    name: str
    ok: bool
    detail: str = ""


class ReadyAnswer(msgspec.Struct):
    """What ``/readyz`` of every process of ours answers."""

    ready: bool
    parts: list[_PartHealth] = []


def http_ready(url: str) -> Probe:
    """Ask ``/readyz`` of a process; the detail names the parts that are not ok."""

    async def probe() -> Readiness:
        try:
            async with httpx.AsyncClient(timeout=_TIMEOUT_S, trust_env=False) as client:
                answer = await client.get(f"{url}/readyz")
        except httpx.HTTPError:
            return Readiness(ok=False, detail="does not answer yet")
        return read_answer(answer.content, answer.status_code)

    return probe


def answers_ok(url: str) -> Probe:
    """Ask a process that is not ours for a page that it answers with 200 when it is ready."""

    async def probe() -> Readiness:
        try:
            async with httpx.AsyncClient(timeout=_TIMEOUT_S, trust_env=False) as client:
                answer = await client.get(url)
        except httpx.HTTPError:
            return Readiness(ok=False, detail="does not answer yet")
        return Readiness(ok=answer.status_code == 200, detail="" if answer.status_code == 200 else "is starting")

    return probe


def read_answer(body: bytes, status: int) -> Readiness:
    """Judge an answer of ``/readyz``."""
    try:
        answer = msgspec.json.decode(body, type=ReadyAnswer)
    except (msgspec.DecodeError, msgspec.ValidationError):
        return Readiness(ok=False, detail=f"answers with HTTP {status} and not as a part of the platform does")
    reasons = [f"{part.name}: {part.detail or 'not ok'}" for part in answer.parts if not part.ok]
    return Readiness(ok=answer.ready, detail="; ".join(reasons) or ("" if answer.ready else "starting"))


def kafka_ready(bootstrap_servers: str) -> Probe:
    """Send ApiVersions to the first broker that takes a connection, and read the whole answer."""

    async def probe() -> Readiness:
        detail = "no address given"
        for server in bootstrap_servers.split(","):
            try:
                return await _api_versions(server.strip())
            except (OSError, TimeoutError, asyncio.IncompleteReadError, ValueError, struct.error) as error:
                detail = f"{server.strip()} does not answer: {error or type(error).__name__}"
        return Readiness(ok=False, detail=detail)

    return probe


async def _api_versions(server: str) -> Readiness:
    host, _, port = server.rpartition(":")
    async with asyncio.timeout(_TIMEOUT_S):
        reader, writer = await asyncio.open_connection(host or "127.0.0.1", int(port))
        try:
            writer.write(_API_VERSIONS_V0)
            await writer.drain()
            (size,) = struct.unpack(">i", await reader.readexactly(4))
            body = await reader.readexactly(min(size, 1_000_000))
        finally:
            writer.close()
    correlation, error = struct.unpack_from(">ih", body)
    if correlation != 1 or error:
        return Readiness(ok=False, detail=f"{server} is not a Kafka broker that we understand (error {error})")
    return Readiness(ok=True)


def command_ready(command: Sequence[str], environment: Mapping[str, str], within_s: float) -> Probe:
    """Run a command that checks: exit code 0 is ready, else its last line says why not."""

    async def probe() -> Readiness:
        code, said = await run_to_end(command, environment, within_s)
        return Readiness(ok=code == 0, detail="" if code == 0 else said or f"the check ended with {code}")

    return probe


async def run_to_end(
    command: Sequence[str], environment: Mapping[str, str], within_s: float, stdin: bytes | None = None
) -> tuple[int, str]:
    """Run a short command with a clean environment; return exit code and the last line it said."""
    process = await asyncio.create_subprocess_exec(
        *command,
        env=dict(environment),
        stdin=asyncio.subprocess.PIPE if stdin is not None else asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(within_s):
            output, _ = await process.communicate(stdin)
    except TimeoutError:
        process.kill()
        await process.wait()
        return -1, f"{Path(command[0]).name} did not end within {within_s:.0f} s"
    lines = [line for line in output.decode(errors="replace").splitlines() if line.strip()]
    return process.returncode or 0, lines[-1] if lines else ""
