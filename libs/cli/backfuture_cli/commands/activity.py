"""orders, decisions, explain, balances."""

from collections.abc import Sequence
from typing import Annotated

import typer
from rich.text import Text

from backfuture_cli.api.views import Balance, DecisionView, Explanation, Order
from backfuture_cli.context import gateway
from backfuture_cli.output import (
    AsJson,
    figure,
    left,
    moment,
    price_of,
    print_json,
    print_line,
    print_table,
    right,
    when,
)

Limit = Annotated[int, typer.Option("--limit", "-n", min=1, max=500, help="How many of the newest.")]
ORDER_STYLES = {"filled": "green", "rejected": "red", "unknown": "yellow", "needs_operator": "bold red"}
VERDICT_STYLES = {"OPEN": "green", "ADD_ON": "cyan", "EXIT": "bold green", "BLOCK": "yellow", "WAIT": "dim"}


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    for command in (orders, decisions, explain, balances):
        app.command(rich_help_panel="Trading")(command)


def orders(*, limit: Limit = 30, as_json: AsJson = False) -> None:
    """List your orders, newest first."""
    found = gateway().items("/orders", Order, limit=limit)
    if as_json:
        print_json(found)
    else:
        orders_table(found)


def decisions(*, limit: Limit = 30, as_json: AsJson = False) -> None:
    """List what your bots decided and why, newest first."""
    found = gateway().items("/decisions", DecisionView, limit=limit)
    if as_json:
        print_json(found)
        return
    rows = [
        (moment(d.at_ms), Text(d.verdict, style=VERDICT_STYLES.get(d.verdict, "")),
         d.words, Text(d.decision_id, style="dim"))
        for d in found
    ]  # fmt: skip
    print_table(left("Time", "Verdict", "In words", "Id"), rows, "nothing was decided yet")


def explain(
    which: Annotated[str, typer.Argument(help="Id of an order or of a decision.")], *, as_json: AsJson = False
) -> None:
    """Say why an order was placed, or why something was decided: every reason, and the numbers it rests on."""
    found = gateway().get(f"/explain/{which}", Explanation)
    if as_json:
        print_json(found)
        return
    decision = found.decision
    print_line(Text(decision.words, style="bold"))
    print_line(Text(f"{when(decision.at_ms)}  {decision.decision_id}", style="dim"))
    for reason in found.reasons:
        print_line(f"  {reason.code:<16} {reason.words} ({reason.stage})")
    print_table([*left("Number"), *right("Value")], list(decision.numbers.items()), "no numbers")
    if found.orders:
        orders_table(found.orders)


def balances(*, as_json: AsJson = False) -> None:
    """List what your accounts hold, as the exchanges told."""
    found = gateway().items("/balances", Balance)
    if as_json:
        print_json(found)
        return
    columns = [*left("Connection", "Exchange", "Currency"), *right("Free", "In orders"), *left("As of")]
    rows = [
        (b.connection_name, b.exchange, b.currency, figure(round(b.free, 8)), figure(round(b.held, 8)), moment(b.at_ms))
        for b in found
    ]
    print_table(columns, rows, "no balances yet: they come with the first connection that is online")


def orders_table(found: Sequence[Order]) -> None:
    """Print orders."""
    columns = [*left("Time", "Symbol", "Side", "Leg"), *right("Amount", "Limit", "Filled", "Price"),
               *left("Status", "Id")]  # fmt: skip
    rows = [
        (moment(o.issued_ms), o.symbol, Text(o.side, style="green" if o.side == "buy" else "magenta"),
         (o.leg or "").replace("_", "-"), figure(o.amount), figure(o.limit_price), figure(o.filled_amount),
         price_of(o.average_price), Text(o.status, style=ORDER_STYLES.get(o.status, "")),
         Text(o.client_order_id, style="dim"))
        for o in found
    ]  # fmt: skip
    print_table(columns, rows, "no orders yet")
