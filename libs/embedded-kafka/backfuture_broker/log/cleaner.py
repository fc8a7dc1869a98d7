"""What keeps a log from growing for ever: retention, compaction, and forgetting idle producers."""

import asyncio
from collections.abc import Callable, Iterable

from backfuture_broker.errors import StorageFullError
from backfuture_broker.log.compaction import compact
from backfuture_broker.log.partition import Partition

_PAUSE_S = 1.0
_PRODUCER_EXPIRES_MS = 86_400_000  # as Kafka's producer.id.expiration.ms


async def clean_for_ever(partitions: Callable[[], Iterable[Partition]]) -> None:
    """Look after every partition about once a second, until cancelled."""
    while True:
        await asyncio.sleep(_PAUSE_S)
        for partition in list(partitions()):
            if not partition.closed:
                await clean(partition)
                await asyncio.sleep(0)


async def clean(partition: Partition) -> None:
    """Do for one partition what is due."""
    _roll_if_due(partition)
    if partition.config.delete:
        _retain(partition)
    if partition.config.compact and len(partition.segments) > 1:
        await compact(partition)
    partition.producers.expire(partition.clock.now_ms() - _PRODUCER_EXPIRES_MS)


def _roll_if_due(partition: Partition) -> None:
    """Close the segment that grows when it is old, or when everything in it may go."""
    segment, config, now_ms = partition.segments[-1], partition.config, partition.clock.now_ms()
    expired = config.delete and config.retention_ms >= 0 and segment.latest_ms < now_ms - config.retention_ms
    if segment.size and (expired or now_ms - segment.born_ms > config.segment_ms):
        try:
            partition.roll()
        except StorageFullError:
            return  # it goes on growing until there is room for another


def _retain(partition: Partition) -> None:
    """Remove the oldest segments while they are too old, or the rest alone is as large as is to be kept."""
    config, now_ms = partition.config, partition.clock.now_ms()
    size = sum(segment.size for segment in partition.segments)
    while len(partition.segments) > 1:
        oldest = partition.segments[0]
        too_old = config.retention_ms >= 0 and oldest.latest_ms < now_ms - config.retention_ms
        too_much = 0 <= config.retention_bytes <= size - oldest.size
        if not (too_old or too_much):
            return
        size -= oldest.size
        partition.drop_oldest()
