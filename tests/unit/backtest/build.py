"""Tapes and runs for tests: small, and dull on purpose."""

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from backfuture_common.contracts.backtest import Assumptions, BacktestRequest, BacktestResult, DataFile
from backfuture_common.domain.ids import Symbol
from backfuture_common.messages.bots import BotSpec
from backfuture_common.messages.market import Instrument
from backfuture_engine.backtest.run import backtest
from backfuture_engine.backtest.simulate import Happened, Simulation
from backfuture_engine.backtest.tape import Tape

from tests.unit.engine.build import ETH, START_MS, D, instrument, spec

MINUTE_MS = 60_000


def tape(asks: Sequence[int], *, every_ms: int = MINUTE_MS, spread: int = 0, points: int = 1, **more: object) -> Tape:
    """Return a tape of prices in steps, one every minute unless told otherwise."""
    prices = np.array(asks, dtype=np.int64)
    market = more.pop("instrument", None) or instrument()
    assert isinstance(market, Instrument)
    values: dict[str, object] = {"quiet_ms": every_ms * 10}
    return Tape(
        instrument=market,
        at_ms=START_MS + every_ms * np.arange(len(prices), dtype=np.int64),
        bid=prices - spread,
        ask=prices,
        points=points,
        **(values | more),  # type: ignore[arg-type]  # keyword by keyword
    )


def usual(**changes: object) -> Assumptions:
    return Assumptions(**({"balance_quote": D(10_000)} | changes))  # type: ignore[arg-type]  # keyword by keyword


def simulated(
    tapes: Tape | dict[Symbol, Tape], *bots: BotSpec, assumptions: Assumptions | None = None
) -> tuple[Simulation, list[Happened]]:
    """Let bots live on tapes; return how it ended and every step."""
    steps: list[Happened] = []
    by_symbol = tapes if isinstance(tapes, dict) else {ETH: tapes}
    simulation = Simulation(bots or (spec(),), by_symbol, assumptions or usual(), steps.append)
    simulation.run()
    return simulation, steps


def candles_file(folder: Path, rows: Sequence[Sequence[float]], name: str = "ethusdt_1m.parquet") -> DataFile:
    """Write candles (open, high, low, close), a minute each, and return them as data."""
    columns = list(zip(*rows, strict=True))
    table: dict[str, object] = {"ts": [START_MS + MINUTE_MS * row for row in range(len(rows))]}
    table |= {title: list(column) for title, column in zip(("open", "high", "low", "close"), columns, strict=True)}
    pq.write_table(pa.table(table), folder / name)  # type: ignore[no-untyped-call]  # pyarrow has no types
    return DataFile(path=str(folder / name))


def outcome(*data: DataFile, bots: Sequence[BotSpec] = (), **assumed: object) -> BacktestResult:
    return backtest(BacktestRequest(bots=tuple(bots) or (spec(),), data=data, assumptions=usual(**assumed)))


def flat(price: str | int | Decimal) -> list[float]:
    return [float(price)] * 4
