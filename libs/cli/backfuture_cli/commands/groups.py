"""groups list, show, close."""

from typing import Annotated

import typer
from rich.text import Text

from backfuture_cli.api.views import Group, GroupDetail
from backfuture_cli.commands.activity import orders_table
from backfuture_cli.context import gateway
from backfuture_cli.output import (
    AsJson,
    confirm,
    figure,
    gain,
    left,
    moment,
    price_of,
    print_json,
    print_line,
    print_table,
    right,
)

Which = Annotated[str, typer.Argument(help="Id of the group.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    group = typer.Typer(no_args_is_help=True, help="Groups: an entry, its add-ons and its exit, managed as one.")
    for name, command in (("list", list_all), ("show", show), ("close", close)):
        group.command(name)(command)
    app.add_typer(group, name="groups", rich_help_panel="Trading")


def list_all(
    *,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=500, help="How many of the newest.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List your groups, newest first."""
    found = gateway().items("/groups", Group, limit=limit)
    if as_json:
        print_json(found)
        return
    columns = [*left("Bot", "Symbol", "Status"), *right("Add-ons", "Cost", "Average", "Price", "Target", "Result"),
               *left("Opened", "Id")]  # fmt: skip
    rows = [
        (g.bot_name, g.symbol, g.status.replace("_", " "), f"{g.add_ons_done}/{g.add_ons_max}",
         figure(g.bought_cost, 2), price_of(g.average), price_of(g.price), price_of(g.target),
         gain(g.realised_quote if g.closed_ms else g.unrealised_quote), moment(g.opened_ms), Text(g.id, style="dim"))
        for g in found
    ]  # fmt: skip
    print_table(columns, rows, "no groups yet")


def show(which: Which, *, as_json: AsJson = False) -> None:
    """Show one group with its orders."""
    found = gateway().get(f"/groups/{which}", GroupDetail)
    if as_json:
        print_json(found)
        return
    rows: list[tuple[str | Text, ...]] = [
        ("Bot", found.bot_name),
        ("Status", found.status.replace("_", " ") + (f" ({found.close_reason})" if found.close_reason else "")),
        ("Holds", f"{figure(found.amount)} for {figure(found.bought_cost)}"),
        ("Average", price_of(found.average)),
        ("Break-even", price_of(found.break_even)),
        ("Target", f"{price_of(found.target)} ({figure(found.to_target_percent, 2)} % to go)"),
        ("Drawdown", f"{figure(found.drawdown_percent, 2)} %"),
        ("Add-ons", f"{found.add_ons_done} of {found.add_ons_max}, next at {price_of(found.next_add_on_price) or '—'}"),
        ("Result", gain(found.realised_quote if found.closed_ms else found.unrealised_quote)),
    ]
    print_table(left(found.symbol, found.id), rows, "")
    orders_table(found.orders)


def close(
    which: Which,
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Sell a whole group now, at a loss if need be."""
    api = gateway()
    found = api.get(f"/groups/{which}", Group)
    result = f", result now {found.unrealised_quote:+.4f}" if found.unrealised_quote is not None else ""
    confirm(f"Sell {figure(found.amount)} of {found.symbol} now{result}?", yes=yes)
    api.send("POST", f"/groups/{found.id}/close")
    print_json({"closing": found.id}) if as_json else print_line(f"{found.symbol}: is being sold")
