"""Files of prices, read into exact integer columns: candles, trades or quotes, from parquet or CSV.

Columns are known by their names. A price is taken as the shortest decimal that reads as the number in the file, so a
file of floats loses nothing.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
from backfuture_common.contracts.backtest import DataFile
from backfuture_common.domain.ids import Symbol
from backfuture_common.errors import Refused
from backfuture_common.messages.market import Instrument
from numpy.typing import NDArray

from backfuture_engine.backtest.tape import Ints

Kind = Literal["candles", "trades", "quotes"]
Floats: TypeAlias = NDArray[np.float64]
ArrowTable: TypeAlias = Any  # pyarrow has no types
ArrowColumn: TypeAlias = Any  # pyarrow has no types
SYMBOL_MARK, INSTRUMENT_MARK = b"backfuture.symbol", b"backfuture.instrument"
"""Keys in a parquet file's own metadata: a symbol as text, an instrument as JSON."""

_TIMES = ("at_ms", "ts", "timestamp", "time", "open_time", "timestamp_ms", "datetime", "date", "recv_us")
_KINDS: tuple[tuple[Kind, tuple[str, ...]], ...] = (
    ("candles", ("open", "high", "low", "close")),
    ("quotes", ("bid", "ask")),
    ("trades", ("price",)),
)
_PER_MS = {"us": 1_000, "ns": 1_000_000}
_MOST_DECIMALS = 12
_LARGEST = 2**53


@dataclass(frozen=True, slots=True)
class Series:
    """Prices of one market. ``columns`` are prices times 10 to the power of ``decimals``; times do not decrease."""

    symbol: Symbol
    path: str
    kind: Kind
    at_ms: Ints
    columns: dict[str, Ints]
    decimals: int
    instrument: Instrument | None

    def __len__(self) -> int:
        return len(self.at_ms)

    def part(self, from_ms: int | None, to_ms: int | None) -> "Series":
        """Return the rows of a time, its end left out."""
        first = 0 if from_ms is None else int(np.searchsorted(self.at_ms, from_ms, side="left"))
        last = len(self) if to_ms is None else int(np.searchsorted(self.at_ms, to_ms, side="left"))
        columns = {name: column[first:last] for name, column in self.columns.items()}
        return Series(
            self.symbol, self.path, self.kind, self.at_ms[first:last], columns, self.decimals, self.instrument
        )


def read(file: DataFile, wanted: Iterable[Symbol]) -> Series:
    """Read one file; Refused when it is not there, not of these formats, or not sound.

    ``wanted`` are the symbols that a file's name may stand for when neither the request nor the file tells.
    """
    path = Path(file.path)
    table = _table(path)
    names = {name.lower(): name for name in table.column_names}
    kind, prices = _kind_of(path, names)
    marks = table.schema.metadata or {}
    symbol = file.symbol or _symbol_of(path, marks, wanted)
    if not len(table):
        raise Refused("backtest.no_rows", f"{path} has no rows")
    at_ms = _times(path, table, names)
    columns, decimals = _exact(path, {name: _floats(path, table[names[name]], name) for name in prices})
    _check_order(path, kind, at_ms)
    instrument = _instrument(path, marks)
    return Series(symbol, str(path), kind, at_ms, columns, decimals, instrument)


def joined(parts: list[Series]) -> Series:
    """Return several files of one symbol as one; Refused when they overlap or do not belong together."""
    parts = sorted(parts, key=lambda part: int(part.at_ms[0]))
    first = parts[0]
    if len(parts) == 1:
        return first
    if any(part.kind != first.kind for part in parts):
        raise Refused("backtest.mixed_kinds", f"the files of {first.symbol} are of different kinds")
    decimals = max(part.decimals for part in parts)
    columns = {
        name: np.concatenate([part.columns[name] * 10 ** (decimals - part.decimals) for part in parts])
        for name in first.columns
    }
    at_ms = np.concatenate([part.at_ms for part in parts])
    names = ", ".join(part.path for part in parts)
    _check_order(Path(names), first.kind, at_ms)
    return Series(first.symbol, names, first.kind, at_ms, columns, decimals, first.instrument)


# ---------------------------------------------------------------------------------------- inside


def _table(path: Path) -> ArrowTable:
    if not path.is_file():
        raise Refused("backtest.no_file", f"there is no file {path}", "give the path of a parquet or CSV file")
    try:
        if path.suffix == ".parquet":
            return pa.parquet.read_table(path)  # type: ignore[no-untyped-call]  # pyarrow has no types
        if path.name.endswith((".csv", ".csv.gz")):
            return pa.csv.read_csv(path)
    except (pa.ArrowException, OSError) as error:
        raise Refused("backtest.unreadable", f"{path} cannot be read: {error}") from None
    raise Refused("backtest.unknown_format", f"{path} is neither .parquet nor .csv nor .csv.gz")


