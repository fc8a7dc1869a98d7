"""A stage for the real engine process: broker, and stand-ins for gateway, market and connector."""

import asyncio
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from decimal import Decimal
from pathlib import Path

from backfuture_common.bus import KafkaSettings, Outgoing, Publisher, Reader, Table, ensure_topics, partition_of
from backfuture_common.domain.ids import BotId, ClientOrderId, CommandId, Symbol
from backfuture_common.messages.bots import (
    CHECKPOINT_KEY,
    BotCommand,
    BotSnapshot,
    BotSpec,
    BotState,
    Checkpoint,
    CreateBot,
    StartBot,
    StateRecord,
)
from backfuture_common.messages.connections import AccountBalances, Balance, ConnectionState
from backfuture_common.messages.journal import JournalRecord
from backfuture_common.messages.market import Tick, market_key
from backfuture_common.messages.orders import OrderUpdate, PlaceOrder
from backfuture_common.topics import (
    ACCOUNT_BALANCES,
    BOT_COMMANDS,
    BOT_JOURNAL,
    BOT_STATE,
    CONNECTION_EVENTS,
    FIXED_TOPICS,
    MARKET_INSTRUMENTS,
    MARKET_TICKS,
    ORDER_EVENTS,
    order_commands,
)

from tests.support.broker import free_port
from tests.unit.engine.build import BOT, CONNECTION, ETH, EXCHANGE, OWNER, D, fills, instrument, update

PARTITIONS = 2
ORDERS = order_commands(EXCHANGE)
HOME = partition_of(OWNER, PARTITIONS)
"""The partition of the owner of all bots here."""


def now_ms() -> int:
    return time.time_ns() // 1_000_000


async def eventually(what: str, holds: Callable[[], bool], within_s: float = 60.0) -> None:
    """Wait until something holds."""
    until_s = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < until_s, f"not within {within_s} s: {what}"
        await asyncio.sleep(0.02)


