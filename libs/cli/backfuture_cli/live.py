"""Events in words: one line each, for the live feed."""

from dataclasses import dataclass

import msgspec
from rich.text import Text

from backfuture_cli.api.events import Event
from backfuture_cli.api.views import Bot, Connection, DecisionView, Group, Order
from backfuture_cli.commands.activity import ORDER_STYLES, VERDICT_STYLES
from backfuture_cli.commands.bots import BOT_STYLES
from backfuture_cli.commands.testview import STATUS_STYLES, STEP_WORDS
from backfuture_cli.output import (
    figure,
    price_of,
)
from backfuture_cli.words import decision_in_words


@dataclass(frozen=True, slots=True)
class Line:
    """What is told, and about what: the same words about the same thing are worth one line."""

    about: str
    text: Text


def line(event: Event) -> Line | None:
    """Return the event as one line; None for what a person need not see (prices)."""
    teller = _TELLERS.get(event.kind)
    if teller is None:
        return None
    about = msgspec.json.decode(event.data.encode(), type=_Named)
    return Line(about.id or about.client_order_id or about.decision_id, teller(event.data.encode()))


class _Named(msgspec.Struct):
    id: str = ""
    client_order_id: str = ""
    decision_id: str = ""


def _connection(data: bytes) -> Text:
    c = msgspec.json.decode(data, type=Connection)
    running = next((step for step in c.steps if step.status == "running"), None)
    words = f"{c.name}: "
    tail = f", {STEP_WORDS.get(running.name, running.name)} …" if running else f" {c.code or ''} {c.message}".rstrip()
    return (
        Text("connection  ", style="dim") + Text(words) + Text(c.status, style=STATUS_STYLES.get(c.status, "")) + tail
    )


def _bot(data: bytes) -> Text:
    b = msgspec.json.decode(data, type=Bot)
    tail = f": {b.fault}" if b.fault else f", {b.groups_open} open, {b.groups_closed} closed, {b.realised_quote:+.4f}"
    return (
        Text("bot         ", style="dim")
        + f"{b.name}: "
        + Text(b.status, style=BOT_STYLES.get(b.status, "cyan"))
        + tail
    )


def _group(data: bytes) -> Text:
    g = msgspec.json.decode(data, type=Group)
    words = f"{g.bot_name} {g.symbol}: {g.status.replace('_', ' ')}"
    if g.closed_ms:
        result = f", {g.realised_quote:+.4f}" if g.realised_quote is not None else ""
        words += f" ({(g.close_reason or '').replace('_', ' ')}{result})"
    elif g.average is not None:
        words += f", {g.add_ons_done} add-ons, average {price_of(g.average)}, target {price_of(g.target)}"
    return Text("group       ", style="dim") + words


def _order(data: bytes) -> Text:
    o = msgspec.json.decode(data, type=Order)
    words = f"{o.side} {figure(o.amount)} {o.symbol} up to {figure(o.limit_price)}: "
    text = Text("order       ", style="dim") + words + Text(o.status, style=ORDER_STYLES.get(o.status, ""))
    if o.filled_amount:
        text.append(f", {figure(o.filled_amount)} at {price_of(o.average_price)}")
    if o.error:
        text.append(f", {o.error.message}", style="red")
    return text


def _decision(data: bytes) -> Text:
    d = msgspec.json.decode(data, type=DecisionView)
    words = decision_in_words(d.verdict, d.symbol, d.reasons, d.numbers)
    return Text("decision    ", style="dim") + Text(f"{d.verdict:<7} ", style=VERDICT_STYLES.get(d.verdict, "")) + words


def _reset(_data: bytes) -> Text:
    return Text("some events were missed; the lists show how things are now", style="yellow")


_TELLERS = {
    "connection": _connection,
    "bot": _bot,
    "group": _group,
    "order": _order,
    "decision": _decision,
    "reset": _reset,
}
