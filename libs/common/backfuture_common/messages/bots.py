"""Bots: what users configure, what they ask for, and what a bot remembers."""

from decimal import Decimal
from typing import Literal

from backfuture_common.domain.ids import (
    BotId,
    ClientOrderId,
    CommandId,
    ConnectionId,
    ExchangeId,
    GroupId,
    Symbol,
    UserId,
)
from backfuture_common.messages.codec import Message, Part
from backfuture_common.messages.decisions import Decision as Decision  # noqa: PLC0414 - exported from here as well
from backfuture_common.messages.decisions import ReasonCode as ReasonCode  # noqa: PLC0414 - as above
from backfuture_common.messages.decisions import Verdict as Verdict  # noqa: PLC0414 - as above
from backfuture_common.messages.orders import Fills, Leg, OrderStatus, PlaceOrder

# ---------------------------------------------------------------------------------------- configuration


StartOn = Literal["always", "signal"]
AddOnOn = Literal["price", "signal"]
BlockMode = Literal["any", "both"]
GapPolicy = Literal["current_zone", "cumulative"]


class DcaStrategy(Part, tag="dca", tag_field="kind"):
    """Groups that buy, add on in zones below the entry, and close as a whole at a target. Percentages are in percent.

    Zone k begins ``step_percent * (1 + s + ... + s^(k-1))`` below the first fill, s = ``step_scale``; one add-on per
    zone; add-on k costs ``add_on_quote * volume_scale^(k-1)``. ``take_profit_percent`` is net of fees. ``start_on`` and
    ``add_on_on`` say what makes the bot look at all; a signal is judged in any case. ``addon_block_mode``: ``any``
    blocks an add-on that is outside the zones or improves the average too little, ``both`` only one that is both; one
    that would worsen the average is never made. ``gap_policy``: what is bought when the price has jumped over unused
    zones, the add-on of the zone it is in or those of all of them in one order.
    """

    base_order_quote: Decimal
    add_on_quote: Decimal
    max_add_ons: int
    step_percent: Decimal
    take_profit_percent: Decimal
    step_scale: Decimal = Decimal(1)
    volume_scale: Decimal = Decimal(1)
    min_improvement_percent: Decimal = Decimal("0.5")
    min_gap_percent: Decimal = Decimal(1)
    add_on_cooldown_ms: int = 0
    group_cooldown_ms: int = 0
    slippage_percent: Decimal = Decimal("0.3")
    max_price_age_ms: int = 5_000
    start_on: StartOn = "always"
    add_on_on: AddOnOn = "price"
    addon_block_mode: BlockMode = "any"
    gap_policy: GapPolicy = "current_zone"


Strategy = DcaStrategy


Reserve = Literal["strict", "soft"]


class BotSpec(Part):
    """A bot as its owner configured it. ``version`` grows with each change; a live group keeps what it was opened with.

    ``margin_limit_quote`` bounds what all groups of the bot may bind together;
    ``group_limit_quote`` what one of them may (None: an equal share of the bot's limit). Both are notional, fees apart.
    With ``margin_limit_percent`` the bot's limit is that share of the connection's equity, when that is less.
    ``reserve``: ``strict`` counts the planned add-ons of live groups as bound, ``soft`` only what is spent or on its
    way. No buy of any of the owner's bots makes them bind more than ``connection_limit_quote`` on this connection, or
    ``symbol_limit_quote`` in one of this bot's symbols over all connections: the strictest limit of all bots counts.
    One live group per symbol, at most ``max_active_groups`` in all. A signal older than ``signal_max_lag_ms`` is
    refused.
    """

    bot_id: BotId
    owner: UserId
    name: str
    connection_id: ConnectionId
    exchange: ExchangeId
    symbols: tuple[Symbol, ...]
    strategy: Strategy
    margin_limit_quote: Decimal
    group_limit_quote: Decimal | None = None
    max_active_groups: int = 1
    version: int = 1
    reserve: Reserve = "strict"
    margin_limit_percent: Decimal | None = None
    connection_limit_quote: Decimal | None = None
    symbol_limit_quote: Decimal | None = None
    signal_max_lag_ms: int = 300_000


# ---------------------------------------------------------------------------------------- commands


class CreateBot(Message, tag="bot.create.v1"):
    """A new bot, stopped until a :class:`StartBot`. A bot that exists already is left as it is."""

    command_id: CommandId
    spec: BotSpec
    at_ms: int


class UpdateBot(Message, tag="bot.update.v1"):
    """A changed configuration. Live groups go on with the one they were opened with."""

    command_id: CommandId
    spec: BotSpec
    at_ms: int


class StartBot(Message, tag="bot.start.v1"):
    """Let the bot open groups."""

    command_id: CommandId
    owner: UserId
    bot_id: BotId
    at_ms: int


class StopBot(Message, tag="bot.stop.v1"):
    """Open no more groups and add nothing; live groups are still closed at their targets."""

    command_id: CommandId
    owner: UserId
    bot_id: BotId
    at_ms: int


class DeleteBot(Message, tag="bot.delete.v1"):
    """Forget the bot. Ignored while it has a live group."""

    command_id: CommandId
    owner: UserId
    bot_id: BotId
    at_ms: int


class CloseGroup(Message, tag="group.close.v1"):
    """Sell the whole group now, at a loss if need be."""

    command_id: CommandId
    owner: UserId
    bot_id: BotId
    group_id: GroupId
    at_ms: int