def _kind_of(path: Path, names: dict[str, str]) -> tuple[Kind, tuple[str, ...]]:
    for kind, wanted in _KINDS:
        if all(name in names for name in wanted):
            return kind, wanted
    raise Refused(
        "backtest.wrong_columns",
        f"{path} has the columns {', '.join(names.values())}",
        "candles need open, high, low, close; trades price; quotes bid and ask; each of them a time (ts)",
    )


def _symbol_of(path: Path, marks: dict[bytes, bytes], wanted: Iterable[Symbol]) -> Symbol:
    if SYMBOL_MARK in marks:
        return Symbol(marks[SYMBOL_MARK].decode())
    name = re.sub(r"[^a-z0-9]", "", path.name.lower())
    found = [symbol for symbol in wanted if name.startswith(symbol.lower().replace("/", ""))]
    if len(found) == 1:
        return found[0]
    hint = f"say it: --data BTC/USDT={path}"
    raise Refused("backtest.unknown_symbol", f"neither {path} nor its name tells one of the bots' symbols", hint)


def _instrument(path: Path, marks: dict[bytes, bytes]) -> Instrument | None:
    if INSTRUMENT_MARK not in marks:
        return None
    try:
        return msgspec.json.decode(marks[INSTRUMENT_MARK], type=Instrument)
    except msgspec.MsgspecError as error:
        raise Refused("backtest.bad_instrument", f"{path} tells a market that cannot be read: {error}") from None


def _times(path: Path, table: ArrowTable, names: dict[str, str]) -> Ints:
    name = next((name for name in _TIMES if name in names), None)
    if name is None:
        raise Refused("backtest.wrong_columns", f"{path} has no column of times", f"one of {', '.join(_TIMES)}")
    column = table[names[name]]
    if column.null_count:
        raise Refused("backtest.empty_cells", f"{path} has rows without a time")
    if pa.types.is_timestamp(column.type):
        return np.asarray(column.cast(pa.timestamp("ms"), safe=False).cast(pa.int64()).to_numpy(), dtype=np.int64)
    if pa.types.is_date(column.type):
        return np.asarray(column.cast(pa.timestamp("ms")).cast(pa.int64()).to_numpy(), dtype=np.int64)
    if not (pa.types.is_integer(column.type) or pa.types.is_floating(column.type)):
        raise Refused("backtest.wrong_columns", f"{path}: the times in {name} are neither numbers nor dates")
    return _in_ms(np.asarray(column.to_numpy()).astype(np.int64))


def _in_ms(raw: Ints) -> Ints:
    """Return times in ms, from whatever unit makes them lie in this age."""
    newest = int(raw.max())
    if newest < 10**11:
        return raw * 1_000
    if newest < 10**14:
        return raw
    return raw // _PER_MS["us" if newest < 10**17 else "ns"]


def _floats(path: Path, column: ArrowColumn, name: str) -> Floats:
    try:
        values = np.asarray(column.cast(pa.float64(), safe=False).to_numpy(), dtype=np.float64)
    except pa.ArrowException:
        raise Refused("backtest.wrong_columns", f"{path}: the column {name} does not hold numbers") from None
    if not np.isfinite(values).all() or (values <= 0).any():
        raise Refused("backtest.bad_prices", f"{path}: {name} has rows that are empty, zero or below")
    return values


def _exact(path: Path, columns: dict[str, Floats]) -> tuple[dict[str, Ints], int]:
    """Return the columns as integers, and how many decimals their numbers have."""
    for decimals in range(_MOST_DECIMALS + 1):
        factor = 10.0**decimals
        whole = {name: np.rint(values * factor) for name, values in columns.items()}
        if all(
            bool((rounded / factor == columns[name]).all()) and rounded.max() < _LARGEST
            for name, rounded in whole.items()
        ):
            return {name: rounded.astype(np.int64) for name, rounded in whole.items()}, decimals
    raise Refused("backtest.bad_prices", f"{path}: its prices have more than {_MOST_DECIMALS} decimals")


def _check_order(path: Path, kind: Kind, at_ms: Ints) -> None:
    steps = np.diff(at_ms)
    wrong = np.flatnonzero(steps <= 0 if kind == "candles" else steps < 0)
    if len(wrong):
        row = int(wrong[0]) + 1
        raise Refused("backtest.out_of_order", f"{path}: row {row + 1} is not later than the row before it")
