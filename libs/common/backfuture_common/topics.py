"""Every topic of the platform: who writes it, what stands on it, how long it stays.

No other module names a topic. Exactly one service produces each.
"""

from dataclasses import dataclass
from typing import Any, Literal

from backfuture_common.domain.ids import ExchangeId
from backfuture_common.messages.bots import BotCommand, StateRecord
from backfuture_common.messages.connections import AccountBalances, ConnectionCommand, ConnectionState
from backfuture_common.messages.journal import JournalRecord
from backfuture_common.messages.market import Instrument, Subscription, Tick
from backfuture_common.messages.orders import LedgerEntry, OrderCommand, OrderUpdate

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS

Service = Literal["gateway", "connector", "strategy-engine"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """One topic. ``owner_partitioned`` topics have as many partitions as the engine has workers, so that all of a
    user's records meet in one; the others have ``partitions``. ``retention_ms`` None means compacted.
    """

    name: str
    key: str
    producer: Service
    consumers: tuple[Service, ...]
    types: Any
    retention_ms: int | None
    owner_partitioned: bool = False
    partitions: int = 1

    @property
    def compacted(self) -> bool:
        return self.retention_ms is None


MARKET_TICKS = Topic(
    name="market.ticks", key="exchange:symbol", producer="connector", consumers=("strategy-engine", "gateway"),
    types=Tick, retention_ms=6 * HOUR_MS,
)  # fmt: skip
MARKET_INSTRUMENTS = Topic(
    name="market.instruments", key="exchange:symbol", producer="connector", consumers=("strategy-engine", "gateway"),
    types=Instrument, retention_ms=None,
)  # fmt: skip
MARKET_SUBSCRIPTIONS = Topic(
    name="market.subscriptions", key="exchange:symbol:partition", producer="strategy-engine", consumers=("connector",),
    types=Subscription, retention_ms=None,
)  # fmt: skip
BOT_COMMANDS = Topic(
    name="bot.commands", key="owner", producer="gateway", consumers=("strategy-engine",),
    types=BotCommand, retention_ms=14 * DAY_MS, owner_partitioned=True,
)  # fmt: skip
BOT_STATE = Topic(
    name="bot.state", key="bot", producer="strategy-engine", consumers=("strategy-engine", "gateway"),
    types=StateRecord, retention_ms=None, owner_partitioned=True,
)  # fmt: skip
BOT_JOURNAL = Topic(
    name="bot.journal", key="bot", producer="strategy-engine", consumers=("gateway",),
    types=JournalRecord, retention_ms=180 * DAY_MS, owner_partitioned=True,
)  # fmt: skip
ORDER_EVENTS = Topic(
    name="order.events", key="owner", producer="connector", consumers=("strategy-engine", "gateway"),
    types=OrderUpdate, retention_ms=30 * DAY_MS, owner_partitioned=True,
)  # fmt: skip
CONNECTION_EVENTS = Topic(
    name="connection.events", key="connection", producer="connector", consumers=("gateway", "strategy-engine"),
    types=ConnectionState, retention_ms=None,
)  # fmt: skip
ACCOUNT_BALANCES = Topic(
    name="account.balances", key="connection", producer="connector", consumers=("strategy-engine", "gateway"),
    types=AccountBalances, retention_ms=None,
)  # fmt: skip

FIXED_TOPICS = (
    MARKET_TICKS,
    MARKET_INSTRUMENTS,
    MARKET_SUBSCRIPTIONS,
    BOT_COMMANDS,
    BOT_STATE,
    BOT_JOURNAL,
    ORDER_EVENTS,
    CONNECTION_EVENTS,
    ACCOUNT_BALANCES,
)


def order_commands(exchange: ExchangeId) -> Topic:
    """Return the topic on which one exchange's connector receives orders."""
    return Topic(
        name=f"order.commands.{exchange}", key="connection", producer="strategy-engine", consumers=("connector",),
        types=OrderCommand, retention_ms=7 * DAY_MS,
    )  # fmt: skip


def order_ledger(exchange: ExchangeId) -> Topic:
    """Return the topic that one exchange's connector remembers its orders on."""
    return Topic(
        name=f"order.ledger.{exchange}", key="client order id", producer="connector", consumers=("connector",),
        types=LedgerEntry, retention_ms=None,
    )  # fmt: skip


def connection_commands(exchange: ExchangeId) -> Topic:
    """Return the topic on which one exchange's connector is asked to test and to forget connections."""
    return Topic(
        name=f"connection.commands.{exchange}", key="connection", producer="gateway", consumers=("connector",),
        types=ConnectionCommand, retention_ms=14 * DAY_MS,
    )  # fmt: skip


def exchange_topics(exchange: ExchangeId) -> tuple[Topic, ...]:
    """Return the topics that exist once for each exchange."""
    return (order_commands(exchange), order_ledger(exchange), connection_commands(exchange))


def dead_letters(topic: Topic) -> str:
    """Return the name of the topic on which records of ``topic`` end that nobody could read."""
    return f"{topic.name}.dlq"
