"""Where Kafka is and how this process calls itself there."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from backfuture_common.runtime.settings import ServiceSettings
from backfuture_common.topics import Topic


@dataclass(frozen=True, slots=True)
class KafkaLogin:
    """Who the process is to the brokers (SASL/SCRAM-SHA-512); the password stays in its file until a client is made."""

    username: str
    password_file: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaSettings:
    """Address and identity of one process on the bus. ``client_id`` is ``service-instance``, unique per process."""

    bootstrap_servers: str
    client_id: str
    replication_factor: int = 1
    owner_partitions: int = 4
    login: "KafkaLogin | None" = None
    ca_file: Path | None = None

    @classmethod
    def of(cls, settings: ServiceSettings, *, service: str, instance: str = "0") -> Self:
        """Take what the settings say; ``instance`` tells apart processes of one service."""
        return cls(
            bootstrap_servers=settings.kafka_bootstrap_servers,
            client_id=f"{service}-{instance}",
            replication_factor=settings.kafka_replication_factor,
            owner_partitions=settings.owner_partitions,
            login=_login(settings),
            ca_file=settings.kafka_ca_file,
        )

    def partitions_of(self, topic: Topic) -> int:
        """Return how many partitions the topic is to have."""
        return self.owner_partitions if topic.owner_partitioned else topic.partitions


def _login(settings: ServiceSettings) -> KafkaLogin | None:
    if settings.kafka_password_file is None:
        return None
    return KafkaLogin(settings.kafka_username, settings.kafka_password_file)
