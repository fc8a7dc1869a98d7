"""A connector and everything around it as real processes: broker, key store, key-vault, paper exchange."""

import asyncio
import contextlib
import itertools
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import httpx
from backfuture_common.bus import KafkaSettings, Outgoing, Publisher, Reader, ensure_topics
from backfuture_common.domain.ids import ConnectionId, ExchangeId, Symbol, UserId
from backfuture_common.messages.codec import Message
from backfuture_common.messages.connections import ConnectionState, TestConnection
from backfuture_common.messages.market import Subscription, subscription_key
from backfuture_common.messages.orders import OrderCommand, OrderUpdate
from backfuture_common.topics import (
    FIXED_TOPICS,
    MARKET_SUBSCRIPTIONS,
    connection_commands,
    exchange_topics,
    order_commands,
)

from tests.support.broker import free_port, running_broker
from tests.support.key_vault import KeyVault
from tests.support.openbao import OpenBao, short_folder
from tests.support.paper import Credentials, Paper, running_paper

M = TypeVar("M", bound=Message)
OWNER = UserId("user_1")
EXCHANGES = (ExchangeId("paper-kucoin"), ExchangeId("paper-mexc"))
READY_S = 40.0
_numbers = itertools.count(1)


@dataclass
class Connector:
    """A running connector process."""

    exchange: ExchangeId
    process: "subprocess.Popen[bytes]"
    port: int
    log: Path
    usual: bool

    def kill(self) -> None:
        """End it without a chance to tidy up."""
        self.process.kill()
        self.process.wait(10)

    def stop(self) -> int:
        """Ask it to end; return its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)
            raise

    def health(self) -> dict[str, str]:
        """Return the parts that are not well, with why."""
        answer = httpx.get(f"http://127.0.0.1:{self.port}/readyz", trust_env=False, timeout=5).json()
        return {part["name"]: part["detail"] for part in answer["parts"] if not part["ok"]}

    def wait_ready(self) -> None:
        until_s = time.monotonic() + READY_S
        while time.monotonic() < until_s:
            assert self.process.poll() is None, self.log.read_text()[-3000:]
            with contextlib.suppress(httpx.TransportError):
                if not self.health():
                    return
            time.sleep(0.05)
        raise AssertionError(f"not ready: {self.log.read_text()[-3000:]}")


@dataclass
class Stage:
    """The surroundings, and the means to start connectors in them."""

    bootstrap: str
    key_vault: KeyVault
    paper: Paper
    folder: Path
    connectors: list[Connector] = field(default_factory=list)

    @property
    def kafka(self) -> KafkaSettings:
        return KafkaSettings(bootstrap_servers=self.bootstrap, client_id=f"test-{next(_numbers)}")

    def usual(self, exchange: ExchangeId) -> Connector:
        """Return a running connector with the usual settings: the one that is there, or a new one."""
        for connector in self.connectors:
            if connector.exchange == exchange and connector.usual and connector.process.poll() is None:
                return connector
        return self.start(exchange)

    def start(self, exchange: ExchangeId, *, wait: bool = True, **settings: object) -> Connector:
        """Start a connector as the launcher does, in the place of the one that is there."""
        for old in self.connectors:
            if old.exchange == exchange and old.process.poll() is None:
                old.stop()
        return self.start_beside(exchange, wait=wait, **settings)

    def start_beside(self, exchange: ExchangeId, *, wait: bool = True, **settings: object) -> Connector:
        """Start a connector whether or not there is another one."""
        port = free_port()
        number = next(_numbers)
        environment = {
            "PATH": os.environ["PATH"],
            "KAFKA_BOOTSTRAP_SERVERS": self.bootstrap,
            "BACKFUTURE_HTTP_PORT": str(port),
            "BACKFUTURE_EXCHANGE": exchange,
            "BACKFUTURE_EXCHANGE_URL": f"{self.paper.url}/{exchange.removeprefix('paper-')}",
            "BACKFUTURE_EXCHANGE_TIMEOUT_S": "3",
            "BACKFUTURE_DISPENSE_SOCKET": str(self.key_vault.sockets["dispense"]),
            "BACKFUTURE_DISPENSE_TOKEN_FILE": str(self.key_vault.token_file(f"connector-{exchange}")),
            **{f"BACKFUTURE_{name.upper()}": str(value) for name, value in settings.items()},
        }
        log = self.folder / f"connector-{number}.log"
        with log.open("ab") as errors:
            process = subprocess.Popen(
                [sys.executable, "-m", "backfuture_connector"], env=environment, stderr=errors, stdout=errors
            )
        connector = Connector(exchange, process, port, log, usual=not settings)
        self.connectors.append(connector)
        if wait:
            connector.wait_ready()
        return connector

    def new_connection(self) -> ConnectionId:
        return ConnectionId(f"conn_{next(_numbers)}")

    def store(self, connection: ConnectionId, exchange: ExchangeId, key: Credentials, *, version: int = 0) -> int:
        """Have intake store a key, as the gateway does; return its version."""
        values = {"api_key": key["api_key"], "secret": key["secret"]}
        if "passphrase" in key:
            values["passphrase"] = key["passphrase"]
        answer = self.key_vault.store(connection, exchange=exchange, user=OWNER, expected_version=version, **values)
        assert answer.status_code == 200, answer.text
        stored: int = answer.json()["version"]
        return stored

    def stop_connectors(self) -> None:
        for connector in self.connectors:
            if connector.process.poll() is None:
                connector.kill()
        self.connectors.clear()


@contextlib.contextmanager
def running_stage() -> Iterator[Stage]:
    with (
        short_folder() as folder,
        running_broker() as bootstrap,
        running_paper(folder / "paper") as paper,
    ):
        bao = OpenBao(folder)
        key_vault = KeyVault(folder, bao)
        stage = Stage(bootstrap, key_vault, paper, folder)
        try:
            bao.start()
            key_vault.make_callers()
            key_vault.start()
            asyncio.run(_make_topics(stage))
            yield stage
        finally:
            stage.stop_connectors()
            key_vault.stop()
            bao.stop()


async def _make_topics(stage: Stage) -> None:
    await ensure_topics(stage.kafka, [*FIXED_TOPICS, *(t for one in EXCHANGES for t in exchange_topics(one))])


class Topics:
    """The other services' side of the bus: commands go in, everything published since the start is seen."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher
        self.seen: list[Message] = []

    async def test(self, connection: ConnectionId, exchange: ExchangeId, version: int, test_id: str = "test_1") -> None:
        command = TestConnection(
            connection_id=connection,
            owner=OWNER,
            exchange=exchange,
            test_id=test_id,
            credential_version=version,
            requested_ms=now_ms(),
        )
        await self.send_connection(command, exchange)

    async def send_connection(self, command: Message, exchange: ExchangeId) -> None:
        key = str(getattr(command, "connection_id"))  # noqa: B009  (both commands have one)
        await self._publisher.publish(Outgoing(connection_commands(exchange), key, command))

    async def order(self, command: OrderCommand) -> None:
        await self._publisher.publish(Outgoing(order_commands(command.exchange), command.connection_id, command))

    async def want(self, exchange: ExchangeId, symbol: Symbol, *, wanted: bool = True) -> None:
        wish = Subscription(exchange=exchange, symbol=symbol, partition=0, wanted=wanted)
        await self._publisher.publish(Outgoing(MARKET_SUBSCRIPTIONS, subscription_key(wish), wish))

    def of(self, kind: type[M], chosen: Callable[[M], bool] = lambda _: True) -> list[M]:
        return [one for one in self.seen if isinstance(one, kind) and chosen(one)]

    def states(self, connection: ConnectionId) -> list[ConnectionState]:
        return self.of(ConnectionState, lambda state: state.connection_id == connection)

    def updates(self, client_order_id: str) -> list[OrderUpdate]:
        return self.of(OrderUpdate, lambda update: update.client_order_id == client_order_id)

    async def until(self, kind: type[M], chosen: Callable[[M], bool], within_s: float = 30.0) -> M:
        """Return the first such message, when it comes."""
        for _ in range(round(within_s / 0.05)):
            found = self.of(kind, chosen)
            if found:
                return found[0]
            await asyncio.sleep(0.05)
        newest = [one for one in self.seen if isinstance(one, kind)][-4:]
        raise AssertionError(f"no such {kind.__name__} within {within_s} s; newest: {newest}")

    async def test_end(
        self, connection: ConnectionId, test_id: str = "test_1", within_s: float = 40.0
    ) -> ConnectionState:
        def ended(state: ConnectionState) -> bool:
            return (state.connection_id, state.test_id) == (connection, test_id) and state.code is not None

        return await self.until(ConnectionState, ended, within_s)

    async def order_end(self, client_order_id: str, within_s: float = 60.0) -> OrderUpdate:
        final = {"filled", "canceled", "rejected", "expired"}
        return await self.until(
            OrderUpdate, lambda one: one.client_order_id == client_order_id and one.status in final, within_s
        )


@contextlib.asynccontextmanager
async def topics(stage: Stage) -> AsyncIterator[Topics]:
    """Give the bus; everything that is on the topics already is seen, too."""
    kafka = stage.kafka
    async with Publisher(kafka) as publisher, Reader(kafka, FIXED_TOPICS) as reader, asyncio.TaskGroup() as group:
        bus = Topics(publisher)

        async def read() -> None:
            while True:
                bus.seen += [record.value for record in await reader.poll(0.2) if record.value is not None]

        reading = group.create_task(read())
        yield bus
        reading.cancel()


def now_ms() -> int:
    return time.time_ns() // 1_000_000
