"""The journal: each input that changed a bot, as the core saw it, and the facts that followed."""

from decimal import Decimal

from backfuture_common.domain.ids import BotId, ClientOrderId, CommandId, ExchangeId, GroupId, Symbol, UserId
from backfuture_common.errors import ErrorInfo
from backfuture_common.messages.bots import BotCommand, BotSpec, CloseReason, Decision, Signal, Strategy
from backfuture_common.messages.codec import Message, Part
from backfuture_common.messages.connections import TestCode
from backfuture_common.messages.market import Instrument
from backfuture_common.messages.orders import Fills, OrderStatus, OrderUpdate, PlaceOrder

# ---------------------------------------------------------------------------------------- inputs


class PriceObserved(Part, tag="price", tag_field="kind"):
    """A tick as the core saw it. ``age_ms`` is how old it was then."""

    exchange: ExchangeId
    symbol: Symbol
    bid: Decimal
    ask: Decimal
    age_ms: int


class CommandReceived(Part, tag="command", tag_field="kind"):
    """A user's command."""

    command: BotCommand


class OrderUpdated(Part, tag="order", tag_field="kind"):
    """News of an order."""

    update: OrderUpdate


class TimerFired(Part, tag="timer", tag_field="kind"):
    """A time the bot had asked to be woken at has come."""


BotEvent = PriceObserved | CommandReceived | OrderUpdated | TimerFired


class Exposure(Part):
    """What the owner's other bots bind, and the limits over all of them: where there is any such limit.

    ``connection_quote`` is bound on the bot's connection in the same quote currency, ``symbol_quote`` in the event's
    symbol over all connections. ``equity`` is what the connection's account is worth in that currency, losses of open
    groups counted and gains not.
    """

    connection_quote: Decimal = Decimal(0)
    symbol_quote: Decimal = Decimal(0)
    connection_limit: Decimal | None = None
    symbol_limit: Decimal | None = None
    equity: Decimal | None = None


class Context(Part):
    """What the shell knew when it asked the core, journaled so that replay sees the same.

    ``instrument`` is that of the event's symbol, None when the exchange does not list it (or has not told yet).
    ``quote_free`` is the account's free quote currency, None when never told. ``connection_matches`` is false when the
    bot's connection belongs to somebody else or to another exchange. ``connection_code`` is what the connection's last
    test ended in. ``price`` is the newest price of a signal's market; an observed price is in its event.
    """

    now_ms: int
    connection_online: bool
    connection_matches: bool = True
    instrument: Instrument | None = None
    quote_free: Decimal | None = None
    connection_code: TestCode | None = None
    price: PriceObserved | None = None
    exposure: Exposure | None = None


# ---------------------------------------------------------------------------------------- facts


class BotCreated(Part, tag="bot_created", tag_field="fact"):
    spec: BotSpec


class BotUpdated(Part, tag="bot_updated", tag_field="fact"):
    spec: BotSpec


class BotStarted(Part, tag="bot_started", tag_field="fact"):
    pass


class BotStopped(Part, tag="bot_stopped", tag_field="fact"):
    pass


class BotDeleted(Part, tag="bot_deleted", tag_field="fact"):
    pass


class BotFaulted(Part, tag="bot_faulted", tag_field="fact"):
    """The bot met an illegal event or a bug and stands still; other bots go on."""

    reason: str


class CommandRefused(Part, tag="command_refused", tag_field="fact"):
    """A user's command was refused and changed nothing; ``reason`` says why, with the numbers."""

    command_id: CommandId
    reason: str


class Decided(Part, tag="decided", tag_field="fact"):
    """A verdict fell. Repeated BLOCKs for the same reasons are recorded once."""

    decision: Decision


class SignalHeard(Part, tag="signal_heard", tag_field="fact"):
    """A signal was judged. ``kept``: what stands against it is expected to pass, so it is judged again."""

    signal: Signal
    kept: bool


class SignalEnded(Part, tag="signal_ended", tag_field="fact"):
    """A kept signal was followed, refused, or has grown too old."""

    command_id: CommandId


class GroupOpened(Part, tag="group_opened", tag_field="fact"):
    group_id: GroupId
    symbol: Symbol
    strategy: Strategy
    at_ms: int
    taker_fee: Decimal = Decimal(0)


class OrderIntended(Part, tag="order_intended", tag_field="fact"):
    """An order is to be placed. ``zone`` is 0 for entry and exit; ``skipped`` zones are made up for by an add-on."""

    command: PlaceOrder
    zone: int
    skipped: tuple[int, ...] = ()


class OrderProgressed(Part, tag="order_progressed", tag_field="fact"):
    """The exchange (or the connector) told something new of an order; ``fills`` are cumulative.

    ``told_ms`` is the time of the update, ``at_ms`` when the bot heard it.
    """

    client_order_id: ClientOrderId
    group_id: GroupId
    status: OrderStatus
    fills: Fills
    error: ErrorInfo | None
    at_ms: int
    told_ms: int = 0


class CloseRequested(Part, tag="close_requested", tag_field="fact"):
    group_id: GroupId


class GroupClosed(Part, tag="group_closed", tag_field="fact"):
    """The group has ended. ``realised_quote`` is net of fees; coins too few to sell (``dust_base``) count as lost."""

    group_id: GroupId
    reason: CloseReason
    realised_quote: Decimal
    dust_base: Decimal
    at_ms: int


Fact = (
    BotCreated
    | BotUpdated
    | BotStarted
    | BotStopped
    | BotDeleted
    | BotFaulted
    | CommandRefused
    | Decided
    | SignalHeard
    | SignalEnded
    | GroupOpened
    | OrderIntended
    | OrderProgressed
    | CloseRequested
    | GroupClosed
)


class Cause(Part):
    """The record an input came from."""

    topic: str
    partition: int
    offset: int


class JournalRecord(Message, tag="bot.journal.v1"):
    """One step of one bot. ``seq`` counts from 1 without a gap; the state is the fold of ``facts`` in this order."""

    bot_id: BotId
    owner: UserId
    seq: int
    event: BotEvent
    context: Context
    facts: tuple[Fact, ...]
    cause: Cause | None
    epoch: int
