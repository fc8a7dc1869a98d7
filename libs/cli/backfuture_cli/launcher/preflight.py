"""Looks before anything is started: each thing that would fail later fails here, in one line that says what to do."""

import errno
import importlib.util
import os
import shutil
import socket
import sys
from collections.abc import Iterable
from pathlib import Path

import psutil

from backfuture_cli.exits import CliError, Exit
from backfuture_cli.launcher.home import Home
from backfuture_cli.launcher.part import Part

OLDEST_PYTHON = (3, 11)


def check_python(version: tuple[int, int] | None = None) -> None:
    """Refuse a Python that is too old."""
    found = version or sys.version_info[:2]
    if found < OLDEST_PYTHON:
        raise CliError(
            f"Python {found[0]}.{found[1]} is too old, {OLDEST_PYTHON[0]}.{OLDEST_PYTHON[1]} or newer is needed",
            "install a newer Python and make the virtual environment anew",
        )


def check_disk(home: Home, min_free_mb: int) -> None:
    """Refuse a disk that is nearly full: the broker and the vault must be able to write."""
    free_mb = shutil.disk_usage(home.root).free // 1_000_000
    if free_mb < min_free_mb:
        raise CliError(
            f"only {free_mb} MB are free on the disk of {home.root}, {min_free_mb} MB are needed",
            "free some space, or set BACKFUTURE_HOME to a folder on another disk",
        )


def check_writable(home: Home) -> None:
    """Refuse a state folder in which files cannot be made."""
    trial = home.run / f".trial-{os.getpid()}"
    try:
        trial.write_bytes(b"x" * 4096)
    except OSError as error:
        raise CliError(
            f"the state folder {home.root} cannot be written: {error.strerror}",
            "set BACKFUTURE_HOME to a folder that you own, on a disk with space",
            exit_code=Exit.BAD_INPUT,
        ) from None
    finally:
        trial.unlink(missing_ok=True)


def check_programs(parts: Iterable[Part]) -> None:
    """Refuse when a program or a Python package of a part is not installed."""
    for part in parts:
        program = Path(part.command[0])
        if not (program.is_file() and os.access(program, os.X_OK)):
            raise CliError(
                f"{part.title}: the program {program} is missing or not executable",
                "install the platform anew (make setup), or correct the setting that names the program",
            )
        module = _module_of(part)
        if module and not _can_run(module):
            raise CliError(f"{part.title}: the package {module} is not installed", "install the platform: make setup")


def check_ports(parts: Iterable[Part]) -> None:
    """Refuse when a port that a part will listen on is taken; name the part and, where allowed, the taker."""
    for part in parts:
        for purpose, port in part.ports.items():
            if _is_taken(port):
                by = _taker(port)
                label = part.title if purpose == "http" else f"{part.title}, {purpose}"
                raise CliError(
                    f"port {port} ({label}) is in use{f' by {by}' if by else ''}",
                    "stop that program, or choose other ports: backfuture up --base-port 9700",
                    code="port_taken",
                )


def _module_of(part: Part) -> str:
    command = part.command
    return command[2] if len(command) > 2 and command[1] == "-m" else ""


def _can_run(module: str) -> bool:
    """Say whether ``python -m module`` finds something to run, without importing it."""
    return importlib.util.find_spec(module) is not None and importlib.util.find_spec(f"{module}.__main__") is not None


def _is_taken(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError as error:
            return error.errno in {errno.EADDRINUSE, errno.EACCES}
    return False


def _taker(port: int) -> str:
    try:
        for connection in psutil.net_connections(kind="tcp"):
            if connection.status == psutil.CONN_LISTEN and connection.laddr and connection.laddr.port == port:
                return f"{psutil.Process(connection.pid).name()} (process {connection.pid})" if connection.pid else ""
    except psutil.Error:
        return ""
    return ""
