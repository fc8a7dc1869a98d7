"""A gateway for tests: inside the test's own process on a database of its own, or as the process users run."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import Any

import anyio
import httpx
from argon2 import PasswordHasher
from backfuture_common import topics
from backfuture_common.bus import Incoming
from backfuture_common.domain.ids import UserId, new_id
from backfuture_common.messages.bots import BotCommand, BotSnapshot
from backfuture_common.messages.codec import Decoder, Message
from backfuture_common.messages.connections import AccountBalances, ConnectionCommand, ConnectionState
from backfuture_common.messages.journal import JournalRecord
from backfuture_common.messages.market import Instrument, Tick
from backfuture_common.messages.orders import OrderUpdate
from backfuture_common.runtime.clock import Clock
from backfuture_common.runtime.health import Health
from backfuture_common.runtime.logging import get_logger
from backfuture_gateway.app import PREFIX, create_app
from backfuture_gateway.bootstrap import Gateway, build
from backfuture_gateway.db.engine import open_database
from backfuture_gateway.db.migrate import migrate
from backfuture_gateway.db.tables import ConnectionRow, OutboxRow, Role
from backfuture_gateway.read_model.projector import fold
from backfuture_gateway.settings import GatewaySettings
from backfuture_gateway.users import service as users
from fastapi import FastAPI
from sqlalchemy import make_url, select

from tests.support.gateway_records import connection_state

_TOPIC_OF: dict[type[Message], topics.Topic] = {
    BotSnapshot: topics.BOT_STATE,
    JournalRecord: topics.BOT_JOURNAL,
    OrderUpdate: topics.ORDER_EVENTS,
    ConnectionState: topics.CONNECTION_EVENTS,
    AccountBalances: topics.ACCOUNT_BALANCES,
    Instrument: topics.MARKET_INSTRUMENTS,
    Tick: topics.MARKET_TICKS,
}

PASSWORD = "correct horse battery"
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
"""Hashes for tests of other things than hashing."""


@cache
def migrated_database() -> Path:
    """Make a migrated SQLite file once for each test process; every test gets a copy."""
    path = Path(mkdtemp(prefix="bf-gateway-")) / "template.db"

    async def make() -> None:
        db = open_database(make_url(f"sqlite+aiosqlite:///{path}"))
        await migrate(db)
        await db.close()

    anyio.run(make)
    return path


@cache
def _description() -> dict[str, Any]:
    """Make the API's description once for each test process: it takes a second and is the same for every app."""
    with TemporaryDirectory() as folder:
        gateway = build(settings_in(Path(folder)), clock=Clock(), health=Health(), log=get_logger("test"), hasher=CHEAP)
        return create_app(gateway.services, get_logger("test")).openapi()


class GatewayUnderTest:
    """A gateway's services and app in this process; ``client`` talks to the app without a network."""

    def __init__(self, gateway: Gateway, app: FastAPI, client: httpx.AsyncClient) -> None:
        self.gateway = gateway
        self.app = app
        self.client = client

    async def add_user(self, name: str, role: Role = "user") -> UserId:
        async with self.gateway.db.write() as session:
            row = await users.create(
                session, self.gateway.services.clock, name=name, password_hash=CHEAP.hash(PASSWORD), role=role
            )
            return UserId(row.id)

    async def tell(self, *messages: Message) -> None:
        """Fold messages into the read model as the projector would, prices into the newest prices."""
        records = [Incoming(_TOPIC_OF[type(message)], 0, 0, "", message, 0) for message in messages]
        async with self.gateway.db.write() as session:
            await fold(session, records)
        for message in messages:
            if isinstance(message, Tick):
                self.gateway.prices.observe(message)

    async def add_connection(
        self, owner: UserId, name: str = "main", *, online: bool = True, exchange: str = "paper-mexc"
    ) -> str:
        """Put a connection where it would be after its key was stored, and tested when ``online``."""
        connection_id = new_id("con")
        async with self.gateway.db.write() as session:
            session.add(
                ConnectionRow(
                    id=connection_id, owner_id=owner, name=name, exchange=exchange, fingerprint=connection_id,
                    phase="kept", hint="cdef", credential_version=1, test_id="tst_1", created_ms=1, updated_ms=1,
                )
            )  # fmt: skip
        if online:
            await self.tell(connection_state(connection_id, owner))
        return connection_id

    async def commands(self) -> list[Message]:
        """Return what stands in the outbox, oldest first."""
        async with self.gateway.db.read() as session:
            rows = (await session.execute(select(OutboxRow).order_by(OutboxRow.id))).scalars()
            return [Decoder(BotCommand | ConnectionCommand).decode(row.value) for row in rows]

    async def log_in(self, name: str, password: str = PASSWORD) -> dict[str, str]:
        """Return the headers of a fresh session."""
        answer = await self.client.post("/auth/login", json={"username": name, "password": password})
        assert answer.status_code == 200, answer.text
        return {"Authorization": f"Bearer {answer.json()['access_token']}"}


