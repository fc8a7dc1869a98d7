"""The programs of the money path, put together as their ``bootstrap`` does, over bus and venue in memory."""

import asyncio
import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

from backfuture_common.bus import Table
from backfuture_common.bus import table as bus_table
from backfuture_common.domain.ids import Symbol
from backfuture_common.messages.connections import ConnectionState
from backfuture_common.messages.market import Instrument
from backfuture_common.runtime.service import Runtime
from backfuture_common.topics import CONNECTION_EVENTS
from backfuture_connector.core.recovery import Rules
from backfuture_connector.shell import accounts as connector_accounts
from backfuture_connector.shell import commands as connector_commands
from backfuture_connector.shell import ledger as connector_ledger
from backfuture_connector.shell.account import Surroundings
from backfuture_connector.shell.accounts import Accounts
from backfuture_connector.shell.commands import CommandReader
from backfuture_connector.shell.connection_test import Bench
from backfuture_connector.shell.keeping import Times
from backfuture_connector.shell.ledger import Ledger
from backfuture_connector.shell.telling import Teller
from backfuture_engine.settings import EngineSettings
from backfuture_engine.shell import engine, feeds
from backfuture_engine.shell.engine import Engine
from structlog.stdlib import BoundLogger

from tests.simulation.clients import SimCommitter, SimGroupReader, SimKafka, SimPublisher, SimReader, no_topics
from tests.simulation.loop import HostClock
from tests.simulation.outside import SimKeys, SimPublic
from tests.simulation.venue import SimAccount, Venue

RECONCILE_S = 20.0


@contextmanager
def in_memory() -> Iterator[None]:
    """Give the services the bus in memory, and idle loops a slower pulse: idle time is most of simulated time."""
    parts: list[tuple[Any, str, object]] = [
        (engine, "Committer", SimCommitter),
        (engine, "GroupReader", SimGroupReader),
        (engine, "Publisher", SimPublisher),
        (engine, "ensure_topics", no_topics),
        (engine, "_TIME_EVERY_S", 2.0),
        (engine, "_MEASURE_EVERY_S", 3_600.0),
        (engine, "measure", lambda *_: None),
        (engine, "gc", mock.Mock(spec=gc)),
        (feeds, "Reader", SimReader),
        (bus_table, "Reader", SimReader),
        (connector_ledger, "Reader", SimReader),
        (connector_commands, "GroupReader", SimGroupReader),
        (connector_commands, "COMMIT_EVERY_S", 3.0),
        (connector_accounts, "COUNT_EVERY_S", 3_600.0),
        (BoundLogger, "_proxy_to_logger", lambda *_, **__: None),
    ]
    patches = [mock.patch.object(part, name, new) for part, name, new in parts]
    for patch in patches:
        patch.start()
    try:
        yield
    finally:
        for patch in reversed(patches):
            patch.stop()


_SETTINGS = {name: EngineSettings(instance=name) for name in ("0", "1")}


async def run_engine(kafka: SimKafka, clock: HostClock, instance: str) -> None:
    """Be the engine."""
    await Engine(Runtime("strategy-engine", _SETTINGS[instance], clock), kafka).run()


async def run_connector(kafka: SimKafka, venue: Venue, instrument: Instrument, rules: Rules) -> None:
    """Be the connector: fence, read, then work."""
    clock, exchange = venue.clock, venue.exchange

    def listed(symbol: Symbol) -> Instrument | None:
        return instrument if symbol == instrument.symbol else None

    publisher = SimPublisher(kafka)
    async with SimCommitter(kafka, f"connector.{exchange}") as committer:
        ledger = Ledger(kafka, exchange, committer)  # type: ignore[arg-type]  # the methods it needs
        await ledger.restore()
        async with Table[ConnectionState](kafka, CONNECTION_EVENTS) as table:
            states = list(table.values())
        public, keys = SimPublic(venue), SimKeys(venue.fate)
        bench = Bench(
            public=public,
            keys=keys,
            open_account=lambda _lease, offset_ms: SimAccount(venue, offset_ms),
            clock=clock,
            trial_market=lambda: instrument,
            newest_price=lambda _symbol: None,
        )
        accounts = Accounts(
            exchange,
            Surroundings(
                bench=bench,
                teller=Teller(publisher),  # type: ignore[arg-type]  # the methods it needs
                ledger=ledger,
                rules=rules,
                times=Times(reconcile_s=RECONCILE_S, recheck_s=600),
                instrument=listed,
            ),
        )
        accounts.restore(states)
        reader = CommandReader(kafka, exchange, accounts, publisher)  # type: ignore[arg-type]  # the methods it needs
        async with asyncio.TaskGroup() as group:
            for work in (ledger.run(), accounts.run(), reader.run()):
                group.create_task(work)


def simulated(broker: Any, clock: HostClock) -> SimKafka:
    """Return the settings every process gets."""
    return SimKafka(
        bootstrap_servers="nowhere",
        client_id="sim",
        owner_partitions=broker.partitions,
        broker=broker,
        now_ms=clock.now_ms,
    )
