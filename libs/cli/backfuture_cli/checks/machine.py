"""Checks of the machine: Python, disk, clock, ports."""

import ctypes
import platform
import shutil
import sys

from backfuture_cli.checks.finding import Finding
from backfuture_cli.exits import CliError
from backfuture_cli.launcher import preflight
from backfuture_cli.launcher.catalogue import Catalogue
from backfuture_cli.launcher.home import Home
from backfuture_cli.launcher.settings import LauncherSettings

_TIME_ERROR = 5
"""Answer of adjtimex: the kernel's clock is not synchronised with anything."""


def python() -> Finding:
    """Check the version of Python."""
    try:
        preflight.check_python()
    except CliError as problem:
        return Finding("Python", "fail", problem.info.message, problem.info.hint)
    return Finding("Python", "ok", platform.python_version())


def disk(home: Home, min_free_mb: int) -> Finding:
    """Check the free space where the state folder is, or would be."""
    folder = next(folder for folder in (home.root, *home.root.parents) if folder.exists())
    free_mb = shutil.disk_usage(folder).free // 1_000_000
    if free_mb < min_free_mb:
        return Finding("disk", "fail", f"{free_mb} MB free", f"free some space: {min_free_mb} MB are needed")
    return Finding("disk", "ok", f"{free_mb} MB free")


def clock() -> Finding:
    """Check that something keeps the clock right: exchanges refuse requests that are seconds off."""
    if sys.platform != "linux":
        return Finding("clock", "ok", "cannot be checked on this system")
    buffer = ctypes.create_string_buffer(512)  # struct timex, all zero: only ask
    if ctypes.CDLL(None).adjtimex(buffer) == _TIME_ERROR:
        return Finding(
            "clock", "warn", "the kernel says that nothing keeps it right",
            "let a time service run (systemd-timesyncd, chrony): exchanges refuse requests that are seconds off",
        )  # fmt: skip
    return Finding("clock", "ok", "is kept right")


def ports(settings: LauncherSettings) -> Finding:
    """Check that the ports are free; to be asked only while nothing runs."""
    home = Home(settings.home)
    try:
        preflight.check_ports(Catalogue(settings, home).parts())
    except CliError as problem:
        return Finding("ports", "fail", problem.info.message, problem.info.hint)
    return Finding("ports", "ok", f"free, from {settings.base_port}")
