"""Reads the commands of this exchange; a position is committed when everything before it was handled."""

import asyncio

from backfuture_common.bus import Assigned, GroupReader, Incoming, KafkaSettings, Publisher, Revoked
from backfuture_common.domain.ids import ExchangeId
from backfuture_common.messages.connections import RemoveConnection, TestConnection
from backfuture_common.messages.orders import CancelOrder, PlaceOrder
from backfuture_common.runtime.logging import get_logger
from backfuture_common.topics import connection_commands, order_commands

from backfuture_connector.core.positions import Positions
from backfuture_connector.shell.accounts import Accounts

COMMIT_EVERY_S = 0.25
MAX_OPEN = 2_000
"""Commands taken and not yet handled; more stay on the topic."""

Where = tuple[str, int]

_log = get_logger("backfuture.connector.commands")


class CommandReader:
    """Commands are delivered again after a crash: every handler is safe to repeat."""

    def __init__(self, kafka: KafkaSettings, exchange: ExchangeId, accounts: Accounts, publisher: Publisher) -> None:
        self._exchange = exchange
        self._accounts = accounts
        topics = (connection_commands(exchange), order_commands(exchange))
        self._reader = GroupReader(
            kafka, topics, f"connector.{exchange}", instance_id=str(exchange), on_poison=publisher.bury
        )
        self._positions: dict[Where, Positions] = {}
        self._committed: dict[Where, int] = {}

    async def run(self) -> None:
        """Read, for ever."""
        async with self._reader, asyncio.TaskGroup() as group:
            group.create_task(self._commit())
            while True:
                if sum(tracker.open for tracker in self._positions.values()) >= MAX_OPEN:
                    await asyncio.sleep(COMMIT_EVERY_S)
                    continue
                for item in await self._reader.poll():
                    await self._on_item(item)

    async def _on_item(self, item: Incoming | Assigned | Revoked) -> None:
        if isinstance(item, Incoming):
            self._on_record(item)
        elif isinstance(item, Assigned):
            await self._on_assigned(item.partitions)
        else:
            for where in item.partitions:
                self._positions.pop(where, None)

    async def _on_assigned(self, partitions: frozenset[Where]) -> None:
        """Go on where handling ended; from the oldest record there is when that is gone."""
        committed = await self._reader.committed_positions(partitions)
        oldest = await self._reader.beginning_offsets(partitions)
        start = {where: max(committed.get(where, 0), oldest[where]) for where in partitions}
        for where, offset in start.items():
            if offset > committed.get(where, offset):
                _log.error("commands.lost", topic=where[0], committed=committed[where], oldest=offset)
            self._positions[where] = Positions()
        self._committed = dict(committed)
        self._reader.seek(start)
        self._reader.resume(partitions)

    def _on_record(self, record: Incoming) -> None:
        where = (record.topic.name, record.partition)
        tracker = self._positions[where]
        tracker.take(record.offset)
        value = record.value
        if (
            isinstance(value, TestConnection | RemoveConnection | PlaceOrder | CancelOrder)
            and value.exchange == self._exchange
        ):
            self._accounts.submit(value, lambda: tracker.done(record.offset))
        else:
            _log.error("command.foreign", topic=where[0], offset=record.offset)
            tracker.done(record.offset)

    async def _commit(self) -> None:
        while True:
            await asyncio.sleep(COMMIT_EVERY_S)
            ready = {where: tracker.committable for where, tracker in self._positions.items()}
            new = {
                where: offset
                for where, offset in ready.items()
                if offset is not None and offset != self._committed.get(where)
            }
            if new and await self._reader.commit_positions(new):
                self._committed |= new
