"""backtest: bots on recorded prices, by the engine that trades live."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from backfuture_common.contracts.backtest import (
    Assumptions,
    BacktestRequest,
    BacktestResult,
    DataFile,
    FeeCoin,
    Figures,
    PathModel,
)
from backfuture_common.domain.ids import BotId, Symbol
from backfuture_common.messages.bots import BotSpec
from backfuture_common.messages.codec import encode
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from backfuture_cli import lookup
from backfuture_cli.botfile import bot_from, bot_from_file
from backfuture_cli.context import gateway
from backfuture_cli.exits import CliError, Exit
from backfuture_cli.offline import OnProgress, ask
from backfuture_cli.output import AsJson, figure, gain, left, price_of, print_json, print_line, print_table, right, when

_PPM_OF_A_PERCENT = 10_000
_SHOWN = 15

Files = Annotated[list[Path] | None, typer.Option("--bot", "-b", help="A bot as a JSON or TOML file; may be repeated.")]
Ids = Annotated[list[str] | None, typer.Option("--bot-id", help="Name or id of one of your bots; may be repeated.")]
Data = Annotated[
    list[str] | None,
    typer.Option("--data", "-d", help="Parquet or CSV file, a folder of them, or BTC/USDT=FILE; may be repeated."),
]
From = Annotated[str | None, typer.Option("--from", help="First day or moment (UTC): 2024-01-31 or 2024-01-31T12:00.")]
To = Annotated[str | None, typer.Option("--to", help="End (UTC), left out itself.")]
Balance = Annotated[str, typer.Option(help="What each account begins with, in quote currency.")]
Path_ = Annotated[str, typer.Option("--path", help="Inside a candle: auto, low-first, high-first, close, open.")]
Percent = Annotated[str, typer.Option(help="In percent of the price.")]
Latency = Annotated[int, typer.Option(min=0, max=3_600_000, help="Ms from a decision to the exchange, and back.")]
Fee = Annotated[str | None, typer.Option(help="Takers' fee in percent; else the market's, or 0.1.")]
FeeIn = Annotated[str | None, typer.Option(help="quote, or received (as MEXC does); else as the bot's exchange does.")]
Amount = Annotated[str | None, typer.Option(help="Instead of the market's own.")]
Report = Annotated[Path | None, typer.Option("--report", help="Write a page with charts to this HTML file.")]
JournalFile = Annotated[
    Path | None, typer.Option("--journal", help="Write the bots' journal, for `backfuture replay`.")
]


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command(rich_help_panel="Without the platform")(backtest)


def backtest(
    *,
    bot: Files = None,
    bot_id: Ids = None,
    data: Data = None,
    from_: From = None,
    to: To = None,
    balance: Balance = "10000",
    path: Path_ = "auto",
    spread: Percent = "0",
    slippage: Percent = "0",
    latency_ms: Latency = 0,
    fee: Fee = None,
    fee_in: FeeIn = None,
    price_step: Amount = None,
    amount_step: Amount = None,
    min_cost: Amount = None,
    report: Report = None,
    journal: JournalFile = None,
    as_json: AsJson = False,
) -> int:
    """Let bots trade on recorded prices, with the code that trades live, and tell what came out."""
    bots = _bots(bot or [], bot_id or [])
    request = BacktestRequest(
        bots=bots,
        data=_data(data or []),
        from_ms=_moment("--from", from_),
        to_ms=_moment("--to", to),
        assumptions=Assumptions(
            balance_quote=_number("--balance", balance),
            path=_path(path),
            spread_ppm=_ppm("--spread", spread),
            slippage_ppm=_ppm("--slippage", slippage),
            latency_ms=latency_ms,
            fee_coin=_fee_coin(fee_in, bots),
            taker_fee=_number("--fee", fee) / 100 if fee is not None else None,
            price_step=_maybe("--price-step", price_step),
            amount_step=_maybe("--amount-step", amount_step),
            cost_min=_maybe("--min-cost", min_cost),
        ),
        report=str(report.absolute()) if report else None,
        journal=str(journal.absolute()) if journal else None,
    )
    with _bar(quiet=as_json) as bar:
        result = ask("backfuture_engine.backtest", encode(request), _shown_on(bar))
    if not isinstance(result, BacktestResult):
        raise CliError("the engine answered something else than a backtest")
    _print(result, report, as_json=as_json)
    return Exit.OK


# ---------------------------------------------------------------------------------------- input


def _bots(files: list[Path], ids: list[str]) -> tuple[BotSpec, ...]:
    if not files and not ids:
        raise CliError(
            "no bot is given", "name a file with --bot, or one of your bots with --bot-id", exit_code=Exit.BAD_INPUT
        )
    bots = [bot_from_file(file) for file in files]
    if ids:
        api = gateway()
        for wanted in ids:
            found = lookup.bot(api, wanted)
            answer = msgspec.json.decode(api.raw("GET", f"/bots/{found.id}").content, type=dict[str, object])
            bots.append(bot_from(answer, found.name, found.name))
    seen: dict[str, int] = {}
    for number, one in enumerate(bots):
        seen[one.bot_id] = seen.get(one.bot_id, 0) + 1
        if seen[one.bot_id] > 1:
            bots[number] = msgspec.structs.replace(one, bot_id=BotId(f"{one.bot_id}-{seen[one.bot_id]}"))
    return tuple(bots)


def _data(given: list[str]) -> tuple[DataFile, ...]:
    if not given:
        raise CliError(
            "no prices are given",
            "name a parquet or CSV file with --data",
            exit_code=Exit.BAD_INPUT,
        )
    files: list[DataFile] = []
    for text in given:
        symbol, separator, name = text.partition("=")
        path = Path(name if separator and "/" in symbol else text).absolute()
        told = Symbol(symbol) if separator and "/" in symbol else None
        if path.is_dir():
            inside = sorted(one for one in path.iterdir() if one.name.endswith((".parquet", ".csv", ".csv.gz")))
            if not inside:
                raise CliError(f"there are no parquet or CSV files in {path}", exit_code=Exit.NOT_FOUND)
            files += (DataFile(path=str(one), symbol=told) for one in inside)
        else:
            files.append(DataFile(path=str(path), symbol=told))
    return tuple(files)


def _moment(flag: str, text: str | None) -> int | None:
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise CliError(
            f"{flag}: {text} is no date", "write 2024-01-31 or 2024-01-31T12:00", exit_code=Exit.BAD_INPUT
        ) from None
    return round((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)


def _number(flag: str, text: str) -> Decimal:
    try:
        value = Decimal(text)
    except ArithmeticError:
        value = Decimal("NaN")
    if not value.is_finite() or value < 0:
        raise CliError(f"{flag}: {text} is not a number", "write 0.5, not 0,5 or 50%", exit_code=Exit.BAD_INPUT)
    return value


def _maybe(flag: str, text: str | None) -> Decimal | None:
    if text is None:
        return None
    value = _number(flag, text)
    if not value:
        raise CliError(f"{flag} is above zero", exit_code=Exit.BAD_INPUT)
    return value


def _ppm(flag: str, text: str) -> int:
    parts = _number(flag, text) * _PPM_OF_A_PERCENT
    if parts != int(parts) or parts > 100_000:
        raise CliError(f"{flag}: {text} is not between 0 and 10 percent in steps of 0.0001", exit_code=Exit.BAD_INPUT)
    return int(parts)


def _path(text: str) -> PathModel:
    try:
        return msgspec.convert({"path": text}, Assumptions).path
    except msgspec.ValidationError:
        choices = "auto, low-first, high-first, close, open"
        raise CliError(f"--path: {text} is none of {choices}", exit_code=Exit.BAD_INPUT) from None


def _fee_coin(text: str | None, bots: tuple[BotSpec, ...]) -> FeeCoin:
    if text is None:
        return "received" if bots[0].exchange.endswith("mexc") else "quote"
    try:
        return msgspec.convert({"fee_coin": text}, Assumptions).fee_coin
    except msgspec.ValidationError:
        raise CliError(f"--fee-in: {text} is neither quote nor received", exit_code=Exit.BAD_INPUT) from None


# ---------------------------------------------------------------------------------------- output


def _bar(*, quiet: bool) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
        disable=quiet or not Console(stderr=True).is_terminal,
    )


def _shown_on(bar: Progress) -> OnProgress:
    task = bar.add_task("starting", total=1_000)

    def show(done: int, what: str) -> None:
        bar.update(task, completed=done, description=what)

    return show


def _print(result: BacktestResult, report: Path | None, *, as_json: bool) -> None:
    if as_json:
        print_json(result)
        return
    names = ", ".join(bot.name for bot in result.bots)
    print_line(Text(f"{names}: {when(result.from_ms)} to {when(result.to_ms)}, {result.rows:,} rows", style="bold"))
    print_table([*left("Figure"), *right("Value")], _figures(result.figures, result.quote), "no figures")
    rows = [
        (when(g.opened_ms), g.symbol, g.bot, str(g.add_ons), figure(g.bought_cost, 2), price_of(g.average),
         gain(g.result_quote, 2), (g.close_reason or "still open").replace("_", " "))
        for g in result.groups[-_SHOWN:]
    ]  # fmt: skip
    print_line(f"\nThe last {len(rows)} of {len(result.groups)} groups")
    columns = [*left("Opened", "Symbol", "Bot"), *right("Add-ons", "Bought for", "Average", "Result"), *left("End")]
    print_table(columns, rows, "no group was opened")
    for warning in result.warnings:
        print_line(Text(f"! {warning}", style="yellow"))
    for one in result.data:
        for gap in one.gaps:
            print_line(Text(f"  {one.symbol}: no prices from {when(gap.from_ms)} to {when(gap.to_ms)}", style="dim"))
    if report:
        print_line(f"The report: {report}")


def _figures(f: Figures, quote: str) -> list[tuple[str, Text | str]]:
    return [
        (f"realised {quote}", gain(f.profit_quote, 2)),
        ("  in percent of the balance", gain(f.profit_percent, 2)),
        (f"in open groups {quote}", gain(f.unrealised_quote, 2)),
        (f"worth at the end {quote}", figure(f.final_equity_quote, 2)),
        ("largest drawdown", f"{figure(f.max_drawdown_quote, 2)} ({figure(f.max_drawdown_percent, 2)} %)"),
        ("groups closed / open", f"{f.groups_closed} / {f.groups_open}"),
        ("won %", figure(f.win_rate_percent, 1) or "–"),
        ("profit factor", figure(f.profit_factor, 2) or "–"),
        ("worst closed group", figure(f.worst_group_quote, 2) or "–"),
        ("best closed group", figure(f.best_group_quote, 2) or "–"),
        ("add-ons", str(f.add_ons)),
        ("orders, of these unfilled", f"{f.orders} / {f.orders_unfilled}"),
        (f"bound at most / on average {quote}", f"{figure(f.max_bound_quote, 2)} / {figure(f.mean_bound_quote, 2)}"),
        ("time in the market %", figure(f.time_in_market_percent, 2)),
        (f"fees {quote}", figure(f.fees_quote, 2)),
    ]  # fmt: skip
