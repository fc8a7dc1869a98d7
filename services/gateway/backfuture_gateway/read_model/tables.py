"""Tables that hold nothing but what the topics told. Dropped, they are made and filled again."""

from decimal import Decimal

from backfuture_common.messages.bots import CloseReason, GroupStatus, Verdict
from backfuture_common.messages.connections import ConnectionStatus, TestCode
from backfuture_common.messages.orders import Leg, OrderStatus, Side
from sqlalchemy import JSON, BigInteger, Index, MetaData, String, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from backfuture_gateway.db.tables import NAMES
from backfuture_gateway.db.types import Exact

Json = dict[str, object]


class ReadBase(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMES.naming_convention)
    type_annotation_map = {Decimal: Exact, Json: JSON, list[object]: JSON, list[int]: JSON, list[list[str]]: JSON}  # noqa: RUF012 - SQLAlchemy's form


class PositionRow(ReadBase):
    """How far a partition has been read into these tables; written in the same transaction as its rows."""

    __tablename__ = "read_positions"

    topic: Mapped[str] = mapped_column(String(128), primary_key=True)
    partition: Mapped[int] = mapped_column(primary_key=True)
    next_offset: Mapped[int] = mapped_column(BigInteger)


class BotView(ReadBase):
    """A bot as the engine has it."""

    __tablename__ = "bot_views"

    bot_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    owner_id: Mapped[str] = mapped_column(String(64), index=True)
    running: Mapped[bool]
    deleted: Mapped[bool]
    fault: Mapped[str | None] = mapped_column(Text)
    seq: Mapped[int] = mapped_column(BigInteger)
    decisions: Mapped[int]
    groups_opened: Mapped[int]
    groups_closed: Mapped[int]
    groups_live: Mapped[int]
    realised_quote: Mapped[Decimal]
    spec_version: Mapped[int]
    updated_ms: Mapped[int] = mapped_column(BigInteger)


class RefusalView(ReadBase):
    """The last command of a bot that the engine refused."""

    __tablename__ = "refusal_views"

    bot_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    owner_id: Mapped[str] = mapped_column(String(64))
    command_id: Mapped[str] = mapped_column(String(64))
    reason: Mapped[str] = mapped_column(Text)
    at_ms: Mapped[int] = mapped_column(BigInteger)


class GroupView(ReadBase):
    """A group, live or ended. While it lives the engine's snapshots fill it, and the journal says how it ended."""

    __tablename__ = "group_views"
    __table_args__ = (Index("ix_group_views_owner_opened", "owner_id", "opened_ms", "group_id"),)

    group_id: Mapped[str] = mapped_column(String(80), primary_key=True)
    bot_id: Mapped[str] = mapped_column(String(64), index=True)
    owner_id: Mapped[str] = mapped_column(String(64))
    symbol: Mapped[str] = mapped_column(String(64))
    status: Mapped[GroupStatus] = mapped_column(String(20), index=True)
    strategy: Mapped[Json]
    opened_ms: Mapped[int] = mapped_column(BigInteger)
    seen_seq: Mapped[int] = mapped_column(BigInteger, default=0)
    anchor: Mapped[Decimal | None]
    bought_amount: Mapped[Decimal]
    bought_cost: Mapped[Decimal]
    sold_amount: Mapped[Decimal]
    sold_proceeds: Mapped[Decimal]
    fees_base: Mapped[Decimal]
    fees_quote: Mapped[Decimal]
    average: Mapped[Decimal | None]
    break_even: Mapped[Decimal | None]
    target: Mapped[Decimal | None]
    add_ons_done: Mapped[int]
    zones_used: Mapped[list[int]]
    close_requested: Mapped[bool]
    closed_ms: Mapped[int | None] = mapped_column(BigInteger)
    close_reason: Mapped[CloseReason | None] = mapped_column(String(32))
    realised_quote: Mapped[Decimal | None]
    dust_base: Mapped[Decimal | None]


