"""The parts of the bus that need no broker."""

from dataclasses import replace

import pytest
from aiokafka import TopicPartition
from backfuture_common.bus import KafkaSettings, partition_of
from backfuture_common.bus.admin import topic_configs
from backfuture_common.bus.reader import first_offsets
from backfuture_common.errors import Fatal
from backfuture_common.runtime.settings import ServiceSettings
from backfuture_common.topics import BOT_COMMANDS, BOT_STATE, MARKET_INSTRUMENTS, MARKET_TICKS

KAFKA = KafkaSettings(bootstrap_servers="nowhere:1", client_id="shop-0")
P0, P1 = TopicPartition("t", 0), TopicPartition("t", 1)


@pytest.mark.parametrize(
    ("key", "murmur2"),  # as in the tests of Kafka's Java client
    [
        ("21", -973932308),
        ("foobar", -790332482),
        ("a-little-bit-long-string", -985981536),
        ("a-little-bit-longer-string", -1486304829),
        ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        ("abc", 479470107),
    ],
)
def test_keys_are_hashed_as_every_kafka_client_does(key: str, murmur2: int) -> None:
    for count in (1, 4, 7):
        assert partition_of(key, count) == (murmur2 & 0x7FFF_FFFF) % count


def test_settings_tell_where_and_who() -> None:
    settings = ServiceSettings(kafka_bootstrap_servers="k:1", kafka_replication_factor=3, owner_partitions=8)
    kafka = KafkaSettings.of(settings, service="connector", instance="paper-kucoin")
    assert kafka == KafkaSettings(
        bootstrap_servers="k:1", client_id="connector-paper-kucoin", replication_factor=3, owner_partitions=8
    )


def test_owner_partitioned_topics_have_as_many_partitions_as_there_are_workers() -> None:
    assert replace(KAFKA, owner_partitions=6).partitions_of(BOT_COMMANDS) == 6
    assert replace(KAFKA, owner_partitions=6).partitions_of(MARKET_TICKS) == 1


def test_state_is_compacted_and_events_expire() -> None:
    assert topic_configs(KAFKA, BOT_STATE)["cleanup.policy"] == "compact"
    assert "retention.ms" not in topic_configs(KAFKA, MARKET_INSTRUMENTS)
    assert topic_configs(KAFKA, MARKET_TICKS)["retention.ms"] == str(MARKET_TICKS.retention_ms)


@pytest.mark.parametrize(("copies", "in_sync"), [(1, None), (2, None), (3, "2"), (5, "2")])
def test_a_cluster_asks_for_two_copies_in_sync(copies: int, in_sync: str | None) -> None:
    configs = topic_configs(replace(KAFKA, replication_factor=copies), BOT_STATE)
    assert configs.get("min.insync.replicas") == in_sync


def test_partitions_that_are_not_named_start_at_the_beginning() -> None:
    first = first_offsets({("t", 1): 7, ("gone", 0): 3}, {P0: 2, P1: 4}, {P0: 9, P1: 9}, skip_lost=False)
    assert first == {P0: 2, P1: 7}


def test_a_position_older_than_the_log_is_fatal_unless_the_gap_is_allowed() -> None:
    with pytest.raises(Fatal, match="t/1: 3 is older"):
        first_offsets({("t", 1): 3}, {P0: 2, P1: 4}, {P0: 9, P1: 9}, skip_lost=False)
    assert first_offsets({("t", 1): 3}, {P0: 2, P1: 4}, {P0: 9, P1: 9}, skip_lost=True) == {P0: 2, P1: 4}


def test_a_position_beyond_the_end_is_fatal_in_any_case() -> None:
    with pytest.raises(Fatal, match="t/0: 10 is beyond"):
        first_offsets({("t", 0): 10}, {P0: 2}, {P0: 9}, skip_lost=True)
