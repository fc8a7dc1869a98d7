"""A PostgreSQL server for tests where its binaries are installed: on a free port, thrown away afterwards."""

import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
from sqlalchemy import make_url

from tests.support.broker import free_port

_READY_S = 60.0


def postgres_bin() -> Path | None:
    """Return the folder of the newest installed server's programs."""
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return folders[-1].parent if folders else None


@contextmanager
def running_postgres() -> Iterator[str]:
    """Yield the ``postgresql+asyncpg`` URL of an empty server; it refuses to run as root, and runs as nobody then."""
    programs = postgres_bin()
    assert programs is not None, "no PostgreSQL here"
    folder = Path(tempfile.mkdtemp(prefix="bf-pg-"))
    user = "nobody" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
    if os.geteuid() == 0:
        shutil.chown(folder, user)
    port = free_port()
    data = folder / "data"
    subprocess.run(
        [programs / "initdb", "-D", data, "-U", "backfuture", "-A", "trust", "--no-sync", "-E", "UTF8"],
        user=user, cwd=folder, check=True, capture_output=True, timeout=_READY_S,
    )  # fmt: skip
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [
                programs / "postgres", "-D", data, "-p", str(port), "-k", folder, "-c", "listen_addresses=127.0.0.1",
                "-c", "fsync=off",
            ],
            user=user, cwd=folder, stdout=log, stderr=log,
        )  # fmt: skip
    try:
        _wait_until_ready(programs, port, user, folder)
        yield f"postgresql+asyncpg://backfuture@127.0.0.1:{port}/postgres"
    finally:
        server.terminate()
        server.wait(20)
        shutil.rmtree(folder, ignore_errors=True)


async def execute(url: str, *statements: str) -> None:
    """Run SQL as it stands, outside of any transaction."""
    connection = await asyncpg.connect(url.replace("+asyncpg", ""), timeout=20)  # type: ignore[no-untyped-call]  # has no types
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


async def new_database(server: str) -> str:
    """Make an empty database on the server and return its URL."""
    name = f"test_{secrets.token_hex(5)}"
    await execute(server, f"CREATE DATABASE {name}")
    return make_url(server).set(database=name).render_as_string(hide_password=False)


def _wait_until_ready(programs: Path, port: int, user: str, folder: Path) -> None:
    until_s = time.monotonic() + _READY_S
    while time.monotonic() < until_s:
        asked = subprocess.run(
            [programs / "pg_isready", "-h", "127.0.0.1", "-p", str(port)],
            user=user, cwd=folder, check=False, capture_output=True, timeout=10,
        )  # fmt: skip
        if asked.returncode == 0:
            return
        time.sleep(0.1)
    raise RuntimeError(f"PostgreSQL does not get ready: {(folder / 'log').read_text()[-2_000:]}")