class OrderView(ReadBase):
    """An order: what was intended (by the journal) and what came of it (by the connector and the journal)."""

    __tablename__ = "order_views"
    __table_args__ = (Index("ix_order_views_owner_first", "owner_id", "first_ms", "client_order_id"),)

    client_order_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    owner_id: Mapped[str] = mapped_column(String(64))
    bot_id: Mapped[str] = mapped_column(String(64), index=True)
    group_id: Mapped[str] = mapped_column(String(80), index=True)
    connection_id: Mapped[str] = mapped_column(String(64))
    exchange: Mapped[str] = mapped_column(String(64))
    symbol: Mapped[str] = mapped_column(String(64))
    side: Mapped[Side] = mapped_column(String(8))
    leg: Mapped[Leg | None] = mapped_column(String(16))
    zone: Mapped[int | None]
    decision_id: Mapped[str | None] = mapped_column(String(80), index=True)
    amount: Mapped[Decimal | None]
    limit_price: Mapped[Decimal | None]
    status: Mapped[OrderStatus] = mapped_column(String(20), index=True)
    exchange_order_id: Mapped[str | None] = mapped_column(String(128))
    filled_amount: Mapped[Decimal]
    filled_cost: Mapped[Decimal]
    fee_base: Mapped[Decimal]
    fee_quote: Mapped[Decimal]
    fee_other: Mapped[list[list[str]]]
    error: Mapped[Json | None]
    first_ms: Mapped[int] = mapped_column(BigInteger)
    updated_ms: Mapped[int] = mapped_column(BigInteger)


class DecisionView(ReadBase):
    __tablename__ = "decision_views"
    __table_args__ = (Index("ix_decision_views_owner_at", "owner_id", "at_ms", "decision_id"),)

    decision_id: Mapped[str] = mapped_column(String(80), primary_key=True)
    owner_id: Mapped[str] = mapped_column(String(64))
    bot_id: Mapped[str] = mapped_column(String(64), index=True)
    group_id: Mapped[str | None] = mapped_column(String(80))
    symbol: Mapped[str] = mapped_column(String(64))
    verdict: Mapped[Verdict] = mapped_column(String(16))
    reasons: Mapped[list[object]]
    numbers: Mapped[Json]
    at_ms: Mapped[int] = mapped_column(BigInteger)


class JournalView(ReadBase):
    """One step of one bot: the input and the facts that followed, as JSON."""

    __tablename__ = "journal_views"

    bot_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    owner_id: Mapped[str] = mapped_column(String(64))
    at_ms: Mapped[int] = mapped_column(BigInteger)
    event: Mapped[Json]
    facts: Mapped[list[object]]


class ConnectionView(ReadBase):
    """What the connector last said of a connection."""

    __tablename__ = "connection_views"

    connection_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    owner_id: Mapped[str] = mapped_column(String(64))
    status: Mapped[ConnectionStatus] = mapped_column(String(16))
    trade_allowed: Mapped[bool]
    code: Mapped[TestCode | None] = mapped_column(String(64))
    message: Mapped[str] = mapped_column(Text)
    hint: Mapped[str] = mapped_column(Text)
    steps: Mapped[list[object]]
    rights: Mapped[list[object]]
    ip_restricted: Mapped[bool | None]
    key_expires_ms: Mapped[int | None] = mapped_column(BigInteger)
    test_id: Mapped[str] = mapped_column(String(64))
    updated_ms: Mapped[int] = mapped_column(BigInteger)


class BalanceView(ReadBase):
    __tablename__ = "balance_views"

    connection_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    currency: Mapped[str] = mapped_column(String(32), primary_key=True)
    owner_id: Mapped[str] = mapped_column(String(64), index=True)
    free: Mapped[Decimal]
    held: Mapped[Decimal]
    at_ms: Mapped[int] = mapped_column(BigInteger)


class InstrumentView(ReadBase):
    __tablename__ = "instrument_views"

    exchange: Mapped[str] = mapped_column(String(64), primary_key=True)
    symbol: Mapped[str] = mapped_column(String(64), primary_key=True)
    base: Mapped[str] = mapped_column(String(32))
    quote: Mapped[str] = mapped_column(String(32))
    price_step: Mapped[Decimal]
    amount_step: Mapped[Decimal]
    amount_min: Mapped[Decimal]
    cost_min: Mapped[Decimal]
    taker_fee: Mapped[Decimal]
    maker_fee: Mapped[Decimal]
    active: Mapped[bool]
    updated_ms: Mapped[int] = mapped_column(BigInteger)


class PriceView(ReadBase):
    """The newest price of a market."""

    __tablename__ = "price_views"

    exchange: Mapped[str] = mapped_column(String(64), primary_key=True)
    symbol: Mapped[str] = mapped_column(String(64), primary_key=True)
    bid: Mapped[Decimal]
    ask: Mapped[Decimal]
    exchange_ms: Mapped[int] = mapped_column(BigInteger)
    observed_ms: Mapped[int] = mapped_column(BigInteger)
