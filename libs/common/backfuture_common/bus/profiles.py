# mypy: untyped-calls-exclude=aiokafka
"""The one place with options of the Kafka client. Each deviation from a default is there for a reason.

Every timeout is far below the deadlines of our own calls, so that the client has tried again before we give up.
"""

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.coordinator.assignors.range import RangePartitionAssignor

from backfuture_common.bus import security
from backfuture_common.bus.settings import KafkaSettings
from backfuture_common.errors import Fatal

REQUEST_TIMEOUT_MS = 10_000
TRANSACTION_TIMEOUT_MS = 10_000
"""A dead owner's open transaction holds back readers for at most this long."""
MAX_RECORD_BYTES = 1_000_000
"""Below the brokers' usual limit of 1 MiB, so that what is too large is refused here, before it is sent."""


def producer(kafka: KafkaSettings, transactional_id: str | None = None) -> AIOKafkaProducer:
    """Build (not start) an idempotent producer, transactional when given an id."""
    _require_compiled_client()
    return AIOKafkaProducer(
        bootstrap_servers=kafka.bootstrap_servers,
        client_id=kafka.client_id,
        acks="all",
        enable_idempotence=True,
        transactional_id=transactional_id,
        transaction_timeout_ms=TRANSACTION_TIMEOUT_MS,
        request_timeout_ms=REQUEST_TIMEOUT_MS,
        max_batch_size=128 * 1024,
        max_request_size=MAX_RECORD_BYTES,
        linger_ms=0,
        compression_type=None,
        **security.options(kafka),
    )


def consumer(kafka: KafkaSettings, *, group: str | None = None, instance_id: str | None = None) -> AIOKafkaConsumer:
    """Build (not start) a consumer of committed records without auto-commit or silent position resets."""
    _require_compiled_client()
    return AIOKafkaConsumer(
        bootstrap_servers=kafka.bootstrap_servers,
        client_id=kafka.client_id,
        group_id=group,
        group_instance_id=instance_id,
        isolation_level="read_committed",
        enable_auto_commit=False,
        auto_offset_reset="none",
        request_timeout_ms=REQUEST_TIMEOUT_MS,
        session_timeout_ms=30_000,
        heartbeat_interval_ms=3_000,
        partition_assignment_strategy=(RangePartitionAssignor,),  # the only one that keeps equal partitions together
        max_partition_fetch_bytes=4 * 1024 * 1024,
        **security.options(kafka),
    )


def admin(kafka: KafkaSettings) -> AIOKafkaAdminClient:
    """Build (not start) an admin client."""
    return AIOKafkaAdminClient(
        bootstrap_servers=kafka.bootstrap_servers,
        client_id=f"{kafka.client_id}-admin",
        request_timeout_ms=REQUEST_TIMEOUT_MS,
        **security.options(kafka),
    )


def _require_compiled_client() -> None:
    """Refuse to work with the pure Python fallback of the client, which is four times slower."""
    from aiokafka.record import default_records as records  # noqa: PLC0415  (only to look which one is in use)

    if records.DefaultRecordBatchBuilder.__module__ != "aiokafka.record._crecords.default_records":
        raise Fatal("kafka.client_slow", "aiokafka's compiled extension is missing", "reinstall aiokafka from a wheel")
