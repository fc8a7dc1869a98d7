"""One backtest from request to result."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from backfuture_common.contracts.backtest import BacktestRequest, BacktestResult, DataUsed
from backfuture_common.domain.ids import Symbol
from backfuture_common.errors import Refused
from backfuture_common.messages.bots import BotSpec
from backfuture_common.messages.codec import encode
from backfuture_common.messages.journal import JournalRecord

from backfuture_engine.backtest.books import Books
from backfuture_engine.backtest.equity import Equity
from backfuture_engine.backtest.figures import bot_figures, figures
from backfuture_engine.backtest.files import Series, joined, read
from backfuture_engine.backtest.report import page
from backfuture_engine.backtest.simulate import Happened, Simulation
from backfuture_engine.backtest.tape import Tape
from backfuture_engine.backtest.tapes import tape_of, used
from backfuture_engine.backtest.venue import Moved
from backfuture_engine.core.margin import refusal

OnProgress = Callable[[int, str], None]


def backtest(request: BacktestRequest, on_progress: OnProgress = lambda _done, _what: None) -> BacktestResult:
    """Run a backtest and write the journal that was asked for. ``on_progress`` hears thousandths and what is done.

    Refused with a reason when data or bots are not sound.
    """
    begun_s = time.perf_counter()
    _check_bots(request)
    series = _series(request, on_progress)
    exchange = request.bots[0].exchange
    tapes = {symbol: tape_of(one, request.assumptions, exchange) for symbol, one in series.items()}
    run = _Run(request, tapes)
    run.live(on_progress)
    on_progress(950, "adding up")
    result = run.result(tuple(map(used, series.values())), begun_s)
    if request.report is not None:
        on_progress(980, "writing the report")
        _write(Path(request.report), page(result, tapes))
    return result


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise Refused("backtest.unwritable", f"the report cannot be written: {error}") from None


def _check_bots(request: BacktestRequest) -> None:
    if not request.bots:
        raise Refused("backtest.no_bots", "there is no bot to test")
    if len({bot.bot_id for bot in request.bots}) != len(request.bots):
        raise Refused("backtest.same_bot_twice", "two bots have the same id")
    if len({bot.exchange for bot in request.bots}) != 1:
        raise Refused(
            "backtest.several_exchanges", "one run is one exchange; test bots of another in a run of their own"
        )
    for bot in request.bots:
        reason = refusal(bot)
        if reason is not None:
            raise Refused("backtest.bot_refused", f"{bot.name}: {reason}")
    if request.assumptions.balance_quote <= 0:
        raise Refused("backtest.no_balance", "the opening balance is above zero")


def _series(request: BacktestRequest, on_progress: OnProgress) -> dict[Symbol, Series]:
    wanted = tuple(dict.fromkeys(symbol for bot in request.bots for symbol in bot.symbols))
    found: dict[Symbol, list[Series]] = {}
    for number, file in enumerate(request.data):
        on_progress(100 * number // len(request.data), f"reading {Path(file.path).name}")
        one = read(file, wanted)
        found.setdefault(one.symbol, []).append(one)
    missing = [symbol for symbol in wanted if symbol not in found]
    if missing:
        have = ", ".join(found) or "none"
        raise Refused("backtest.no_data", f"there are no prices of {', '.join(missing)}", f"the data has: {have}")
    cut = {symbol: joined(found[symbol]).part(request.from_ms, request.to_ms) for symbol in wanted}
    empty = [symbol for symbol, series in cut.items() if not len(series)]
    if empty:
        raise Refused("backtest.empty_range", f"the data of {', '.join(empty)} has no rows in that time")
    return cut


class _Run:
    """Bots, their tapes and the books about them."""

    def __init__(self, request: BacktestRequest, tapes: dict[Symbol, Tape]) -> None:
        self._request = request
        self._tapes = tapes
        self._books = Books()
        self._moves: list[Moved] = []

    def live(self, on_progress: OnProgress) -> None:
        """Let the bots live, and write their journal where one was asked for."""
        if self._request.journal is None:
            self._live(self._books.note, on_progress)
            return
        try:
            with Path(self._request.journal).open("wb") as file:
                journal = _Journal(file, self._request.bots)

                def note(step: Happened) -> None:
                    self._books.note(step)
                    journal.note(step)

                self._live(note, on_progress)
        except OSError as error:
            raise Refused("backtest.unwritable", f"the journal cannot be written: {error}") from None

    def result(self, data: tuple[DataUsed, ...], begun_s: float) -> BacktestResult:
        """Add everything up."""
        request, books, tapes = self._request, self._books, self._tapes
        names = {bot.bot_id: bot.name for bot in request.bots}
        opening = request.assumptions.balance_quote * len({bot.connection_id for bot in request.bots})
        bids = {symbol: tape.price(int(tape.bid[-1])) for symbol, tape in tapes.items()}
        groups = tuple(page.written(names[page.bot], bids[page.opened.symbol]) for page in books.traded())
        equity = Equity(opening, self._moves, tapes)
        span = min(one.from_ms for one in data), max(one.to_ms for one in data)
        return BacktestResult(
            quote=next(iter(tapes.values())).instrument.quote,
            from_ms=span[0],
            to_ms=span[1],
            assumptions=request.assumptions,
            data=data,
            bots=bot_figures(request.bots, groups, books.faults),
            figures=figures(books, groups, equity, opening, span),
            equity=equity.points(),
            groups=groups,
            warnings=_warnings(request.bots, data, books),
            orders_hash=books.orders_hash,
            rows=sum(one.rows for one in data),
            took_ms=round((time.perf_counter() - begun_s) * 1000),
        )

    def _live(self, on_step: Callable[[Happened], None], on_progress: OnProgress) -> None:
        start_ms = min(int(tape.at_ms[0]) for tape in self._tapes.values())
        length_ms = max(max(int(tape.at_ms[-1]) for tape in self._tapes.values()) - start_ms, 1)
        simulation = Simulation(self._request.bots, self._tapes, self._request.assumptions, on_step)
        simulation.run(lambda now_ms: on_progress(100 + 850 * (now_ms - start_ms) // length_ms, "running"))
        self._moves = simulation.venue.moves


def _warnings(bots: tuple[BotSpec, ...], data: tuple[DataUsed, ...], books: Books) -> tuple[str, ...]:
    gaps = [
        f"{one.symbol}: {one.gap_count} gaps in the data; no bot acts in a gap, and its first price may jump"
        for one in data
        if one.gap_count
    ]
    idle = {bot.bot_id: bot.name for bot in bots} if not books.orders else {}
    silent = [f"{name} placed no order at all" for name in idle.values()]
    faults = [
        f"{bot.name} stood still at the end: {books.faults[bot.bot_id]}" for bot in bots if bot.bot_id in books.faults
    ]
    return (*gaps, *silent, *faults)


class _Journal:
    """Writes every step as the live engine would journal it, one JSON record a line."""

    def __init__(self, file: BinaryIO, bots: tuple[BotSpec, ...]) -> None:
        self._file = file
        self._owners = {bot.bot_id: bot.owner for bot in bots}

    def note(self, step: Happened) -> None:
        if step.result.state is None:
            return
        record = JournalRecord(
            bot_id=step.bot,
            owner=self._owners[step.bot],
            seq=step.result.state.seq,
            event=step.event,
            context=step.ctx,
            facts=step.facts,
            cause=None,
            epoch=0,
        )
        self._file.write(encode(record) + b"\n")
