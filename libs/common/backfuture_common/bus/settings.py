"""Where Kafka is and how this process calls itself there."""

from dataclasses import dataclass
from typing import Self

from backfuture_common.runtime.settings import ServiceSettings
from backfuture_common.topics import Topic


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaSettings:
    """Address and identity of one process on the bus. ``client_id`` is ``service-instance``, unique per process."""

    bootstrap_servers: str
    client_id: str
    replication_factor: int = 1
    owner_partitions: int = 4

    @classmethod
    def of(cls, settings: ServiceSettings, *, service: str, instance: str = "0") -> Self:
        """Take what the settings say; ``instance`` tells apart processes of one service."""
        return cls(
            bootstrap_servers=settings.kafka_bootstrap_servers,
            client_id=f"{service}-{instance}",
            replication_factor=settings.kafka_replication_factor,
            owner_partitions=settings.owner_partitions,
        )

    def partitions_of(self, topic: Topic) -> int:
        """Return how many partitions the topic is to have."""
        return self.owner_partitions if topic.owner_partitioned else topic.partitions
