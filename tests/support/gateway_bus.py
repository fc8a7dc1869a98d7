"""Plays the other services on the bus: publishes what they would, reads what the gateway sends."""

from collections.abc import Sequence

from backfuture_common.bus import Incoming, KafkaSettings, Outgoing, Publisher, Reader, ensure_topics, partition_of
from backfuture_common.domain.ids import ExchangeId
from backfuture_common.messages.bots import BotSnapshot
from backfuture_common.messages.codec import Message
from backfuture_common.messages.connections import AccountBalances, ConnectionState
from backfuture_common.messages.journal import JournalRecord
from backfuture_common.messages.market import Instrument, Tick, market_key
from backfuture_common.messages.orders import OrderUpdate
from backfuture_common.topics import (
    ACCOUNT_BALANCES,
    BOT_COMMANDS,
    BOT_JOURNAL,
    BOT_STATE,
    CONNECTION_EVENTS,
    MARKET_INSTRUMENTS,
    MARKET_TICKS,
    ORDER_EVENTS,
    Topic,
    connection_commands,
)

from tests.support.gateway_records import tick

_PARTITIONS = 4


def kafka(bootstrap: str) -> KafkaSettings:
    return KafkaSettings(bootstrap_servers=bootstrap, client_id="test-others", owner_partitions=_PARTITIONS)


async def publish(bootstrap: str, *messages: Message) -> None:
    """Write messages to their topics, keyed as their producers key them."""
    records = [outgoing(message) for message in messages]
    await ensure_topics(kafka(bootstrap), {record.topic.name: record.topic for record in records}.values())
    async with Publisher(kafka(bootstrap)) as publisher:
        for record in records:
            await publisher.publish(record)


async def sent_by_gateway(bootstrap: str, topic: Topic) -> list[Message]:
    """Return all committed records of a topic, in order within each partition."""
    async with Reader(kafka(bootstrap), (topic,)) as reader:
        records: Sequence[Incoming] = await reader.catch_up(30)
    return [record.value for record in records if record.value is not None]


async def publish_garbage(bootstrap: str) -> None:
    """Write a record to a topic of the read model that is no message of that topic."""
    other = tick("1", "2")
    record = Outgoing(ACCOUNT_BALANCES, "garbage", other)
    await ensure_topics(kafka(bootstrap), [record.topic])
    async with Publisher(kafka(bootstrap)) as publisher:
        await publisher.publish(record)


def command_topics(exchange: str = "paper-mexc") -> tuple[Topic, Topic]:
    """Return the topics the gateway writes: to the engine, and to an exchange's connector."""
    return BOT_COMMANDS, connection_commands(ExchangeId(exchange))


def outgoing(message: Message) -> Outgoing:
    """Return the record with the topic, key and partition its producer would choose."""
    if isinstance(message, BotSnapshot):
        spec = message.state.spec
        return Outgoing(BOT_STATE, spec.bot_id, message, partition_of(spec.owner, _PARTITIONS))
    if isinstance(message, JournalRecord):
        return Outgoing(BOT_JOURNAL, message.bot_id, message, partition_of(message.owner, _PARTITIONS))
    if isinstance(message, Instrument | Tick):
        topic = MARKET_TICKS if isinstance(message, Tick) else MARKET_INSTRUMENTS
        return Outgoing(topic, market_key(message.exchange, message.symbol), message)
    if isinstance(message, OrderUpdate):
        return Outgoing(ORDER_EVENTS, message.owner, message)
    if isinstance(message, ConnectionState | AccountBalances):
        topic = CONNECTION_EVENTS if isinstance(message, ConnectionState) else ACCOUNT_BALANCES
        return Outgoing(topic, message.connection_id, message)
    raise TypeError(f"nobody but the gateway sends {type(message).__name__}")
