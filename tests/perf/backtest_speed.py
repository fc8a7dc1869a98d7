"""How fast a backtest is: ``python -m tests.perf.backtest_speed [FILE.npy]``. Measures, asserts nothing.

One bot, one market, a year of minutes: base order 100, eight add-ons (1 % x 1.15 apart, x 1.4), 1 % over the average,
acting on opens only. A file of rows (time, open, high, low, close, volume) goes in the place of the generated candles,
so that other programs can be measured on the same ones; a ratio counts only if groups and add-ons agree.
"""

import random
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from backfuture_common.contracts.backtest import Assumptions, BacktestRequest, DataFile
from backfuture_engine.backtest.run import backtest

from tests.unit.engine.build import START_MS, D, spec, strategy

MINUTE_MS = 60_000
ROWS = 525_600
ROUNDS = 5


def generated() -> "np.ndarray[tuple[int, int], np.dtype[np.float64]]":
    """Return a wandering price that is pulled back to where it began, in cents."""
    luck, price = random.Random(42), 3_000_000.0  # noqa: S311  (a price, no secret)
    rows = np.empty((ROWS, 6))
    for number in range(ROWS):
        opening = round(price)
        price += price * luck.gauss(0, 0.001) - (price - 3_000_000) * 2e-5
        close = round(price)
        low, high = sorted((opening, close))
        rows[number] = (START_MS + number * MINUTE_MS, opening / 100, high / 100, low / 100, close / 100, 1)
    return rows


def main(file: str | None) -> None:
    """Run the bot some times and print rows a second, in processor time and by the clock, load and figures included."""
    rows = np.load(file) if file else generated()
    dca = strategy(
        base_order_quote=D(100), add_on_quote=D(100), max_add_ons=8, step_percent=D(1), step_scale=D("1.15"),
        volume_scale=D("1.4"), min_improvement_percent=D(0), min_gap_percent=D(0), group_cooldown_ms=MINUTE_MS,
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "ethusdt_1m.parquet"
        names = ("open", "high", "low", "close")
        table = {"ts": rows[:, 0].astype(np.int64)} | {name: rows[:, at] for at, name in enumerate(names, 1)}
        pq.write_table(pa.table(table), data)  # type: ignore[no-untyped-call]  # pyarrow has no types
        request = BacktestRequest(
            bots=(spec(dca, margin_limit_quote=D(100_000)),),
            data=(DataFile(path=str(data)),),
            from_ms=int(rows[1, 0]),
            assumptions=Assumptions(balance_quote=D(1_000_000), path="open", taker_fee=D(0)),
        )
        for _ in range(ROUNDS):
            cpu_s, wall_s = time.process_time(), time.perf_counter()
            result = backtest(request)
            cpu_s, wall_s = time.process_time() - cpu_s, time.perf_counter() - wall_s
            sys.stdout.write(
                f"{result.rows} rows, {result.figures.groups_closed} groups, {result.figures.add_ons} add-ons: "
                f"{result.rows / cpu_s:,.0f} rows/s of CPU, {result.rows / wall_s:,.0f} rows/s by the clock\n"
            )


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else None)
