"""The gateway as a process, on a real broker, with the real key-vault on a real OpenBao."""

import secrets
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from tests.support.broker import free_port, running_broker
from tests.support.gateway import CHEAP, PASSWORD, GatewayProcess, migrated_database
from tests.support.key_vault import KeyVault
from tests.support.openbao import OpenBao, short_folder


@dataclass
class Bench:
    """A running gateway with an administrator, and what it stands on. ``vault`` only where the test asked for it."""

    bootstrap: str
    gateway: GatewayProcess
    vault: KeyVault | None = None
    others: "list[subprocess.Popen[bytes]]" = field(default_factory=list)

    def start(self) -> None:
        self.gateway.start()
        self.gateway.wait_ready()

    def restart(self) -> None:
        self.gateway.kill()
        self.start()

    def start_another(self) -> None:
        """Start a second gateway on the same database and wait until it is ready; it takes the first one's place."""
        self.gateway.environment["BACKFUTURE_HTTP_PORT"] = str(free_port())
        self.others.append(self.gateway.process)
        self.start()

    def end(self) -> None:
        self.gateway.kill()
        for process in self.others:
            process.kill()
            process.wait(10)

    def client(self, name: str = "admin") -> httpx.Client:
        return self.gateway.log_in(name)

    def add_user(self, name: str, role: str = "user") -> None:
        """Put a user where ``create-user`` would (which has a test of its own and takes seconds)."""
        user = (f"usr_{name}_{secrets.token_hex(4)}", name, role, CHEAP.hash(PASSWORD), 1)
        with sqlite3.connect(self.gateway.folder / "gateway.db", timeout=20) as db:
            db.execute("INSERT INTO users (id, name, role, password_hash, created_ms) VALUES (?, ?, ?, ?, ?)", user)


@pytest.fixture(scope="module")
def bootstrap() -> Iterator[str]:
    with running_broker() as address:
        yield address


@pytest.fixture(scope="module")
def vault() -> Iterator[KeyVault]:
    with short_folder() as folder:
        bao = OpenBao(folder)
        vault = KeyVault(folder, bao, exchanges=("paper-mexc",))
        try:
            bao.start()
            vault.make_callers()
            vault.start()
            yield vault
        finally:
            vault.stop()
            bao.stop()


def _bench(folder: Path, bootstrap: str, **environment: str) -> Bench:
    gateway = GatewayProcess(
        folder,
        {
            "KAFKA_BOOTSTRAP_SERVERS": bootstrap,
            "BACKFUTURE_HTTP_PORT": str(free_port()),
            "BACKFUTURE_INTAKE_SOCKET": str(folder / "none.sock"),
            "BACKFUTURE_INTAKE_TOKEN_FILE": str(folder / "none.token"),
            **environment,
        },
    )
    bench = Bench(bootstrap, gateway)
    shutil.copy(migrated_database(), folder / "gateway.db")
    bench.add_user("admin", "admin")
    return bench


@pytest.fixture
def bench(tmp_path: Path, bootstrap: str) -> Iterator[Bench]:
    """A gateway without a vault. Its owner ids are its own, so tests may share a broker."""
    bench = _bench(tmp_path, bootstrap)
    bench.start()
    yield bench
    bench.end()


@pytest.fixture
def vaulted(tmp_path: Path, bootstrap: str, vault: KeyVault) -> Iterator[Bench]:
    if vault.processes["intake"].poll() is not None:  # a test that failed left it so
        vault.start("intake")
    bench = _bench(
        tmp_path, bootstrap,
        BACKFUTURE_INTAKE_SOCKET=str(vault.sockets["intake"]),
        BACKFUTURE_INTAKE_TOKEN_FILE=str(vault.token_file("gateway")),
    )  # fmt: skip
    bench.vault = vault
    bench.start()
    yield bench
    bench.end()
