"""bots create, list, show, start, stop, delete, preview, journal."""

import json
import tomllib
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from backfuture_cli import lookup
from backfuture_cli.api.views import Bot, JournalEntry, Preview, SignalView
from backfuture_cli.context import gateway
from backfuture_cli.exits import CliError, Exit
from backfuture_cli.output import (
    AsJson,
    confirm,
    console,
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

BOT_STYLES = {"running": "green", "stopped": "dim", "faulted": "bold red", "refused": "bold red"}
Which = Annotated[str, typer.Argument(help="Name or id of the bot.")]


class Preset(StrEnum):
    """Ready-made ways to run a bot."""

    CONSERVATIVE = "conservative"
    BALANCED = "balanced"
    AGGRESSIVE = "aggressive"


Connection = Annotated[str, typer.Option("--connection", "-c", help="Name or id of the connection.")]
PresetOption = Annotated[Preset | None, typer.Option("--preset", "-p", help="Fills in what is left out.")]
BaseOrder = Annotated[str | None, typer.Option(help="Cost of the entry, in quote currency.")]
AddOn = Annotated[str | None, typer.Option(help="Cost of the first add-on; as the entry if left out.")]
MaxAddOns = Annotated[int | None, typer.Option(help="How many add-ons at most.")]
Step = Annotated[str | None, typer.Option("--step", help="How deep the first zone begins, in percent.")]
TakeProfit = Annotated[str | None, typer.Option(help="Target above break-even, in percent, net of fees.")]
StepScale = Annotated[str | None, typer.Option(help="Factor from each zone's depth to the next.")]
VolumeScale = Annotated[str | None, typer.Option(help="Factor from each add-on's cost to the next.")]
Limit = Annotated[str | None, typer.Option("--margin-limit", help="What all groups together may bind, in quote.")]
MaxGroups = Annotated[int | None, typer.Option(help="How many groups at a time.")]
File = Annotated[
    Path | None, typer.Option("--file", "-f", help="The whole request as a JSON or TOML file; flags stand above it.")
]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    group = typer.Typer(no_args_is_help=True, help="Bots: make, watch, start, stop.")
    commands = (create, list_all, show, start, stop, delete, preview, signal, journal)
    for command in commands:
        group.command(command.__name__.removesuffix("_all"))(command)
    app.add_typer(group, name="bots", rich_help_panel="Trading")


def create(
    *,
    name: Annotated[str | None, typer.Option("--name", "-n", help="Your name for it.")] = None,
    connection: Connection = "",
    symbol: Annotated[
        list[str] | None, typer.Option("--symbol", "-s", help="BTC/USDT; more than once for more.")
    ] = None,
    preset: PresetOption = None,
    base_order: BaseOrder = None,
    add_on: AddOn = None,
    max_add_ons: MaxAddOns = None,
    step: Step = None,
    take_profit: TakeProfit = None,
    step_scale: StepScale = None,
    volume_scale: VolumeScale = None,
    margin_limit: Limit = None,
    max_groups: MaxGroups = None,
    file: File = None,
    start_it: Annotated[bool, typer.Option("--start", help="Start it at once.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make a bot. See first what it would do: backfuture bots preview."""
    api = gateway()
    strategy = _strategy(
        max_add_ons,
        base_order_quote=("--base-order", base_order),
        add_on_quote=("--add-on", add_on),
        step_percent=("--step", step),
        take_profit_percent=("--take-profit", take_profit),
        step_scale=("--step-scale", step_scale),
        volume_scale=("--volume-scale", volume_scale),
    )
    draft = _draft(file, strategy, preset, margin_limit, max_groups)
    draft.update({k: v for k, v in {"name": name, "symbols": symbol or None}.items() if v is not None})
    if connection or "connection_id" not in draft:
        draft["connection_id"] = lookup.connection(api, connection or _missing("--connection")).id
    for field, flag in (("name", "--name"), ("symbols", "--symbol")):
        if field not in draft:
            _missing(flag)
    made = api.post("/bots", Bot, draft)
    if start_it:
        made = api.post(f"/bots/{made.id}/start", Bot)
    print_json(made) if as_json else print_line(f"made {made.name} ({made.id}), {made.status}")


def list_all(*, as_json: AsJson = False) -> None:
    """List your bots."""
    found = gateway().items("/bots", Bot)
    if as_json:
        print_json(found)
        return
    columns = [*left("Name", "Exchange", "Symbols", "Status"), *right("Open", "Closed", "Result", "Limit"), *left("Id")]
    rows = [
        (b.name, b.exchange, ", ".join(b.symbols), Text(b.status, style=BOT_STYLES.get(b.status, "cyan")),
         str(b.groups_open), str(b.groups_closed), gain(b.realised_quote), figure(b.margin_limit_quote, 2),
         Text(b.id, style="dim"))
        for b in found
    ]  # fmt: skip
    print_table(columns, rows, "no bots yet; make one: backfuture bots create --help")


def show(which: Which, *, as_json: AsJson = False) -> None:
    """Show one bot: how it is configured, what it does."""
    bot = lookup.bot(gateway(), which)
    if as_json:
        print_json(bot)
        return
    dca = bot.strategy
    rows: list[tuple[str | Text, ...]] = [
        ("Status", Text(bot.status, style=BOT_STYLES.get(bot.status, "cyan"))),
        ("Markets", f"{', '.join(bot.symbols)} on {bot.exchange}"),
        ("Entry", f"{figure(dca.base_order_quote)} quote"),
        ("Add-ons", f"{dca.max_add_ons}, from {figure(dca.add_on_quote)}, volume x {figure(dca.volume_scale)}"),
        ("Zones", f"from {figure(dca.step_percent)} %, step x {figure(dca.step_scale)}"),
        ("Target", f"{figure(dca.take_profit_percent)} % net of fees"),
        ("Limits", f"{figure(bot.margin_limit_quote)} in all, {bot.max_active_groups} group(s) at a time"),
        ("Groups", f"{bot.groups_open} open, {bot.groups_closed} closed"),
        ("Result", gain(bot.realised_quote)),
    ]
    for title, trouble in (("Fault", bot.fault), ("Refused", bot.last_refusal)):
        if trouble:
            rows.append((title, Text(trouble, style="red")))
    print_table(left(bot.name, bot.id), rows, "")


def start(which: Which, *, as_json: AsJson = False) -> None:
    """Let a bot open groups."""
    _act(which, "start", as_json=as_json)


def stop(which: Which, *, as_json: AsJson = False) -> None:
    """Let a bot open no more groups and add nothing; open groups are still closed at their targets."""
    _act(which, "stop", as_json=as_json)


def delete(
    which: Which,
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Delete a bot that has no open group."""
    api = gateway()
    bot = lookup.bot(api, which)
    confirm(f"Delete the bot “{bot.name}”?", yes=yes)
    api.send("DELETE", f"/bots/{bot.id}")
    print_json({"deleted": bot.id}) if as_json else print_line(f"deleted {bot.name}")


def preview(
    symbol: Annotated[str, typer.Argument(help="BTC/USDT")],
    *,
    connection: Connection = "",
    preset: PresetOption = None,
    base_order: BaseOrder = None,
    add_on: AddOn = None,
    max_add_ons: MaxAddOns = None,
    step: Step = None,
    take_profit: TakeProfit = None,
    step_scale: StepScale = None,
    volume_scale: VolumeScale = None,
    margin_limit: Limit = None,
    max_groups: MaxGroups = None,
    price: Annotated[str | None, typer.Option(help="Entry price to calculate with; the newest if left out.")] = None,
    as_json: AsJson = False,
) -> int:
    """Show every order that a bot would place, and what stands against it. Changes nothing."""
    api = gateway()
    strategy = _strategy(
        max_add_ons,
        base_order_quote=("--base-order", base_order),
        add_on_quote=("--add-on", add_on),
        step_percent=("--step", step),
        take_profit_percent=("--take-profit", take_profit),
        step_scale=("--step-scale", step_scale),
        volume_scale=("--volume-scale", volume_scale),
    )
    draft = _draft(None, strategy, preset, margin_limit, max_groups)
    draft["connection_id"] = lookup.connection(api, connection or _missing("--connection")).id
    draft["symbol"] = symbol
    if price is not None:
        draft["price"] = _number("--price", price)
    found = api.post("/bots/preview", Preview, draft)
    if as_json:
        print_json(found)
    else:
        _print_preview(found)
    return Exit.REFUSED if found.problems else Exit.OK


class Intent(StrEnum):
    """What a signal asks for."""

    AUTO = "auto"
    ENTRY = "entry"
    ADD_ON = "add_on"


def signal(
    which: Which,
    symbol: Annotated[str, typer.Argument(help="BTC/USDT")],
    *,
    intent: Annotated[Intent, typer.Option(help="auto: an add-on when there is a group, else an entry.")] = Intent.AUTO,
    as_json: AsJson = False,
) -> None:
    """Hand an idea to a bot; what its rules make of it stands in its decisions."""
    api = gateway()
    bot = lookup.bot(api, which)
    sent = api.post(f"/bots/{bot.id}/signals", SignalView, {"symbol": symbol, "intent": intent.value})
    print_json(sent) if as_json else print_line(f"{bot.name}: asked; see what it decides: backfuture decisions")


def journal(
    which: Which,
    *,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=500, help="How many of the newest.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Show what came in and what followed from it, step by step."""
    api = gateway()
    bot = lookup.bot(api, which)
    found = api.items(f"/bots/{bot.id}/journal", JournalEntry, limit=limit)
    if as_json:
        print_json(found)
        return
    rows = [
        (str(entry.seq), moment(entry.at_ms), str(entry.event.get("kind", "")),
         ", ".join(str(fact.get("fact", "")).replace("_", " ") for fact in entry.facts))
        for entry in found
    ]  # fmt: skip
    print_table([*right("Step"), *left("Time", "Came in", "Followed")], rows, "nothing has happened yet")


def _act(which: str, verb: str, *, as_json: bool) -> None:
    api = gateway()
    bot = lookup.bot(api, which)
    changed = api.post(f"/bots/{bot.id}/{verb}", Bot)
    print_json(changed) if as_json else print_line(f"{changed.name}: {changed.status}")


def _print_preview(found: Preview) -> None:
    print_line(f"{found.symbol} at {figure(found.price)} ({found.price_from})")
    columns = [*left("Order"), *right("Depth %", "Price", "Cost", "Total", "Average", "Target", "Drawdown %")]
    rows = [
        ("entry" if s.number == 0 else f"add-on {s.number}", figure(s.deviation_percent, 2), figure(s.price),
         figure(s.quote, 2), figure(s.total_quote, 2), price_of(s.average), price_of(s.target),
         figure(s.drawdown_percent, 2))
        for s in found.steps
    ]  # fmt: skip
    print_table(columns, rows, "no orders")
    full = f"{figure(found.full_ladder_quote, 2)} for one full ladder, {figure(found.ladder_multiple, 2)} x the entry"
    print_line(f"{full}; limit {figure(found.margin_limit_quote, 2)}")
    for warning in found.warnings:
        print_line(Text(f"! {warning}", style="yellow"))
    for problem in found.problems:
        print_line(Text(f"✗ {problem.message} {problem.hint}", style="red"))
    if not found.problems:
        console().print(Text("✓ this bot could be made now", style="green"))


def _strategy(max_add_ons: int | None, **numbers: tuple[str, str | None]) -> dict[str, object]:
    """Return the strategy's fields that were given; ``numbers`` are flag and text of each."""
    given: dict[str, object] = {name: _number(flag, text) for name, (flag, text) in numbers.items() if text is not None}
    return given if max_add_ons is None else {**given, "max_add_ons": max_add_ons}


def _draft(
    file: Path | None, strategy: dict[str, object], preset: Preset | None, limit: str | None, max_groups: int | None
) -> dict[str, object]:
    draft = _from_file(file) if file else {}
    old = draft.get("strategy")
    if strategy or isinstance(old, dict):
        draft["strategy"] = {"kind": "dca", **(old if isinstance(old, dict) else {}), **strategy}
    if preset is not None:
        draft["preset"] = preset.value
    if limit is not None:
        draft["margin_limit_quote"] = _number("--margin-limit", limit)
    if max_groups is not None:
        draft["max_active_groups"] = max_groups
    return draft


def _from_file(path: Path) -> dict[str, object]:
    try:
        text = path.read_text()
        found = tomllib.loads(text) if path.suffix == ".toml" else json.loads(text, parse_float=Decimal)
    except (OSError, ValueError) as error:
        raise CliError(f"{path} cannot be read: {error}", exit_code=Exit.BAD_INPUT) from None
    if not isinstance(found, dict):
        raise CliError(f"{path} does not hold one bot", "write a JSON object or TOML", exit_code=Exit.BAD_INPUT)
    return found


def _number(flag: str, text: str) -> str:
    """Return the number as it was typed, once it is one; amounts travel as text."""
    try:
        fits = Decimal(text).is_finite()
    except ArithmeticError:
        fits = False
    if not fits:
        raise CliError(f"{flag}: {text} is not a number", "write 0.5, not 0,5 or 50%", exit_code=Exit.BAD_INPUT)
    return text


def _missing(flag: str) -> str:
    raise CliError(f"{flag} is missing", "see `backfuture bots create --help`", exit_code=Exit.BAD_INPUT)
