# mypy: untyped-calls-exclude=aiokafka
"""Topics and messages to try the bus with."""

from collections.abc import Sequence
from dataclasses import replace

from aiokafka import AIOKafkaProducer
from backfuture_common.bus import Incoming, KafkaSettings, Outgoing, Reader
from backfuture_common.domain.ids import ExchangeId, Symbol
from backfuture_common.messages.market import Subscription
from backfuture_common.topics import MARKET_SUBSCRIPTIONS, MARKET_TICKS, Topic

CATCH_UP_S = 20.0


def compacted(name: str, *, partitions: int = 1) -> Topic:
    return replace(MARKET_SUBSCRIPTIONS, name=name, partitions=partitions)


def deleting(name: str, *, partitions: int = 1) -> Topic:
    return replace(MARKET_TICKS, name=name, types=Subscription, partitions=partitions)


def by_owner(name: str) -> Topic:
    return replace(MARKET_TICKS, name=name, types=Subscription, owner_partitioned=True)


def message(symbol: str, number: int = 0) -> Subscription:
    return Subscription(exchange=ExchangeId("x"), symbol=Symbol(symbol), partition=number, wanted=True)


def record(topic: Topic, key: str, number: int = 0, *, partition: int | None = None) -> Outgoing:
    return Outgoing(topic, key, message(key, number), partition)


def numbers(records: Sequence[Incoming]) -> list[int]:
    found = []
    for one in records:
        assert isinstance(one.value, Subscription)
        found.append(one.value.partition)
    return found


def keys(records: Sequence[Incoming]) -> list[str]:
    return [one.key for one in records]


async def read_all(reader: Reader) -> list[Incoming]:
    return await reader.catch_up(CATCH_UP_S)


async def publish_raw(kafka: KafkaSettings, topic: Topic, key: bytes | None, value: bytes) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=kafka.bootstrap_servers)
    await producer.start()
    try:
        await producer.send_and_wait(topic.name, value, key=key, partition=0)
    finally:
        await producer.stop()
