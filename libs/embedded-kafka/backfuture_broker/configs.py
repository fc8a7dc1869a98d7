"""Topic settings: Kafka's names and defaults, and what is checked of a value."""

from collections.abc import Mapping

# Accepted and reported, but without effect here: flush.*, preallocate, index.interval.bytes, segment.index.bytes,
# segment.jitter.ms, file.delete.delay.ms, max.compaction.lag.ms, compression.type, min.insync.replicas,
# unclean.leader.election.enable. The others do what Kafka's do.
DEFAULTS: Mapping[str, str] = {
    "cleanup.policy": "delete",
    "compression.type": "producer",
    "delete.retention.ms": "86400000",
    "file.delete.delay.ms": "60000",
    "flush.messages": "9223372036854775807",
    "flush.ms": "9223372036854775807",
    "index.interval.bytes": "4096",
    "max.compaction.lag.ms": "9223372036854775807",
    "max.message.bytes": "1048588",
    "message.timestamp.after.max.ms": "3600000",
    "message.timestamp.before.max.ms": "9223372036854775807",
    "message.timestamp.type": "CreateTime",
    "min.cleanable.dirty.ratio": "0.5",
    "min.compaction.lag.ms": "0",
    "min.insync.replicas": "1",
    "preallocate": "false",
    "retention.bytes": "-1",
    "retention.ms": "604800000",
    "segment.bytes": "33554432",
    "segment.index.bytes": "10485760",
    "segment.jitter.ms": "0",
    "segment.ms": "604800000",
    "unclean.leader.election.enable": "false",
}
_CHOICES: Mapping[str, frozenset[str]] = {
    "compression.type": frozenset({"producer", "uncompressed", "gzip", "snappy", "lz4", "zstd"}),
    "message.timestamp.type": frozenset({"CreateTime", "LogAppendTime"}),
    "preallocate": frozenset({"true", "false"}),
    "unclean.leader.election.enable": frozenset({"true", "false"}),
}
_UNLIMITED = frozenset({"retention.bytes", "retention.ms"})  # -1 means no limit
_NUMERIC_FROM_0 = frozenset(name for name, value in DEFAULTS.items() if value.lstrip("-").isdigit())


def config_error(configs: Mapping[str, str | None]) -> str | None:
    """Return what is wrong with the settings, in one sentence, or None."""
    for name, value in configs.items():
        if name not in DEFAULTS:
            return f"Unknown topic config name: {name[:100]}"
        if value is None or not _allowed(name, value):
            return f"Invalid value {str(value)[:100]} for configuration {name}"
    return None


def _allowed(name: str, value: str) -> bool:
    if name in _CHOICES:
        return value in _CHOICES[name]
    if name == "cleanup.policy":
        return _words(value) <= {"compact", "delete"} and value.strip() != ""
    try:
        if name in _NUMERIC_FROM_0:
            return int(value) >= (-1 if name in _UNLIMITED else 0)
        return 0 <= float(value) <= 1
    except ValueError:
        return False


def _words(value: str) -> set[str]:
    return {word.strip() for word in value.split(",")}


class TopicConfig:
    """One topic's settings, read by the log on every append. Change them with ``set``."""

    # the effective values, kept ready because produce and clean-up read them all the time
    __slots__ = (
        "after_max_ms", "before_max_ms", "compact", "configs", "delete", "delete_retention_ms", "dirty_ratio",
        "log_append_time", "max_message_bytes", "min_compaction_lag_ms", "retention_bytes", "retention_ms",
        "segment_bytes", "segment_ms",
    )  # fmt: skip

    def __init__(self, configs: Mapping[str, str]) -> None:
        self.set(configs)

    def set(self, configs: Mapping[str, str]) -> None:
        """Take valid settings (``config_error`` returned None)."""
        self.configs = dict(configs)
        values = {**DEFAULTS, **configs}
        policy = _words(values["cleanup.policy"])
        self.compact, self.delete = "compact" in policy, "delete" in policy
        self.log_append_time = values["message.timestamp.type"] == "LogAppendTime"
        self.dirty_ratio = float(values["min.cleanable.dirty.ratio"])
        self.max_message_bytes = int(values["max.message.bytes"])
        self.segment_bytes = max(int(values["segment.bytes"]), 1)
        self.segment_ms = int(values["segment.ms"])
        self.retention_ms = int(values["retention.ms"])
        self.retention_bytes = int(values["retention.bytes"])
        self.delete_retention_ms = int(values["delete.retention.ms"])
        self.min_compaction_lag_ms = int(values["min.compaction.lag.ms"])
        self.after_max_ms = int(values["message.timestamp.after.max.ms"])
        self.before_max_ms = int(values["message.timestamp.before.max.ms"])