def settings_in(folder: Path, **given: object) -> GatewaySettings:
    """Return settings whose every file is below ``folder``."""
    values: dict[str, object] = {
        "database_url": f"sqlite+aiosqlite:///{folder}/gateway.db",
        "access_key_file": folder / "secrets/access.key",
        "fingerprint_key_file": folder / "secrets/fingerprint.key",
        "intake_socket": folder / "intake.sock",
        "intake_token_file": folder / "intake.token",
    }
    return GatewaySettings.model_validate(values | given)


@asynccontextmanager
async def gateway_in_process(
    folder: Path, clock: Clock | None = None, **settings: object
) -> AsyncIterator[GatewayUnderTest]:
    """Build a gateway on a fresh database; none of its background tasks run."""
    chosen = settings_in(folder, **settings)
    if chosen.database_url.startswith("sqlite"):
        template = await anyio.to_thread.run_sync(migrated_database)
        shutil.copy(template, folder / "gateway.db")
    log = get_logger("test")
    gateway = build(chosen, clock=clock or Clock(), health=Health(), log=log, hasher=CHEAP)
    app = create_app(gateway.services, log)
    app.openapi_schema = _description()
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    try:
        async with httpx.AsyncClient(transport=transport, base_url=f"http://gateway{PREFIX}") as client:
            yield GatewayUnderTest(gateway, app, client)
    finally:
        await gateway.close()


class GatewayProcess:
    """``python -m backfuture_gateway`` with an environment of nothing but what the launcher would set."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder = folder
        self.environment = {
            "PATH": os.environ["PATH"],
            "BACKFUTURE_DATABASE_URL": f"sqlite+aiosqlite:///{folder}/gateway.db",
            "BACKFUTURE_ACCESS_KEY_FILE": str(folder / "secrets/access.key"),
            "BACKFUTURE_FINGERPRINT_KEY_FILE": str(folder / "secrets/fingerprint.key"),
            **environment,
        }
        self.log = folder / "gateway.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def process(self) -> "subprocess.Popen[bytes]":
        assert self._process is not None, "not started"
        return self._process

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.environment['BACKFUTURE_HTTP_PORT']}{PREFIX}"

    def task(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run one of the operator's tasks to its end."""
        return subprocess.run(
            [sys.executable, "-m", "backfuture_gateway", *arguments],
            env=self.environment,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def start(self) -> None:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "backfuture_gateway"], env=self.environment, stdout=log, stderr=log
            )

    def wait_ready(self, timeout_s: float = 60) -> None:
        until_s = time.monotonic() + timeout_s
        address = self.base_url.removesuffix(PREFIX) + "/readyz"
        while time.monotonic() < until_s:
            assert self.exit_code() is None, self.log.read_text()[-3_000:]
            try:
                if httpx.get(address, timeout=2).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.1)
        raise AssertionError(f"the gateway does not get ready: {self.log.read_text()[-3_000:]}")

    def exit_code(self) -> int | None:
        return self._process.poll() if self._process else None

    def kill(self) -> None:
        """Take the process away without a word of warning."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait(10)

    def stop(self) -> int:
        """Ask the process to end; return its exit code."""
        assert self._process is not None
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            return self._process.wait(30)
        except subprocess.TimeoutExpired:
            self.kill()
            raise

    def log_in(self, name: str = "admin", password: str = PASSWORD) -> httpx.Client:
        """Return a client with a fresh session."""
        answer = httpx.post(f"{self.base_url}/auth/login", json={"username": name, "password": password}, timeout=20)
        assert answer.status_code == 200, answer.text
        token = answer.json()["access_token"]
        return httpx.Client(base_url=self.base_url, headers={"Authorization": f"Bearer {token}"}, timeout=30)


async def eventually(look: Callable[[], Awaitable[bool]], timeout_s: float = 20) -> None:
    """Wait until ``look`` says yes."""
    until_s = time.monotonic() + timeout_s
    while not await look():
        assert time.monotonic() < until_s, "has not happened in time"
        await anyio.sleep(0.05)
