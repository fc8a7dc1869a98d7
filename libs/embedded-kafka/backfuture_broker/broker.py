"""The broker without its network: everything a request can ask for."""

from dataclasses import dataclass
from pathlib import Path

from backfuture_broker.clock import Clock
from backfuture_broker.disk import Disk
from backfuture_broker.groups import Group
from backfuture_broker.journal import Store
from backfuture_broker.log.partition import Log, Partition
from backfuture_broker.topics import Topics
from backfuture_broker.transactions import Transactions


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How a broker behaves. ``auto_partitions`` 0: topics are never created by asking for them."""

    auto_partitions: int = 0
    fsync_ms: int = -1
    join_delay_s: float = 0.0
    min_session_ms: int = 6000  # as Kafka's group.min.session.timeout.ms


class Broker:
    """Opens a data folder that is already claimed, and takes up what a stop or a crash interrupted."""

    def __init__(self, folder: Path, cluster_id: str, options: Options, clock: Clock) -> None:
        """Read the folder. OSError, StorageFullError or CannotStartError when that cannot be done."""
        self.folder, self.cluster_id, self.options, self._clock = folder, cluster_id, options, clock
        self.disk = Disk(options.fsync_ms)
        self.store = Store(folder / "journal", self.disk)
        self.topics = Topics(folder / "topics", self.store, Log(self.disk, clock))
        self.groups: dict[str, Group] = {}
        self.transactions = Transactions(self.store, self.disk, clock, self.topics.partition)
        self.transactions.recover(self.topics.placed())

    def partition(self, topic: str, index: int) -> Partition | None:
        return self.topics.partition(topic, index)

    def group(self, id_: str) -> Group:
        """Return a group, a new one if there is none."""
        group = self.groups.get(id_)
        if group is None:
            group = self.groups[id_] = Group(self._clock, self.options.join_delay_s)
        return group

    def group_ids(self) -> set[str]:
        """Return the groups that have members or committed offsets."""
        return self.groups.keys() | self.store.state.offsets.keys()

    def sweep(self) -> None:
        """Notice what is late: to be called about ten times a second."""
        for id_, group in list(self.groups.items()):
            group.sweep()
            if group.is_unused:
                del self.groups[id_]  # its offsets stay in the store
        self.transactions.sweep()

    def close(self) -> None:
        """Force everything to the disk and close every file."""
        self.topics.close()
        self.store.close()
