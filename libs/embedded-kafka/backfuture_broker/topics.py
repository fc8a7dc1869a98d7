"""Topics at run time: their settings and their partitions' logs."""

import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

from backfuture_broker.configs import TopicConfig
from backfuture_broker.disk import sync_folder
from backfuture_broker.errors import StorageFullError
from backfuture_broker.journal import Store
from backfuture_broker.log.partition import Log, Partition
from backfuture_broker.log.recovery import open_partition
from backfuture_broker.report import warn
from backfuture_broker.state import TopicDeleted, TopicPartition, TopicSet

MOST_PARTITIONS = 10_000  # each keeps at least one file open

_DELETED = ".deleted"
_ORPHAN = ".orphan"


class Topic:
    def __init__(self, name: str, config: TopicConfig) -> None:
        self.name, self.config = name, config
        self.partitions: list[Partition] = []


class Topics:
    """Every topic. What ``create``, ``grow``, ``configure`` and ``delete`` do is journaled before it is done."""

    def __init__(self, folder: Path, store: Store, log: Log) -> None:
        """Open what the store knows of. OSError when a file cannot be read."""
        self._folder, self._store, self._log = folder, store, log
        self._topics: dict[str, Topic] = {}
        folder.mkdir(mode=0o700, exist_ok=True)
        self._tidy()
        for spec in store.state.topics.values():
            topic = self._topics[spec.name] = Topic(spec.name, TopicConfig(spec.configs))
            self._open_partitions(topic, spec.partitions)

    def __iter__(self) -> Iterator[Topic]:
        return iter(tuple(self._topics.values()))

    def get(self, name: str) -> Topic | None:
        return self._topics.get(name)

    def partition(self, name: str, index: int) -> Partition | None:
        topic = self._topics.get(name)
        return topic.partitions[index] if topic and 0 <= index < len(topic.partitions) else None

    def partitions(self) -> Iterator[Partition]:
        return (partition for topic in self for partition in topic.partitions)

    def placed(self) -> Iterator[tuple[TopicPartition, Partition]]:
        """Yield every partition with its name."""
        for topic in self:
            for index, partition in enumerate(topic.partitions):
                yield (topic.name, index), partition

    def room_for(self, count: int) -> bool:
        return sum(len(topic.partitions) for topic in self) + count <= MOST_PARTITIONS

    def create(self, name: str, count: int, configs: dict[str, str]) -> Topic:
        """Create a topic that is not there. StorageFullError: there is nothing of it."""
        topic = Topic(name, TopicConfig(configs))
        try:
            self._open_partitions(topic, count)
            self._store.record(TopicSet(name, count, configs))
        except StorageFullError:
            self._remove_partitions(topic, 0)
            raise
        self._topics[name] = topic
        return topic

    def grow(self, topic: Topic, count: int) -> None:
        """Add partitions. StorageFullError: there are as many as before."""
        before = len(topic.partitions)
        try:
            self._open_partitions(topic, count)
            self._store.record(TopicSet(topic.name, count, topic.config.configs))
        except StorageFullError:
            self._remove_partitions(topic, before)
            raise

    def configure(self, topic: Topic, configs: dict[str, str]) -> None:
        """Take valid settings. StorageFullError: they are as before."""
        self._store.record(TopicSet(topic.name, len(topic.partitions), configs))
        topic.config.set(configs)

    def delete(self, topic: Topic) -> None:
        """Delete a topic and its records. StorageFullError: it is still there."""
        self._store.record(TopicDeleted(topic.name))
        del self._topics[topic.name]
        self._remove_partitions(topic, 0)

    def close(self) -> None:
        for partition in self.partitions():
            if partition.segments[-1].size > partition.segments[-1].noted_size:
                partition.settle(partition.segments[-1])
            partition.close()

    def _open_partitions(self, topic: Topic, count: int) -> None:
        for index in range(len(topic.partitions), count):
            folder = self._folder / f"{topic.name}-{index}"
            try:
                folder.mkdir(mode=0o700, exist_ok=True)
            except OSError as problem:
                raise StorageFullError(f"no folder for a partition: {problem.strerror}") from problem
            topic.partitions.append(open_partition(folder, topic.config, self._log))
            if self._log.disk.durable:
                sync_folder(folder)
        if self._log.disk.durable:
            sync_folder(self._folder)

    def _remove_partitions(self, topic: Topic, keep: int) -> None:
        for partition in topic.partitions[keep:]:
            partition.close()
            # renamed first: a topic of the same name must never find half-removed records
            doomed = partition.folder.rename(self._folder / f"{uuid.uuid4().hex}{_DELETED}")
            shutil.rmtree(doomed, ignore_errors=True)  # the next start removes what is left
        del topic.partitions[keep:]

    def _tidy(self) -> None:
        """Remove what a crash left of deleted topics and of topics that never came to be."""
        known = {f"{spec.name}-{i}" for spec in self._store.state.topics.values() for i in range(spec.partitions)}
        for folder in self._folder.iterdir():
            if folder.name in known or folder.name.endswith(_ORPHAN):
                continue
            if folder.name.endswith(_DELETED) or not any(log.stat().st_size for log in folder.glob("*.log")):
                shutil.rmtree(folder)
            else:
                folder.rename(folder.with_name(f"{folder.name}-{uuid.uuid4().hex[:8]}{_ORPHAN}"))
                warn(f"{folder} holds records of a topic that the journal does not know; it was put aside")
