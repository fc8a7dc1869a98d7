"""The bus: what services may do with Kafka. The only package that knows the client library.

Crash-only: every failure is :class:`~backfuture_common.errors.Fatal`, nothing is retried or reused after one, start-up
is the recovery. Readers return committed records only.
"""

from backfuture_common.bus.admin import ensure_topics
from backfuture_common.bus.committer import Committer
from backfuture_common.bus.group import Assigned, GroupReader, Revoked
from backfuture_common.bus.publisher import Publisher
from backfuture_common.bus.reader import Reader
from backfuture_common.bus.records import Incoming, Outgoing, Poison, Positions, partition_of
from backfuture_common.bus.settings import KafkaSettings
from backfuture_common.bus.table import Table

__all__ = [
    "Assigned",
    "Committer",
    "GroupReader",
    "Incoming",
    "KafkaSettings",
    "Outgoing",
    "Poison",
    "Positions",
    "Publisher",
    "Reader",
    "Revoked",
    "Table",
    "ensure_topics",
    "partition_of",
]
