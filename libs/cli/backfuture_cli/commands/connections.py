"""exchanges, and connections add, list, show, test, remove."""

from typing import Annotated

import typer
from rich.text import Text

from backfuture_cli import lookup
from backfuture_cli.api.client import Gateway
from backfuture_cli.api.views import Connection, Exchange
from backfuture_cli.commands.testview import STATUS_STYLES, TestRun, exit_code_of, steps_table, verdict_line
from backfuture_cli.context import gateway
from backfuture_cli.credential import read_credential
from backfuture_cli.exits import CliError, Exit
from backfuture_cli.output import AsJson, confirm, console, left, print_json, print_line, print_table, when

_TEST_WITHIN_S = 60.0
Which = Annotated[str, typer.Argument(help="Name or id of the connection.")]
Wait = Annotated[bool, typer.Option("--wait/--no-wait", help="Show the test until it ends.")]
Within = Annotated[float, typer.Option("--timeout", min=1, help="How long to wait for the test, in seconds.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("exchanges", rich_help_panel="Trading")(exchanges)
    group = typer.Typer(no_args_is_help=True, help="Your keys at exchanges: add, test, remove.")
    for name, command in (("add", add), ("list", list_all), ("show", show), ("test", run_test), ("remove", remove)):
        group.command(name)(command)
    app.add_typer(group, name="connections", rich_help_panel="Trading")


def exchanges(*, as_json: AsJson = False) -> None:
    """List the exchanges that connections can be made to."""
    found = gateway().items("/exchanges", Exchange)
    if as_json:
        print_json(found)
        return
    rows = [
        (exchange.id, exchange.name, "paper" if exchange.paper else "real money",
         "yes" if exchange.needs_passphrase else "no")
        for exchange in found
    ]  # fmt: skip
    print_table(left("Exchange", "Name", "Money", "Passphrase"), rows, "none")


def add(
    exchange: Annotated[str, typer.Argument(help="Where the key is from, as in `backfuture exchanges`.")] = "",
    *,
    exchange_option: Annotated[str, typer.Option("--exchange", "-e", help="The same as an option.")] = "",
    name: Annotated[str, typer.Option("--name", "-n", help="Your name for it.")] = "",
    credential_stdin: Annotated[bool, typer.Option(help="Read the key as JSON from standard input.")] = False,
    wait: Wait = True,
    timeout_s: Within = _TEST_WITHIN_S,
    as_json: AsJson = False,
) -> int:
    """Add a connection: the key goes into the key store, and is tested. Asks for the key; it is never an argument."""
    api = gateway()
    chosen = _exchange(api, exchange or exchange_option)
    asks_passphrase = chosen.needs_passphrase
    credential = read_credential(from_stdin=credential_stdin, asks_passphrase=asks_passphrase)
    body = {"name": name or chosen.name, "exchange": chosen.id, **credential.body()}
    made = api.post("/connections", Connection, body)
    return _finish_test(api, made, wait=wait, timeout_s=timeout_s, as_json=as_json)


def list_all(*, as_json: AsJson = False) -> None:
    """List your connections."""
    found = gateway().items("/connections", Connection)
    if as_json:
        print_json(found)
        return
    columns = left("Name", "Exchange", "Key", "Status", "Code", "Tested", "Id")
    rows = [
        (c.name, c.exchange, f"…{c.key_hint}", Text(c.status, style=STATUS_STYLES.get(c.status, "")), c.code or "",
         when(c.updated_ms), Text(c.id, style="dim"))
        for c in found
    ]  # fmt: skip
    print_table(columns, rows, "no connections yet; add one: backfuture connections add paper-kucoin")


def show(which: Which, *, as_json: AsJson = False) -> None:
    """Show one connection with the steps of its last test."""
    found = lookup.connection(gateway(), which)
    if as_json:
        print_json(found)
        return
    print_line(Text(f"{found.name}", style="bold") + Text(f"  {found.exchange}  key …{found.key_hint}  {found.id}"))
    console().print(steps_table(found.steps))
    print_line(verdict_line(found))
    if found.rights:
        print_line(Text(f"rights: {', '.join(found.rights)}", style="dim"))


def run_test(which: Which, *, wait: Wait = True, timeout_s: Within = _TEST_WITHIN_S, as_json: AsJson = False) -> int:
    """Test a connection anew and show each step. Exit code 0: online, 6: refused, 7: a problem of the key."""
    api = gateway()
    found = lookup.connection(api, which)
    started = api.post(f"/connections/{found.id}/test", Connection)
    return _finish_test(api, started, wait=wait, timeout_s=timeout_s, as_json=as_json)


def remove(
    which: Which,
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Remove a connection and destroy its key."""
    api = gateway()
    found = lookup.connection(api, which)
    confirm(f"Destroy the key of “{found.name}” ({found.exchange}, …{found.key_hint})?", yes=yes)
    api.send("DELETE", f"/connections/{found.id}")
    if as_json:
        print_json({"removed": found.id})
    else:
        print_line(f"removed {found.name}; its key is destroyed")


def _exchange(api: Gateway, wanted: str) -> Exchange:
    found = api.items("/exchanges", Exchange)
    for exchange in found:
        if exchange.id == wanted:
            return exchange
    raise CliError(
        f"there is no exchange {wanted} here" if wanted else "the exchange is missing",
        f"choose from: {', '.join(exchange.id for exchange in found)}",
        exit_code=Exit.NOT_FOUND if wanted else Exit.BAD_INPUT,
    )


def _finish_test(api: Gateway, started: Connection, *, wait: bool, timeout_s: float, as_json: bool) -> int:
    if not wait:
        print_json(started) if as_json else print_line(f"{started.name} is being tested ({started.id})")
        return Exit.OK
    run = TestRun(api, started.id, started.test_id)
    if as_json:
        ended = run.follow_silently(timeout_s)
        print_json(ended)
    else:
        ended = run.follow_live(timeout_s)
        print_line(verdict_line(ended))
    return exit_code_of(ended)
