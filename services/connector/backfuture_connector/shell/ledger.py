"""The connector's memory of its orders, on a topic: written before the exchange is called and after it answered.

All writes go through one transactional producer whose id belongs to the exchange: a second process of the same
exchange fences this one, and a fenced process cannot record - so it does not send.
"""

import asyncio
from collections.abc import Iterable

from backfuture_common.bus import Committer, KafkaSettings, Outgoing, Reader, partition_of
from backfuture_common.domain.ids import ClientOrderId, ConnectionId, ExchangeId
from backfuture_common.messages.orders import FINAL_STATUSES, LedgerEntry, OrderUpdate
from backfuture_common.runtime import metrics
from backfuture_common.topics import DAY_MS, ORDER_EVENTS, order_ledger

RESTORE_S = 120.0
KEPT_MS = 30 * DAY_MS
"""As long as order events are kept: an older command has long expired and is never sent, known or not."""
_MAX_BATCH = 200
_IN_DOUBT = frozenset({"unknown", "needs_operator"})

_Waiting = tuple[list[Outgoing], "asyncio.Future[None]"]


class Ledger:
    """Entries by client order id. What :meth:`record` returns from is durable, and its update is published."""

    def __init__(self, kafka: KafkaSettings, exchange: ExchangeId, committer: Committer) -> None:
        self._kafka = kafka
        self._topic = order_ledger(exchange)
        self._exchange = exchange
        self._committer = committer
        self._partitions = kafka.partitions_of(ORDER_EVENTS)
        self._entries: dict[ClientOrderId, LedgerEntry] = {}
        self._by_connection: dict[ConnectionId, dict[ClientOrderId, LedgerEntry]] = {}
        self._in_doubt: set[ClientOrderId] = set()
        self._queue: asyncio.Queue[_Waiting] = asyncio.Queue()

    async def restore(self) -> None:
        """Read all entries. To be called after the committer was entered: first fence, then read."""
        async with Reader(self._kafka, (self._topic,)) as reader:
            for record in await reader.catch_up(RESTORE_S):
                if isinstance(record.value, LedgerEntry):
                    self.keep(record.value)
                else:
                    self._forget(ClientOrderId(record.key))

    def get(self, client_order_id: ClientOrderId) -> LedgerEntry | None:
        """Return the newest entry of the order."""
        return self._entries.get(client_order_id)

    def find(self, client_order_id: str) -> LedgerEntry | None:
        """Return the entry of an id that came from outside."""
        return self._entries.get(ClientOrderId(client_order_id))

    def of_connection(self, connection_id: ConnectionId) -> list[LedgerEntry]:
        """Return all entries of a connection, in the order in which the orders came."""
        return list(self._by_connection.get(connection_id, {}).values())

    def keep(self, entry: LedgerEntry) -> None:
        """Remember an entry that is on the topic."""
        key = entry.command.client_order_id
        self._entries[key] = entry
        self._by_connection.setdefault(entry.command.connection_id, {})[key] = entry
        (self._in_doubt.add if entry.update.status in _IN_DOUBT else self._in_doubt.discard)(key)
        metrics.ORDERS_UNKNOWN.labels(exchange=self._exchange).set(len(self._in_doubt))

    def oldest_doubt_ms(self) -> int | None:
        """Return since when the fate of the oldest unresolved order is unknown, None when all are known."""
        entries = (self._entries[key] for key in self._in_doubt if key in self._entries)
        return min((entry.submitted_ms or entry.update.at_ms for entry in entries), default=None)

    async def record(self, entry: LedgerEntry) -> LedgerEntry:
        """Write entry and update in one transaction and return the entry; Fatal failures end the process."""
        key = entry.command.client_order_id
        await self._write([Outgoing(self._topic, key, entry), self._event(entry.update)])
        self.keep(entry)
        if is_final(entry):
            metrics.ORDER_OUTCOMES.labels(exchange=self._exchange, outcome=entry.update.status).inc()
        return entry

    async def publish_again(self, entry: LedgerEntry) -> None:
        """Publish the newest update once more: somebody asked for an order that is known."""
        await self._write([self._event(entry.update)])

    async def prune(self, now_ms: int) -> int:
        """Forget ended orders that are too old to matter; return how many."""
        old = [key for key, entry in self._entries.items() if is_final(entry) and now_ms - entry.update.at_ms > KEPT_MS]
        for start in range(0, len(old), _MAX_BATCH):
            keys = old[start : start + _MAX_BATCH]
            await self._write([Outgoing(self._topic, key, None) for key in keys])
            for key in keys:
                self._forget(key)
        return len(old)

    async def run(self) -> None:
        """Commit what waits, all of it in one transaction, for ever. The owner of every write."""
        while True:
            batch = [await self._queue.get()]
            while len(batch) < _MAX_BATCH and not self._queue.empty():
                batch.append(self._queue.get_nowait())
            await self._committer.commit([record for records, _ in batch for record in records])
            for _, done in batch:
                if not done.done():
                    done.set_result(None)

    async def _write(self, records: Iterable[Outgoing]) -> None:
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        await self._queue.put((list(records), done))
        await done

    def _event(self, update: OrderUpdate) -> Outgoing:
        return Outgoing(ORDER_EVENTS, update.owner, update, partition_of(update.owner, self._partitions))

    def _forget(self, key: ClientOrderId) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._by_connection[entry.command.connection_id].pop(key, None)


def is_final(entry: LedgerEntry) -> bool:
    """Say whether the order has ended."""
    return entry.update.status in FINAL_STATUSES
