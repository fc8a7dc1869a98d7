"""The HTTP side of a process: liveness, readiness, metrics, and a server that stops with the process."""

import asyncio
import contextlib
import os
import socket
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import APIRouter, FastAPI, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from backfuture_common.errors import Fatal
from backfuture_common.runtime.health import Health
from backfuture_common.runtime.logging import get_logger
from backfuture_common.runtime.service import Runtime, lone_failure

_log = get_logger("backfuture.http")
_GRACE_S = 5
"""How long answers under way (event streams too) may take when the process stops."""


def health_routes(runtime: Runtime) -> APIRouter:
    """Return ``/livez``, ``/readyz`` and ``/metrics`` for a service's own app."""
    router = APIRouter(include_in_schema=False)

    @router.get("/livez")
    async def livez() -> dict[str, str]:
        return {"status": "alive", "service": runtime.service}

    @router.get("/readyz")
    async def readyz() -> JSONResponse:
        return _readiness(runtime.health)

    @router.get("/metrics")
    async def metrics() -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return router


def health_app(runtime: Runtime) -> FastAPI:
    """Return an app of nothing but the health routes, for services without an HTTP interface."""
    app = FastAPI(openapi_url=None)
    app.include_router(health_routes(runtime))
    return app


async def serve_app(
    runtime: Runtime, app: Any, *, uds: Path | None = None, host: str = "127.0.0.1", port: int = 0
) -> None:
    """Serve an ASGI app until the process stops (or this call is cancelled), then let answers under way finish.

    With ``uds`` on a unix socket that only its owner may use (mode 0600), else on ``host:port`` (0: a free port, which
    is logged). Raises :class:`Fatal`: ``http.address_taken`` when the address is in use, ``http.start_failed`` when
    the app does not start.
    """
    await serve_until(app, runtime.stopping, uds=uds, host=host, port=port)


async def serve_until(
    app: Any, stop: asyncio.Event, *, uds: Path | None = None, host: str = "127.0.0.1", port: int = 0
) -> None:
    """:func:`serve_app` with an event of its own."""
    listener = _unix_listener(uds) if uds else _tcp_listener(host, port)
    try:
        server = _Server(
            uvicorn.Config(
                app,
                access_log=False,
                log_config=None,
                server_header=False,
                timeout_graceful_shutdown=_GRACE_S,
            )
        )
        _log.info("http.listening", address=_address_of(listener))
        with lone_failure():
            async with asyncio.TaskGroup() as group:
                stopper = group.create_task(server.exit_on(stop))
                await server.serve_or_fail(listener)
                if not stop.is_set():
                    raise Fatal("http.ended", "the HTTP server ended by itself")
                stopper.cancel()
    finally:
        listener.close()
        if uds:
            _remove(uds)


class _Server(uvicorn.Server):
    """uvicorn without signal handlers: the process has its own."""

    async def exit_on(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self.should_exit = True

    async def serve_or_fail(self, listener: socket.socket) -> None:
        """Serve; stop gracefully when cancelled; a failed start (uvicorn would exit) is :class:`Fatal`."""
        try:
            await self.serve(sockets=[listener])
        except asyncio.CancelledError:
            if self.started:
                await self.shutdown(sockets=[listener])
            raise
        except SystemExit:
            raise Fatal("http.start_failed", "the app did not start") from None

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _tcp_listener(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise Fatal(
            "http.address_taken", f"cannot listen on {host}:{port}: {error.strerror}", "stop the other process"
        ) from None
    listener.setblocking(False)
    return listener


def _unix_listener(path: Path) -> socket.socket:
    _remove_stale(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    old_mask = os.umask(0o177)  # born with mode 0600: there is no moment in which others may connect
    try:
        listener.bind(str(path))
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise Fatal("http.address_taken", f"cannot listen on {path}: {error.strerror or error}") from None
    finally:
        os.umask(old_mask)
    listener.setblocking(False)
    return listener


def _remove_stale(path: Path) -> None:
    """Remove a socket that nobody listens on any more; refuse when somebody does, or when it is no socket."""
    if not path.exists():
        return
    if not stat.S_ISSOCK(path.stat().st_mode):
        raise Fatal("http.address_taken", f"{path} exists and is no socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        try:
            probe.connect(str(path))
        except OSError:
            path.unlink(missing_ok=True)
            return
    raise Fatal("http.address_taken", f"another process listens on {path}", "stop the other process")


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)


def _address_of(listener: socket.socket) -> str:
    name = listener.getsockname()
    return name if isinstance(name, str) else f"{name[0]}:{name[1]}"


def _readiness(health: Health) -> JSONResponse:
    parts = [{"name": part.name, "ok": part.ok, "detail": part.detail} for part in health.parts]
    return JSONResponse({"ready": health.ready, "parts": parts}, status_code=200 if health.ready else 503)
