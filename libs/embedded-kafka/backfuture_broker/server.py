"""The broker as a process: its data folder, its port, its life."""

import asyncio
import fcntl
import ipaddress
import json
import os
import resource
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from backfuture_broker.api.serving import Serving
from backfuture_broker.api.table import Api
from backfuture_broker.broker import Broker, Options
from backfuture_broker.clock import SystemClock
from backfuture_broker.connection import Connection
from backfuture_broker.disk import replace_file
from backfuture_broker.errors import CannotStartError, StorageFullError
from backfuture_broker.log.cleaner import clean_for_ever
from backfuture_broker.report import warn

_FORMAT = 1
_SWEEP_S = 0.1
_MOST_CONNECTIONS = 2000
_IDLE_S = 600  # as Kafka's connections.max.idle.ms
_FILES_WANTED = 65_536
_BACKLOG = 512


async def serve(host: str, port: int, folder: Path, options: Options, ready: Callable[[str, int], None]) -> None:
    """Serve until SIGTERM or SIGINT. CannotStartError before ``ready`` is called; any other exception is fatal."""
    _refuse_foreign_address(host)
    _allow_many_files()
    with _listener(host, port) as listener, claimed(folder) as cluster_id:
        try:
            broker = Broker(folder, cluster_id, options, SystemClock())
        except StorageFullError as problem:
            raise CannotStartError(f"{folder}: {problem}") from problem
        except OSError as problem:
            raise CannotStartError(f"{problem.filename or folder}: {problem.strerror}") from problem
        await _Server(broker).run(listener, host, ready)


class _Server:
    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._connections: set[Connection] = set()
        self._stopping = asyncio.Event()
        self._problem: Exception | None = None

    async def run(self, listener: socket.socket, host: str, ready: Callable[[str, int], None]) -> None:
        """Serve until asked to stop. Whatever is raised is fatal."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopping.set)
        port = listener.getsockname()[1]
        api = Api(Serving(self._broker, host, port), self._fail)
        loop.set_exception_handler(self._callback_failed)
        try:
            server = await loop.create_server(lambda: self._connection(api), sock=listener, backlog=_BACKLOG)
        except OSError as problem:  # another process was quicker to listen
            raise CannotStartError(f"cannot listen on {host}:{port}: {problem.strerror}") from problem
        ready(host, port)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._broker.disk.run())
            endless = [
                tasks.create_task(self._sweep_for_ever()),
                tasks.create_task(clean_for_ever(self._broker.topics.partitions)),
            ]
            await self._stopping.wait()
            server.close()
            for connection in tuple(self._connections):
                connection.close()
            for task in endless:
                task.cancel()
            self._broker.disk.stop()
        if self._problem is not None:
            raise self._problem
        self._broker.close()

    def _connection(self, api: Api) -> Connection:
        return Connection(api, self._broker.disk, self._connections, _MOST_CONNECTIONS)

    def _callback_failed(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Treat a failure in a callback like any other. Running out of files while accepting is none: clients wait."""
        problem = context.get("exception")
        if isinstance(problem, OSError) and "socket" in context:
            warn(f"cannot take a connection: {problem.strerror}")
        else:
            self._fail(problem if isinstance(problem, Exception) else RuntimeError(context["message"]))

    def _fail(self, problem: Exception) -> None:
        """End the process: what was acknowledged is on the disk, what was not may be in any state in memory."""
        self._problem = self._problem or problem
        self._stopping.set()

    async def _sweep_for_ever(self) -> None:
        while True:
            await asyncio.sleep(_SWEEP_S)
            self._broker.sweep()
            idle_since_s = asyncio.get_running_loop().time() - _IDLE_S
            for connection in [each for each in self._connections if each.is_idle_since(idle_since_s)]:
                connection.close()


def _listener(host: str, port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
    except OSError as problem:
        listener.close()
        raise CannotStartError(f"cannot listen on {host}:{port}: {problem.strerror}") from problem
    except OverflowError as problem:
        listener.close()
        raise CannotStartError(f"{port} is not a port") from problem
    return listener


@contextmanager
def claimed(folder: Path) -> Iterator[str]:
    """Hold a data folder for this process alone; yields its cluster id. CannotStartError if that fails."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as problem:
        raise CannotStartError(f"cannot write to {folder}: {problem.strerror}") from problem
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as problem:
            raise CannotStartError(f"{folder} is in use by another broker") from problem
        yield _cluster_id(folder)
    finally:
        os.close(descriptor)


def _cluster_id(folder: Path) -> str:
    """Read who the data folder belongs to, or make it a new one; but never over records without their journal."""
    about = folder / "broker.json"
    try:
        if about.exists():
            known = json.loads(about.read_text())
            if known["format"] != _FORMAT:
                raise CannotStartError(f"{folder} was written by another version of the broker")
            if not (folder / "journal").exists() and _holds_records(folder):
                raise CannotStartError(f"{folder} holds records but no journal: restore it, or choose another folder")
            return str(known["cluster_id"])
        if _holds_records(folder):
            raise CannotStartError(f"{folder} holds records but no broker.json: is it a broker's folder?")
        cluster_id = f"embedded-{os.urandom(8).hex()}"
        replace_file(about, json.dumps({"format": _FORMAT, "cluster_id": cluster_id}).encode(), durable=True)
    except (OSError, StorageFullError) as problem:
        raise CannotStartError(f"cannot write to {folder}: {problem}") from problem
    except (ValueError, KeyError, TypeError) as problem:
        raise CannotStartError(f"{about} cannot be read: it is not what a broker wrote") from problem
    return cluster_id


def _holds_records(folder: Path) -> bool:
    return any(log.stat().st_size for log in (folder / "topics").glob("*/*.log"))


def _refuse_foreign_address(host: str) -> None:
    """Listen on this machine only: there is neither a password nor encryption."""
    with suppress(ValueError):
        if ipaddress.IPv4Address(host).is_loopback:
            return
    if host != "localhost":
        raise CannotStartError(f"{host} is not an address of this machine alone; for several machines use Apache Kafka")


def _allow_many_files() -> None:
    """Raise the limit of open files: each partition holds at least one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard == resource.RLIM_INFINITY or soft < hard:
        wanted = _FILES_WANTED if hard == resource.RLIM_INFINITY else min(hard, _FILES_WANTED)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
