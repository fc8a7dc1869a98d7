"""The ledger: what is recorded is durable and told, many at once in one transaction, and old ends are forgotten."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import msgspec
from backfuture_common.bus import KafkaSettings, Outgoing, partition_of
from backfuture_common.messages.orders import LedgerEntry, OrderUpdate
from backfuture_connector.shell.ledger import KEPT_MS, Ledger

from tests.property.connector.virtual_time import run_virtual
from tests.unit.connector.build import CONNECTION, EXCHANGE, NOW_MS, OWNER, entry


class SlowCommitter:
    """Keeps each transaction; each takes a while."""

    def __init__(self) -> None:
        self.transactions: list[list[Outgoing]] = []

    async def commit(self, records: Sequence[Outgoing]) -> None:
        await asyncio.sleep(0.1)
        self.transactions.append(list(records))


def with_ledger(story: Callable[[Ledger, SlowCommitter], Awaitable[None]]) -> SlowCommitter:
    async def whole() -> SlowCommitter:
        committer = SlowCommitter()
        kafka = KafkaSettings(bootstrap_servers="nowhere", client_id="test", owner_partitions=4)
        ledger = Ledger(kafka, EXCHANGE, committer)  # type: ignore[arg-type]  # the one method it needs
        async with asyncio.TaskGroup() as group:
            writing = group.create_task(ledger.run())
            await story(ledger, committer)
            writing.cancel()
        return committer

    return run_virtual(whole())


def aged(name: str, status: str, age_ms: int) -> LedgerEntry:
    made = entry(status, client_order_id=name)  # type: ignore[arg-type]  # one of the words
    return msgspec.structs.replace(made, update=msgspec.structs.replace(made.update, at_ms=NOW_MS - age_ms))


def test_entry_and_update_are_one_transaction_and_known_only_after_it() -> None:
    async def story(ledger: Ledger, committer: SlowCommitter) -> None:
        recording = asyncio.ensure_future(ledger.record(entry()))
        await asyncio.sleep(0.05)
        assert ledger.get(entry().command.client_order_id) is None
        await recording
        assert ledger.get(entry().command.client_order_id) == entry()

    ((first, second),) = with_ledger(story).transactions
    assert isinstance(first.value, LedgerEntry)
    assert isinstance(second.value, OrderUpdate)
    assert (second.key, second.partition) == (OWNER, partition_of(OWNER, 4))


def test_what_waits_together_is_committed_together() -> None:
    async def story(ledger: Ledger, committer: SlowCommitter) -> None:
        await asyncio.gather(*(ledger.record(entry(client_order_id=f"b{number}")) for number in range(50)))

    committer = with_ledger(story)
    assert len(committer.transactions) <= 2
    assert sum(len(records) for records in committer.transactions) == 100


def test_only_old_ends_are_forgotten() -> None:
    async def story(ledger: Ledger, committer: SlowCommitter) -> None:
        for kept in (aged("bnew", "filled", KEPT_MS - 1), aged("bopen", "unknown", 2 * KEPT_MS)):
            ledger.keep(kept)
        ledger.keep(aged("bold", "filled", KEPT_MS + 1))
        assert await ledger.prune(NOW_MS) == 1
        assert [one.command.client_order_id for one in ledger.of_connection(CONNECTION)] == ["bnew", "bopen"]
        assert ledger.find("bold") is None

    ((tombstone,),) = with_ledger(story).transactions
    assert (tombstone.key, tombstone.value) == ("bold", None)