SignalIntent = Literal["auto", "entry", "add_on"]
SignalSource = Literal["manual", "internal", "tradingview"]


class Signal(Message, tag="bot.signal.v1"):
    """An idea for one market: open a group, or add on to the one there is. The bot decides whether it follows.

    ``signal_id`` tells repetitions: the same one within a day is not followed twice. ``sent_ms`` is the sender's time.
    ``auto``: an add-on when the symbol has a group, else an entry.
    """

    command_id: CommandId
    owner: UserId
    bot_id: BotId
    signal_id: str
    symbol: Symbol
    sent_ms: int
    at_ms: int
    intent: SignalIntent = "auto"
    side: Literal["long", "short"] = "long"
    source: SignalSource = "manual"


OwnerCommand = CreateBot | UpdateBot | StartBot | StopBot | DeleteBot | CloseGroup
"""What is obeyed; a signal is judged."""
BotCommand = OwnerCommand | Signal


# ---------------------------------------------------------------------------------------- state

GroupStatus = Literal["entry_pending", "active", "add_on_pending", "exit_pending", "closed", "canceled"]
CloseReason = Literal["take_profit", "manual", "nothing_filled", "dust"]


class PendingOrder(Part):
    """The one order a group has in flight. ``told_ms``: time of the newest update.

    ``zone`` is 0 for entry and exit; ``skipped`` are the zones above it that an add-on makes up for.
    """

    command: PlaceOrder
    zone: int
    status: OrderStatus
    fills: Fills
    told_ms: int = 0
    skipped: tuple[int, ...] = ()


class FinishedOrder(Part):
    """An order of a live group that has ended."""

    client_order_id: ClientOrderId
    leg: Leg
    zone: int
    status: OrderStatus
    amount: Decimal
    fills: Fills
    skipped: tuple[int, ...] = ()


class Group(Part):
    """A group: entry, add-ons and exit, managed as one.

    Sums run over all fills so far: ``bought_*`` of entry and add-ons, ``sold_*`` of exits. ``average``,
    ``break_even`` and ``target`` are None until something is bought. ``anchor`` is the entry's average price, from
    which zones are measured. ``realised_quote`` is set when the group has closed. ``taker_fee`` is the fee expected on
    the way out. ``finished`` are the ended orders that filled something, and the newest ended one; ``failures`` counts
    the orders in a row that filled nothing.
    """

    group_id: GroupId
    symbol: Symbol
    status: GroupStatus
    strategy: Strategy
    opened_ms: int
    taker_fee: Decimal = Decimal(0)
    anchor: Decimal | None = None
    bought_amount: Decimal = Decimal(0)
    bought_cost: Decimal = Decimal(0)
    sold_amount: Decimal = Decimal(0)
    sold_proceeds: Decimal = Decimal(0)
    fees_base: Decimal = Decimal(0)
    fees_quote: Decimal = Decimal(0)
    average: Decimal | None = None
    break_even: Decimal | None = None
    target: Decimal | None = None
    add_ons_done: int = 0
    zones_used: tuple[int, ...] = ()
    last_fill_price: Decimal | None = None
    last_fill_ms: int | None = None
    attempts: int = 0
    failures: int = 0
    retry_after_ms: int = 0
    close_requested: bool = False
    pending: PendingOrder | None = None
    finished: tuple[FinishedOrder, ...] = ()
    closed_ms: int | None = None
    close_reason: CloseReason | None = None
    realised_quote: Decimal | None = None


class SeenSignal(Part):
    """A signal that was heard, remembered so that it is not followed twice."""

    command_id: CommandId
    signal_id: str
    at_ms: int


class BotState(Part):
    """All a bot remembers: the fold of its journal.

    ``seq`` counts its journal records. ``groups`` are the live ones. ``unacknowledged`` are the order intents the
    connector has not yet answered; they are sent again after a restore. ``cooldowns`` say until when a symbol rests.
    ``fault`` says why the bot stands still; a :class:`StartBot` or :class:`StopBot` clears it. A deleted bot stays as a
    mark, so that an old command cannot make it again. ``signals`` wait for what stands against them to pass, at most
    one per symbol; ``seen_signals`` are those of the last day.
    """

    spec: BotSpec
    running: bool
    deleted: bool = False
    fault: str | None = None
    seq: int = 0
    decisions: int = 0
    groups_opened: int = 0
    groups_closed: int = 0
    realised_quote: Decimal = Decimal(0)
    groups: tuple[Group, ...] = ()
    unacknowledged: tuple[PlaceOrder, ...] = ()
    cooldowns: tuple[tuple[Symbol, int], ...] = ()
    last_blocks: tuple[tuple[Symbol, tuple[ReasonCode, ...]], ...] = ()
    last_refused: CommandId | None = None
    signals: tuple[Signal, ...] = ()
    seen_signals: tuple[SeenSignal, ...] = ()


class BotSnapshot(Message, tag="bot.snapshot.v1"):
    """A bot's state on its changelog. ``epoch`` is that of the owner of its partition when written."""

    state: BotState
    epoch: int
    at_ms: int


class Checkpoint(Message, tag="bot.checkpoint.v1"):
    """Where an engine partition stands in its inputs: next offset of each input topic. Key: ``@checkpoint``."""

    partition: int
    positions: tuple[tuple[str, int], ...]
    epoch: int
    at_ms: int


CHECKPOINT_KEY = "@checkpoint"
StateRecord = BotSnapshot | Checkpoint