class EngineProcess:
    """The engine as a process of its own, that may be killed and started again."""

    def __init__(self, bootstrap: str, folder: Path, instance: str = "0") -> None:
        self._bootstrap = bootstrap
        self._instance = instance
        self._log = folder / f"engine-{instance}.log"
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, crash_at: str = "") -> None:
        """Start it; with ``crash_at`` it will kill itself there."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("BACKFUTURE_")} | {
            "KAFKA_BOOTSTRAP_SERVERS": self._bootstrap,
            "BACKFUTURE_OWNER_PARTITIONS": str(PARTITIONS),
            "BACKFUTURE_HTTP_PORT": str(self._port),
            "BACKFUTURE_INSTANCE": self._instance,
        }
        if crash_at:
            environment |= {"BACKFUTURE_CHAOS": "1", "BACKFUTURE_CRASH_AT": crash_at}
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "backfuture_engine"], env=environment, stdout=log, stderr=log
            )

    async def ready(self, within_s: float = 60.0) -> None:
        """Wait until it owns its partitions."""
        until_s = time.monotonic() + within_s
        while not await asyncio.to_thread(self._is_ready):
            assert self._exit_code() is None, f"the engine ended with {self._exit_code()}: {self.told()}"
            assert time.monotonic() < until_s, f"the engine is not ready: {self.told()}"
            await asyncio.sleep(0.1)

    async def died(self, within_s: float = 30.0) -> int:
        """Wait for its end and return the exit code (negative: the signal)."""
        until_s = time.monotonic() + within_s
        while (code := self._exit_code()) is None:
            assert time.monotonic() < until_s, f"the engine lives on: {self.told()}"
            await asyncio.sleep(0.05)
        return code

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def send(self, signum: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(signum)

    def close(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait(10)

    def told(self) -> str:
        return self._log.read_text()[-3_000:]

    def owns(self, partition: int) -> bool:
        """Say whether its log tells of a take-over of this partition after which nothing was revoked."""
        since_last_change = self._log.read_text().rpartition('"Revoked"')[2]
        return f'"partition": {partition},' in since_last_change

    def _exit_code(self) -> int | None:
        assert self._process is not None
        return self._process.poll()

    def _is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/readyz", timeout=2) as answer:
                status: int = answer.status
                return status == 200
        except (urllib.error.URLError, OSError):
            return False


class Stage:
    """Everything around the engine."""

    def __init__(self, kafka: KafkaSettings, publisher: Publisher, engine: EngineProcess) -> None:
        self.kafka = kafka
        self.engine = engine
        self.received: list[PlaceOrder] = []
        """Every order command, in order, repetitions included."""
        self.silent = False
        """Whether the connector keeps its answers to itself."""
        self.unfilled: set[str] = set()
        """Legs whose next order fills nothing."""
        self._publisher = publisher
        self._answers: dict[ClientOrderId, OrderUpdate] = {}
        self._price: tuple[Decimal, Decimal] | None = None

    # ------------------------------------------------------------------ gateway and market

    async def put(self, outgoing: Outgoing) -> int:
        return await self._publisher.publish(outgoing)

    async def command(self, command: BotCommand, owner: str = OWNER) -> None:
        await self.put(Outgoing(BOT_COMMANDS, owner, command))

    async def bot_starts(self, spec: BotSpec) -> None:
        await self.command(CreateBot(command_id=CommandId(f"{spec.bot_id}-c"), spec=spec, at_ms=now_ms()))
        await self.command(
            StartBot(command_id=CommandId(f"{spec.bot_id}-s"), owner=spec.owner, bot_id=spec.bot_id, at_ms=now_ms())
        )

    async def world_begins(self) -> None:
        """Tell the instrument, the connection and its money."""
        await self.put(Outgoing(MARKET_INSTRUMENTS, market_key(EXCHANGE, ETH), instrument()))
        await self.connection(online=True)
        balances = AccountBalances(
            connection_id=CONNECTION,
            owner=OWNER,
            exchange=EXCHANGE,
            balances=(Balance(currency="USDT", free=D(100_000), held=D(0)),),
            at_ms=now_ms(),
        )
        await self.put(Outgoing(ACCOUNT_BALANCES, CONNECTION, balances))

    async def connection(self, *, online: bool) -> None:
        state = ConnectionState(
            connection_id=CONNECTION,
            owner=OWNER,
            exchange=EXCHANGE,
            status="online" if online else "attention",
            trade_allowed=online,
            code="OK" if online else "VENUE_DOWN",
            message="",
            hint="",
            steps=(),
            rights=(),
            ip_restricted=None,
            key_expires_ms=None,
            test_id="t",
            credential_version=1,
            updated_ms=now_ms(),
        )
        await self.put(Outgoing(CONNECTION_EVENTS, CONNECTION, state))

    def price(self, ask: str | int, bid: str | int | None = None) -> None:
        """The market stands here from now on; the feed repeats it."""
        self._price = (D(bid if bid is not None else ask), D(ask))

    async def tick(self, bid: Decimal, ask: Decimal, symbol: Symbol = ETH) -> None:
        at_ms = now_ms()
        tick = Tick(exchange=EXCHANGE, symbol=symbol, bid=bid, ask=ask, exchange_ms=at_ms, observed_ms=at_ms)
        await self.put(Outgoing(MARKET_TICKS, market_key(EXCHANGE, symbol), tick))

    async def run_feed(self) -> None:
        while True:
            if self._price is not None:
                await self.tick(*self._price)
            await asyncio.sleep(0.05)

    # ------------------------------------------------------------------ connector

    async def run_connector(self) -> None:
        """Fill each order once; an order that is known already is answered with what is known, as a ledger would."""
        async with Reader(self.kafka, (ORDERS,)) as reader:
            while True:
                for record in await reader.poll(timeout_s=0.1):
                    assert isinstance(record.value, PlaceOrder)
                    self.received.append(record.value)
                    if not self.silent:
                        await self._answer(record.value)

    async def speak_up(self) -> None:
        """Answer everything the silent connector had kept to itself."""
        self.silent = False
        for order in {order.client_order_id: order for order in self.received}.values():
            await self._answer(order)

    async def _answer(self, order: PlaceOrder) -> None:
        if order.client_order_id not in self._answers:
            if order.leg in self.unfilled:
                self.unfilled.remove(order.leg)
                self._answers[order.client_order_id] = update(order, "canceled")
            else:
                filled = fills(order.amount, order.limit_price)
                self._answers[order.client_order_id] = update(order, "filled", filled)
            await self.put(Outgoing(ORDER_EVENTS, order.owner, update(order, "submitting")))
        await self.put(Outgoing(ORDER_EVENTS, order.owner, self._answers[order.client_order_id]))

    def legs(self) -> list[str]:
        """Return the legs of the orders received, each order once, in order."""
        return [order.leg for order in {order.client_order_id: order for order in self.received}.values()]

    def times_received(self) -> Mapping[ClientOrderId, int]:
        times: dict[ClientOrderId, int] = defaultdict(int)
        for order in self.received:
            times[order.client_order_id] += 1
        return times

    # ------------------------------------------------------------------ what is on record

    async def states(self) -> dict[BotId, BotState]:
        rows = (await self._state_rows()).values()
        return {row.state.spec.bot_id: row.state for row in rows if isinstance(row, BotSnapshot)}

    async def checkpoint(self) -> dict[str, int]:
        row = (await self._state_rows()).get(CHECKPOINT_KEY)
        return dict(row.positions) if isinstance(row, Checkpoint) else {}

    async def _state_rows(self) -> dict[str, StateRecord]:
        async with Table[StateRecord](self.kafka, BOT_STATE) as table:
            return table.partition(HOME)

    async def journal(self, bot: BotId = BOT) -> list[JournalRecord]:
        async with Reader(self.kafka, (BOT_JOURNAL,)) as reader:
            records = [record.value for record in await reader.catch_up(20)]
        return [record for record in records if isinstance(record, JournalRecord) and record.bot_id == bot]

    async def ends(self) -> dict[tuple[str, int], int]:
        async with Reader(self.kafka, FIXED_TOPICS, start="end") as reader:
            return await reader.end_offsets()

    async def state_of(self, bot: BotId = BOT) -> BotState | None:
        return (await self.states()).get(bot)

    async def until_state(self, what: str, holds: Callable[[BotState], bool], within_s: float = 60.0) -> BotState:
        """Wait until the committed state of the bot is such."""
        until_s = time.monotonic() + within_s
        while True:
            state = await self.state_of()
            if state is not None and holds(state):
                return state
            assert time.monotonic() < until_s, f"not within {within_s} s: {what}; {state}; {self.engine.told()}"
            await asyncio.sleep(0.05)


@contextmanager
def engine_process(bootstrap: str, folder: Path, instance: str = "0") -> Iterator[EngineProcess]:
    engine = EngineProcess(bootstrap, folder, instance)
    try:
        yield engine
    finally:
        engine.close()


@asynccontextmanager
async def a_stage(bootstrap: str, folder: Path, replication: int = 1) -> AsyncIterator[Stage]:
    """Set the stage: topics, world, feed and connector run; the engine has not started."""
    kafka = KafkaSettings(
        bootstrap_servers=bootstrap, client_id="stage", owner_partitions=PARTITIONS, replication_factor=replication
    )
    await ensure_topics(kafka, (*FIXED_TOPICS, ORDERS))
    with engine_process(bootstrap, folder) as engine:
        async with Publisher(kafka) as publisher, asyncio.TaskGroup() as tasks:
            stage = Stage(kafka, publisher, engine)
            await stage.world_begins()
            company = [tasks.create_task(stage.run_feed()), tasks.create_task(stage.run_connector())]
            yield stage
            for task in company:
                task.cancel()
