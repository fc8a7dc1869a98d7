"""Health of the parts, and the HTTP server that tells of it."""

import asyncio
import contextlib
import socket
import stat
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import httpx
import pytest
from backfuture_common.errors import Fatal
from backfuture_common.runtime.health import Health
from backfuture_common.runtime.http import health_routes, serve_app
from backfuture_common.runtime.service import Runtime
from backfuture_common.runtime.settings import ServiceSettings
from fastapi import FastAPI

from tests.support.broker import free_port


@pytest.fixture
def runtime() -> Runtime:
    return Runtime("shop", ServiceSettings())


@pytest.fixture
def app(runtime: Runtime) -> FastAPI:
    app = FastAPI()
    app.include_router(health_routes(runtime))
    return app


@pytest.fixture
def short_dir() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="bf") as folder:  # unix socket paths are short
        yield Path(folder)


@contextlib.asynccontextmanager
async def served(runtime: Runtime, app: FastAPI, path: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with asyncio.TaskGroup() as group:
        group.create_task(serve_app(runtime, app, uds=path))
        transport = httpx.AsyncHTTPTransport(uds=str(path))
        async with httpx.AsyncClient(transport=transport, base_url="http://shop") as client:
            await until(path.exists)
            yield client
        runtime.stopping.set()


async def until(reached: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not reached():  # noqa: ASYNC110  (what is waited for has no event)
            await asyncio.sleep(0.01)


def test_a_process_that_has_not_named_a_part_is_not_ready() -> None:
    assert not Health().ready


def test_ready_is_when_every_part_is_ok() -> None:
    health = Health()
    health.set("bus", ok=True)
    health.set("vault", ok=False, detail="sealed")
    assert not health.ready
    health.set("vault", ok=True)
    assert health.ready
    assert [part.name for part in health.parts] == ["bus", "vault"]


async def test_livez_readyz_and_metrics_are_served_on_a_private_socket(
    runtime: Runtime, app: FastAPI, short_dir: Path
) -> None:
    path = short_dir / "s"
    async with served(runtime, app, path) as client:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert (await client.get("/livez")).json() == {"status": "alive", "service": "shop"}

        runtime.health.set("bus", ok=False, detail="no broker")
        answer = await client.get("/readyz")
        assert answer.status_code == 503
        assert answer.json() == {"ready": False, "parts": [{"name": "bus", "ok": False, "detail": "no broker"}]}

        runtime.health.set("bus", ok=True)
        assert (await client.get("/readyz")).status_code == 200
        assert 'backfuture_part_up{part="bus"} 1.0' in (await client.get("/metrics")).text
    assert not path.exists()


async def test_an_answer_under_way_is_finished_when_the_process_stops(
    runtime: Runtime, app: FastAPI, short_dir: Path
) -> None:
    asked, may_answer = asyncio.Event(), asyncio.Event()

    @app.get("/slow")
    async def slow() -> str:
        asked.set()
        await may_answer.wait()
        return "done"

    async with served(runtime, app, short_dir / "s") as client, asyncio.TaskGroup() as group:
        answer = group.create_task(client.get("/slow"))
        await asked.wait()
        runtime.stopping.set()
        await asyncio.sleep(0.2)
        may_answer.set()
    assert answer.result().text == '"done"'


async def test_a_cancelled_server_finishes_answers_too(runtime: Runtime, app: FastAPI, short_dir: Path) -> None:
    asked, may_answer = asyncio.Event(), asyncio.Event()

    @app.get("/slow")
    async def slow() -> str:
        asked.set()
        await may_answer.wait()
        return "done"

    path = short_dir / "s"
    transport = httpx.AsyncHTTPTransport(uds=str(path))
    async with (
        httpx.AsyncClient(transport=transport, base_url="http://shop") as client,
        asyncio.TaskGroup() as group,
    ):
        server = group.create_task(serve_app(runtime, app, uds=path))
        await until(path.exists)
        answer = group.create_task(client.get("/slow"))
        await asked.wait()
        server.cancel()
        await asyncio.sleep(0.2)
        may_answer.set()
    assert answer.result().text == '"done"'


async def test_a_socket_left_by_a_dead_process_is_replaced(runtime: Runtime, app: FastAPI, short_dir: Path) -> None:
    path = short_dir / "s"
    dead = socket.socket(socket.AF_UNIX)
    dead.bind(str(path))
    dead.close()
    assert path.exists()
    async with served(runtime, app, path) as client:
        assert (await client.get("/livez")).status_code == 200


async def test_a_socket_somebody_listens_on_is_refused(runtime: Runtime, app: FastAPI, short_dir: Path) -> None:
    path = short_dir / "s"
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as other:
        other.bind(str(path))
        other.listen()
        with pytest.raises(Fatal) as refusal:
            await serve_app(runtime, app, uds=path)
        assert path.exists()
    assert refusal.value.info.code == "http.address_taken"


async def test_a_file_that_is_no_socket_is_left_alone(runtime: Runtime, app: FastAPI, short_dir: Path) -> None:
    path = short_dir / "letter"
    path.write_text("dear")
    with pytest.raises(Fatal):
        await serve_app(runtime, app, uds=path)
    assert path.read_text() == "dear"


async def test_a_taken_port_is_fatal(runtime: Runtime, app: FastAPI) -> None:
    port = free_port()
    with contextlib.closing(socket.create_server(("127.0.0.1", port))), pytest.raises(Fatal) as refusal:
        await serve_app(runtime, app, port=port)
    assert refusal.value.info.code == "http.address_taken"


async def test_an_app_that_cannot_start_is_fatal(runtime: Runtime) -> None:
    @contextlib.asynccontextmanager
    async def broken(_app: FastAPI) -> AsyncIterator[None]:
        raise RuntimeError("no database")
        yield

    with pytest.raises(Fatal) as failure:
        await serve_app(runtime, FastAPI(lifespan=broken))
    assert failure.value.info.code == "http.start_failed"
