"""The transaction coordinator: producer ids, epochs that fence, and decisions that are carried out whatever happens.

A transaction ends in three steps, each taken when the one before is as safe as the disk mode promises: the decision is
journaled; markers are written to the partitions; the journal notes that it is done. A crash, or a full disk, in between
only delays: the decision stands.
"""

from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial

from backfuture_broker.clock import Clock
from backfuture_broker.disk import Disk
from backfuture_broker.errors import Code, StorageFullError
from backfuture_broker.journal import Store
from backfuture_broker.log.partition import Partition, TransactionCheck
from backfuture_broker.state import OffsetRow, ProducerIdTaken, TopicPartition, Transaction, TransactionDone

_LONGEST_TIMEOUT_MS = 900_000
_LAST_EPOCH = 32_000

PartitionLookup = Callable[[str, int], Partition | None]


class Transactions:
    """Every transactional id. What a full disk prevents is answered COORDINATOR_NOT_AVAILABLE: clients try again."""

    def __init__(self, store: Store, disk: Disk, clock: Clock, partition: PartitionLookup) -> None:
        self._store, self._disk, self._clock, self._partition = store, disk, clock, partition
        self._deadlines: dict[str, float] = {}  # of open transactions
        self._held_up: set[str] = set()  # decided, but a full disk is in the way

    def recover(self, partitions: Iterable[tuple[TopicPartition, Partition]]) -> None:
        """Take up what a stop or a crash interrupted. StorageFullError when there is no room for it."""
        claimed: dict[int, set[TopicPartition]] = {}
        for transaction in self._store.state.transactions.values():
            claimed[transaction.producer_id] = set(transaction.partitions)
            if transaction.is_open:
                self._set_deadline(transaction)
        for place, partition in partitions:
            for producer_id in list(partition.producers.open):
                if place not in claimed.get(producer_id, ()):  # the journal does not know of it: nobody can commit it
                    partition.end_transaction(producer_id, partition.producers.epoch_of(producer_id), commit=False)
        for transaction in tuple(self._store.state.transactions.values()):
            if transaction.is_ending:
                self._write_markers(transaction.id, _nobody_waits)

    # -- requests

    def new_producer(self) -> tuple[Code, int, int]:
        """Give out an id for an idempotent producer: error, producer id, epoch."""
        producer_id = self._store.state.next_producer_id
        try:
            self._store.record(ProducerIdTaken(producer_id))
        except StorageFullError:
            return Code.COORDINATOR_NOT_AVAILABLE, -1, -1
        return Code.NONE, producer_id, 0

    def initialise(self, id_: str, timeout_ms: int) -> tuple[Code, int, int]:
        """Hand the transactional id to a new holder: older ones are fenced, their open transaction is aborted."""
        if not 0 < timeout_ms <= _LONGEST_TIMEOUT_MS:
            return Code.INVALID_TRANSACTION_TIMEOUT, -1, -1
        try:
            known = self._store.state.transactions.get(id_)
            if known is not None and known.is_open:
                self._decide(known._replace(epoch=known.epoch + 1), _nobody_waits, commit=False)
                known = self._store.state.transactions[id_]
            if known is not None and known.is_ending:
                return Code.CONCURRENT_TRANSACTIONS, -1, -1  # the client asks again
            return Code.NONE, *self._next_holder(known, id_, timeout_ms)
        except StorageFullError:
            return Code.COORDINATOR_NOT_AVAILABLE, -1, -1

    def _next_holder(self, known: Transaction | None, id_: str, timeout_ms: int) -> tuple[int, int]:
        if known is None or known.epoch >= _LAST_EPOCH:
            holder = Transaction(id_, self._store.state.next_producer_id, 0, timeout_ms)
        else:
            holder = Transaction(id_, known.producer_id, known.epoch + 1, timeout_ms)
        self._store.record(holder)
        return holder.producer_id, holder.epoch

    def check(self, id_: str | None, place: TopicPartition) -> TransactionCheck:
        """Return the question whether a producer may write to a partition as part of its transaction."""

        def may_write(producer_id: int, epoch: int) -> Code:
            transaction, error = self._find(id_ or "", producer_id, epoch)
            if transaction is None:
                return error
            return Code.NONE if transaction.is_open and place in transaction.partitions else Code.INVALID_TXN_STATE

        return may_write

    def add_partitions(self, id_: str, producer_id: int, epoch: int, places: Iterable[TopicPartition]) -> Code:
        """Let a transaction write to partitions; the first ones open it."""

        def with_partitions(transaction: Transaction) -> Transaction:
            return transaction._replace(partitions=tuple(sorted({*transaction.partitions, *places})))

        return self._extend(id_, producer_id, epoch, with_partitions)

    def add_group(self, id_: str, producer_id: int, epoch: int, group: str) -> Code:
        """Let a transaction commit offsets of a group."""

        def with_group(transaction: Transaction) -> Transaction:
            return transaction._replace(groups=tuple(sorted({*transaction.groups, group})))

        return self._extend(id_, producer_id, epoch, with_group)

    def commit_offsets(self, id_: str, producer_id: int, epoch: int, group: str, rows: Iterable[OffsetRow]) -> Code:
        """Have offsets committed together with the transaction."""
        transaction, error = self._find(id_, producer_id, epoch)
        if transaction is None:
            return error
        if not transaction.is_open or group not in transaction.groups:
            return Code.INVALID_TXN_STATE
        added = transaction._replace(offsets=(*transaction.offsets, *((group, row) for row in rows)))
        return self._record(added)

    def end(self, id_: str, producer_id: int, epoch: int, reply: Callable[[Code], None], *, commit: bool) -> None:
        """Decide a transaction, and reply once. Asked again for the same decision, the answer is the same."""
        transaction, error = self._find(id_, producer_id, epoch)
        if transaction is not None and transaction.is_open:
            try:
                self._decide(transaction, partial(reply, Code.NONE), commit=commit)
            except StorageFullError:
                reply(Code.COORDINATOR_NOT_AVAILABLE)
            return
        if transaction is not None and transaction.decision and (transaction.decision == "commit") != commit:
            error = Code.INVALID_TXN_STATE
        reply(error)

    # -- at work

    def sweep(self) -> None:
        """Abort transactions that are out of time, and carry on with decisions that a full disk has held up."""
        now_s = self._clock.monotonic_s()
        with suppress(StorageFullError):  # tried again by the next sweep
            for id_ in [id_ for id_, deadline_s in self._deadlines.items() if deadline_s < now_s]:
                transaction = self._store.state.transactions[id_]
                if transaction.is_open:
                    self._decide(transaction._replace(epoch=transaction.epoch + 1), _nobody_waits, commit=False)
                self._deadlines.pop(id_, None)
        held_up, self._held_up = self._held_up, set()
        for id_ in held_up:
            self._write_markers(id_, _nobody_waits)

    def _find(self, id_: str, producer_id: int, epoch: int) -> tuple[Transaction | None, Code]:
        transaction = self._store.state.transactions.get(id_)
        if transaction is None or transaction.producer_id != producer_id:
            return None, Code.INVALID_PRODUCER_ID_MAPPING
        if transaction.epoch != epoch:
            return None, Code.FENCED_PRODUCER
        return transaction, Code.NONE

    def _extend(self, id_: str, producer_id: int, epoch: int, extend: Callable[[Transaction], Transaction]) -> Code:
        transaction, error = self._find(id_, producer_id, epoch)
        if transaction is None:
            return error
        if transaction.is_ending:
            return Code.CONCURRENT_TRANSACTIONS
        extended = extend(transaction._replace(decision=""))
        error = self._record(extended)
        if not error and id_ not in self._deadlines:
            self._set_deadline(extended)
        return error

    def _record(self, transaction: Transaction) -> Code:
        try:
            self._store.record(transaction)
        except StorageFullError:
            return Code.COORDINATOR_NOT_AVAILABLE
        return Code.NONE

    def _set_deadline(self, transaction: Transaction) -> None:
        if transaction.is_open:
            self._deadlines[transaction.id] = self._clock.monotonic_s() + transaction.timeout_ms / 1000

    def _decide(self, transaction: Transaction, decided: Callable[[], None], *, commit: bool) -> None:
        """Take a decision that nothing can undo any more; ``decided`` is called when its markers are written."""
        self._store.record(transaction._replace(decision="commit" if commit else "abort"))
        self._deadlines.pop(transaction.id, None)
        self._disk.after_sync(partial(self._write_markers, transaction.id, decided))

    def _write_markers(self, id_: str, decided: Callable[[], None]) -> None:
        transaction = self._store.state.transactions[id_]
        try:
            for topic, index in transaction.partitions:
                partition = self._partition(topic, index)
                if partition is not None and transaction.producer_id in partition.producers.open:
                    commit = transaction.decision == "commit"
                    partition.end_transaction(transaction.producer_id, transaction.epoch, commit=commit)
        except StorageFullError:
            self._held_up.add(id_)
            decided()
        else:
            self._disk.after_sync(partial(self._finish, id_, decided))

    def _finish(self, id_: str, decided: Callable[[], None]) -> None:
        """Note that it is done. Not before the markers are safe: nobody would look for missing ones any more."""
        decided()
        try:
            self._store.record(TransactionDone(id_))
        except StorageFullError:
            self._held_up.add(id_)


def _nobody_waits() -> None:
    """Take the place of a reply."""
