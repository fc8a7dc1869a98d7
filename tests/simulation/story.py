"""One run: a bot, its market, its user; an engine and a connector that die, sleep and come back; and the end."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from backfuture_common.bus import Outgoing
from backfuture_common.domain.ids import CommandId
from backfuture_common.messages.bots import BotCommand, CloseGroup, CreateBot, StartBot, StopBot
from backfuture_common.messages.connections import ConnectionState, TestConnection
from backfuture_common.messages.market import Tick, market_key
from backfuture_common.topics import (
    BOT_COMMANDS,
    CONNECTION_EVENTS,
    MARKET_INSTRUMENTS,
    MARKET_TICKS,
    connection_commands,
)
from backfuture_connector.core.recovery import Rules

from tests.simulation.fate import Fate, Trouble
from tests.simulation.kafka import SESSION_S, Broker
from tests.simulation.loop import HostClock, Process, run_simulated
from tests.simulation.oracle import permanent_problems, problems, replay_problems
from tests.simulation.processes import run_connector, run_engine, simulated
from tests.simulation.venue import Venue
from tests.unit.engine.build import BOT, CONNECTION, ETH, EXCHANGE, OWNER, instrument, spec, strategy
from tests.unit.engine.world import connection_state

MARKET_S = 24.0
PATIENCE_S = 400.0
"""How long everything may take to come to rest once all is well again: longer than the rules' give-up time."""
_MOVES = ("0", "-0.011", "-0.012", "-0.006", "0.004", "0.009", "0.021")
_USER = ("",) * 24 + ("close", "close", "stop", "start", "start", "start", "test")
_ENGINES = "strategy-engine"


@dataclass(slots=True)
class Outcome:
    """What became of a run. ``problems`` empty: it was survived."""

    seed: int
    problems: list[str]
    troubles: list[tuple[Trouble, object]]
    orders: int = 0
    lives: int = 0
    history: list[str] = field(default_factory=list)


