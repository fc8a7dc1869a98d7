"""The judge of a run: the venue's book against intents, ledger, news and the bot's own state."""

from collections import Counter
from collections.abc import Iterable, Iterator
from decimal import Decimal

from backfuture_common.bus import Incoming
from backfuture_common.messages.bots import BotSnapshot, BotState
from backfuture_common.messages.journal import JournalRecord, OrderIntended, OrderProgressed
from backfuture_common.messages.orders import FINAL_STATUSES, Fills, LedgerEntry, OrderUpdate, PlaceOrder
from backfuture_common.topics import BOT_JOURNAL, BOT_STATE, ORDER_EVENTS, order_ledger
from backfuture_engine.core.replay import replay

from tests.simulation.kafka import Broker
from tests.simulation.venue import Accepted, Venue


class Books:
    """What is on record at one moment."""

    def __init__(self, broker: Broker, venue: Venue) -> None:
        exchange = venue.exchange
        self.venue = venue
        self.journal = [r.value for r in broker.records(BOT_JOURNAL) if isinstance(r.value, JournalRecord)]
        self.state = _newest_state(broker.records(BOT_STATE))
        entries = (r.value for r in broker.records(order_ledger(exchange)))
        self.ledger = {e.command.client_order_id: e for e in entries if isinstance(e, LedgerEntry)}
        updates = (r.value for r in broker.records(ORDER_EVENTS))
        self.news = {u.client_order_id: u for u in updates if isinstance(u, OrderUpdate)}
        facts = [fact for record in self.journal for fact in record.facts]
        self.intents = {f.command.client_order_id: f.command for f in facts if isinstance(f, OrderIntended)}
        self.heard = {f.client_order_id: f for f in facts if isinstance(f, OrderProgressed)}
        self.accepted = {order.command.client_order_id: order for order in venue.book}


def problems(broker: Broker, venue: Venue) -> Iterator[str]:
    """Yield what is wrong now. Nothing: no order is lost or doubled, and everybody tells the same story."""
    books = Books(broker, venue)
    yield from _about_the_venue(books)
    for intent in books.intents.values():
        yield from _about_an_intent(books, intent)
    yield from _about_the_bot(books)


def replay_problems(broker: Broker, venue: Venue) -> Iterator[str]:
    """Yield where the journal, decided once more, does not come to what is on record."""
    books = Books(broker, venue)
    epochs = [record.epoch for record in books.journal]
    if epochs != sorted(epochs):
        yield f"an old owner wrote after a new one: {epochs}"
    try:
        replayed = replay(books.journal)
    except ValueError as error:
        yield str(error)
        return
    if replayed.differences:
        yield f"decided anew, the journal differs: {replayed.differences[0]}"
    if replayed.state != books.state:
        yield "the bot's state is not the fold of its journal"


def permanent_problems(venue: Venue) -> Iterator[str]:
    """Yield what no time can heal."""
    for order, times in Counter(order.command.client_order_id for order in venue.book).items():
        if times > 1:
            yield f"doubled: the venue accepted {order} {times} times"


def _about_the_venue(books: Books) -> Iterator[str]:
    yield from permanent_problems(books.venue)
    for order in books.accepted.keys() - books.intents.keys():
        yield f"nobody intended {order}"
    for order in books.ledger.keys() - books.intents.keys():
        yield f"the ledger has {order}, which nobody intended"


def _about_an_intent(books: Books, intent: PlaceOrder) -> Iterator[str]:
    key = intent.client_order_id
    entry, accepted, heard = books.ledger.get(key), books.accepted.get(key), books.heard.get(key)
    if entry is None:
        yield f"lost: {intent.leg} {key} never reached the ledger"
        return
    if entry.update.status not in FINAL_STATUSES:
        yield f"unresolved: {intent.leg} {key} is {entry.update.status}"
    if accepted is not None and entry.update.status not in {"filled", "canceled"}:
        yield f"lost: the venue has {key}, the ledger says {entry.update.status}"
    truth = _truth(books.venue, accepted)
    if entry.update.fills != truth:
        yield f"{key}: the ledger has {entry.update.fills}, the venue {truth}"
    if books.news.get(key) != entry.update:
        yield f"{key}: the newest news is not what the ledger says"
    if heard is None or heard.status not in FINAL_STATUSES:
        yield f"{key}: the bot has not heard of its end"
    elif (heard.fills.amount, heard.fills.cost) != (truth.amount, truth.cost):
        yield f"{key}: the bot has {heard.fills}, the venue {truth}"


def _about_the_bot(books: Books) -> Iterator[str]:
    state = books.state
    if state is None:
        yield "there is no bot"
        return
    if state.fault is not None:
        yield f"the bot stands still: {state.fault}"
    if state.unacknowledged or any(group.pending for group in state.groups):
        yield "the bot still waits for an order"
    if len(books.journal) != state.seq:
        yield f"the bot is at record {state.seq}, the journal has {len(books.journal)}"


def _truth(venue: Venue, order: Accepted | None) -> Fills:
    sums = {"base": Decimal(0), "quote": Decimal(0)}
    amount = cost = Decimal(0)
    for piece in order.pieces if order is not None else ():
        assert order is not None
        amount += piece.amount
        cost += piece.amount * piece.price
        coin, fee = venue.fee_of(order, piece.amount, piece.amount * piece.price)
        sums["quote" if coin == "USDT" else "base"] += fee
    return Fills(amount=amount, cost=cost, fee_base=sums["base"], fee_quote=sums["quote"])


def _newest_state(records: Iterable[Incoming]) -> BotState | None:
    states = [record.value.state for record in records if isinstance(record.value, BotSnapshot)]
    return states[-1] if states else None