class Story:
    """The stage of one run. ``break_it`` may plant a fault in the harness' own parts before it begins."""

    def __init__(self, fate: Fate, break_it: Callable[["Story"], None] | None = None) -> None:
        self.fate = fate
        self.clock = HostClock()
        self.broker = Broker(fate, partitions=1)
        self.venue = Venue(fate, self.clock, EXCHANGE, ETH, Decimal(3000))
        self.kafka = simulated(self.broker, self.clock)
        self.rules = Rules()
        self.processes: list[Process] = []
        self.history: list[str] = []
        self._over = False
        self._commands = 0
        if break_it is not None:
            break_it(self)

    async def run(self) -> list[str]:
        """Live through it; return what is wrong at the end."""
        self._put(Outgoing(MARKET_INSTRUMENTS, market_key(EXCHANGE, ETH), instrument()))
        self._put(Outgoing(CONNECTION_EVENTS, CONNECTION, connection_state()))
        self._keep("engine", lambda: run_engine(self.kafka, self.clock, "0"), "0")
        self._keep(
            "connector",
            lambda: run_connector(self.kafka, self.venue, instrument(), self.rules),
            str(EXCHANGE),
        )
        if self.fate.choice("spare engine", (False,) * 4 + (True,)):
            self._keep("spare", lambda: run_engine(self.kafka, self.clock, "1"), "1")
        await self._busy_time()
        return await self._quiet_time()

    # ------------------------------------------------------------------ the busy part

    async def _busy_time(self) -> None:
        loop, fate = asyncio.get_running_loop(), self.fate
        self._user(CreateBot(command_id=self._id(), spec=_SPEC, at_ms=self.clock.now_ms()))
        self._user(StartBot(command_id=self._id(), owner=OWNER, bot_id=BOT, at_ms=self.clock.now_ms()))
        while loop.time() < MARKET_S:
            self._move_market(fate.choice("move", _MOVES))
            self._trouble_everybody()
            await asyncio.sleep(0.3 + fate.amount("tick", 1.7))

    def _trouble_everybody(self) -> None:
        self.broker.sweep()
        fate, loop = self.fate, asyncio.get_running_loop()
        jump_s = fate.pick("clock jump", 0, (-30, -3, 2, 4, 15, 60), 0.3)
        if jump_s:
            self._tell(f"the clock jumps by {jump_s} s")
            self.clock.wrong_ms = jump_s * 1000
            loop.call_later(fate.amount("clock wrong", 20), setattr, self.clock, "wrong_ms", 0)
        outage_s = fate.pick("broker down", 0.0, (0.5, 3.0, 12.0, 45.0), 0.3)
        if outage_s and self.broker.up.is_set():
            self._tell(f"the broker is away for {outage_s} s")
            self.broker.go_away(outage_s)
        match fate.choice("user", _USER):
            case "close":
                self._user(CloseGroup(command_id=self._id(), owner=OWNER, bot_id=BOT, group_id=self._group(), at_ms=0))
            case "stop":
                self._user(StopBot(command_id=self._id(), owner=OWNER, bot_id=BOT, at_ms=0))
            case "start":
                self._user(StartBot(command_id=self._id(), owner=OWNER, bot_id=BOT, at_ms=0))
            case "test":
                self._test_connection()
            case _:
                pass
        if fate.choice("compaction", (False,) * 7 + (True,)):
            self.broker.compact()

    def _move_market(self, by: str) -> None:
        venue = self.venue
        middle = (venue.ask * (1 + Decimal(by))).quantize(Decimal("0.01"))
        venue.bid, venue.ask = middle - Decimal("0.01"), middle
        now_ms = self.clock.now_ms()
        tick = Tick(exchange=EXCHANGE, symbol=ETH, bid=venue.bid, ask=venue.ask, exchange_ms=now_ms, observed_ms=now_ms)
        self._put(Outgoing(MARKET_TICKS, market_key(EXCHANGE, ETH), tick))

    # ------------------------------------------------------------------ the end

    async def _quiet_time(self) -> list[str]:
        """Nothing goes wrong any more; everything has to come to rest, and to agree."""
        loop = asyncio.get_running_loop()
        self.fate.relent()
        self.clock.wrong_ms = 0
        self.broker.up.set()
        for process in self.processes:
            if process.asleep:
                self._wake(process)
        self._user(StopBot(command_id=self._id(), owner=OWNER, bot_id=BOT, at_ms=self.clock.now_ms()))
        until_s = loop.time() + PATIENCE_S
        await asyncio.sleep(8)
        wrong = list(problems(self.broker, self.venue))
        while wrong and loop.time() < until_s and not any(permanent_problems(self.venue)):
            self.broker.sweep()
            self._move_market("0")
            if self._connection().status not in {"online", "testing"}:
                self._test_connection()
            await asyncio.sleep(4)
            wrong = list(problems(self.broker, self.venue))
        self._over = True
        return wrong + list(replay_problems(self.broker, self.venue))

    # ------------------------------------------------------------------ processes

    def _keep(self, role: str, program: Callable[[], Coroutine[Any, Any, None]], member: str) -> None:
        """Run a program, and start it again whenever no life of it is left."""
        process = Process(role)
        self.processes.append(process)
        fate = self.fate
        process.dies_at = fate.pick(f"{role} dies", None, [fate.number(f"{role} dies at", 1, 900)], 2.0)
        process.sleeps_at = fate.pick(f"{role} sleeps", None, [fate.number(f"{role} sleeps at", 1, 900)], 1.0)
        process.on_kill = lambda: self._after_death(process, role, program, member)
        process.on_sleep = lambda: self._after_falling_asleep(process, role, program, member)
        self._tell(f"{role} starts")
        task = asyncio.get_running_loop().start(process, _quietly(program()))  # type: ignore[attr-defined]
        task.add_done_callback(lambda _: process.kill())

    def _after_death(self, process: Process, role: str, program: Any, member: str) -> None:
        if self._over:
            return
        self._tell(f"{role} is dead")
        self._miss(process, role, member)
        if not any(other.name == role and not other.dead and other is not process for other in self.processes):
            delay_s = self.fate.choice("restart after", (0.3, 1.0, 3.0, 14.0))
            asyncio.get_running_loop().call_later(delay_s, self._keep, role, program, member)

    def _after_falling_asleep(self, process: Process, role: str, program: Any, member: str) -> None:
        """A process stands still; perhaps somebody starts another one meanwhile."""
        loop = asyncio.get_running_loop()
        self._tell(f"{role} stands still")
        self._miss(process, role, member)
        loop.call_later(self.fate.choice("sleeps for", (0.5, 3.0, 12.0, 35.0)), self._wake, process)
        if self.fate.choice("replaced", (True, False)):
            loop.call_later(self.fate.choice("replaced after", (0.2, 2.0, 8.0)), self._keep, role, program, member)

    def _miss(self, process: Process, role: str, member: str) -> None:
        """No heartbeats come any more: after a session the group goes on without it."""

        def look() -> None:
            if process.dead or process.asleep:
                self.broker.leave(_ENGINES if role != "connector" else f"connector.{EXCHANGE}", member, process)

        asyncio.get_running_loop().call_later(SESSION_S, look)

    def _wake(self, process: Process) -> None:
        if process.asleep:
            self._tell(f"{process.name} wakes")
            asyncio.get_running_loop().wake(process)  # type: ignore[attr-defined]

    # ------------------------------------------------------------------ small things

    def _put(self, record: Outgoing) -> None:
        self.broker.append(record, self.clock.now_ms())

    def _user(self, command: BotCommand) -> None:
        self._put(Outgoing(BOT_COMMANDS, OWNER, command))

    def _id(self) -> CommandId:
        self._commands += 1
        return CommandId(f"cmd-{self._commands}")

    def _group(self) -> Any:
        return f"{BOT}-g{self.fate.number('group', 1, 3)}"

    def _test_connection(self) -> None:
        command = TestConnection(
            connection_id=CONNECTION,
            owner=OWNER,
            exchange=EXCHANGE,
            test_id=self._id(),
            credential_version=1,
            requested_ms=self.clock.now_ms(),
        )
        self._put(Outgoing(connection_commands(EXCHANGE), CONNECTION, command))

    def _connection(self) -> ConnectionState:
        state = self.broker.records(CONNECTION_EVENTS)[-1].value
        assert isinstance(state, ConnectionState)
        return state

    def _tell(self, what: str) -> None:
        self.history.append(f"{asyncio.get_running_loop().time():8.3f} {what}")


_SPEC = spec(
    strategy(
        base_order_quote=Decimal(100),
        add_on_quote=Decimal(100),
        step_percent=Decimal(1),
        take_profit_percent=Decimal("0.5"),
        min_improvement_percent=Decimal("0.1"),
        min_gap_percent=Decimal("0.5"),
        slippage_percent=Decimal("0.3"),
    ),
    margin_limit_quote=Decimal(2_000),
)


async def _quietly(program: Coroutine[Any, Any, None]) -> None:
    """A program that fails ends; what it says about it goes to nobody."""
    with contextlib.suppress(BaseException):
        await program


def run(seed: int, only: frozenset[Trouble] | None = None, break_it: Callable[[Story], None] | None = None) -> Outcome:
    """Run one seed. Call it inside :func:`~tests.simulation.processes.in_memory`."""
    fate = Fate(seed, only)
    story: Story | None = None

    async def live() -> list[str]:
        nonlocal story
        story = Story(fate, break_it)
        return await story.run()

    wrong = run_simulated(live())
    assert story is not None
    return Outcome(seed, wrong, fate.told, len(story.venue.book), len(story.processes), story.history)
