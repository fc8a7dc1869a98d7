"""Files of prices: what is read, and what is refused with which reason."""

import gzip
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from backfuture_common.contracts.backtest import DataFile
from backfuture_common.domain.ids import Symbol
from backfuture_common.errors import Refused
from backfuture_common.messages.codec import encode
from backfuture_engine.backtest.files import INSTRUMENT_MARK, SYMBOL_MARK, joined, read
from backfuture_engine.backtest.tapes import interval_of, tape_of, used

from tests.unit.backtest.build import MINUTE_MS, candles_file, flat, outcome, usual
from tests.unit.engine.build import ETH, EXCHANGE, START_MS, D, instrument, spec

WANTED = (Symbol("BTC/USDT"), ETH)


def written(folder: Path, text: str, name: str = "ETH-USDT.csv") -> DataFile:
    (folder / name).write_text(text)
    return DataFile(path=str(folder / name))


def code_of(data: DataFile, **more: object) -> str:
    with pytest.raises(Refused) as refusal:
        outcome(data, bots=(spec(),), **more)
    return refusal.value.info.code


def test_prices_are_read_to_the_last_digit(tmp_path: Path) -> None:
    series = read(candles_file(tmp_path, [[0.1, 0.30000001, 0.1, 0.2], flat("0.7")]), WANTED)
    assert (series.symbol, series.kind, series.decimals) == (ETH, "candles", 8)
    assert series.columns["high"].tolist() == [30_000_001, 70_000_000]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (START_MS, START_MS + MINUTE_MS),
        (START_MS // 1000, START_MS // 1000 + 60),
        (START_MS * 1000, (START_MS + MINUTE_MS) * 1000),
        ("2023-11-14 22:13:20", "2023-11-14 22:14:20"),
        ("2023-11-14T22:13:20Z", "2023-11-14T22:14:20Z"),
    ],
)
def test_times_of_any_unit_are_understood(tmp_path: Path, first: object, second: object) -> None:
    series = read(written(tmp_path, f"Time,Price\n{first},1\n{second},2\n"), WANTED)
    assert series.at_ms.tolist() == [START_MS, START_MS + MINUTE_MS]
    assert series.kind == "trades"


def test_packed_csv_and_quotes_are_read(tmp_path: Path) -> None:
    path = tmp_path / "ethusdt.csv.gz"
    path.write_bytes(gzip.compress(f"recv_us,bid,ask\n{START_MS * 1000},99.9,100.1\n".encode()))
    series = read(DataFile(path=str(path)), WANTED)
    tape = tape_of(series, usual(), EXCHANGE)
    assert (series.kind, tape.price(int(tape.bid[0])), tape.price(int(tape.ask[0]))) == (
        "quotes",
        D("99.9"),
        D("100.1"),
    )


def test_a_file_may_tell_its_market_itself(tmp_path: Path) -> None:
    market = instrument(price_step=D("0.5"), taker_fee=D("0.002"))
    marks = {SYMBOL_MARK: b"ETH/USDT", INSTRUMENT_MARK: encode(market)}
    table = pa.table({"ts": [START_MS], "price": [100.7]}).replace_schema_metadata(marks)
    pq.write_table(table, tmp_path / "x.parquet")  # type: ignore[no-untyped-call]  # pyarrow has no types
    series = read(DataFile(path=str(tmp_path / "x.parquet")), WANTED)
    tape = tape_of(series, usual(taker_fee=D("0.003")), EXCHANGE)
    assert tape.instrument.taker_fee == D("0.003")  # what the user says goes first
    assert (tape.price(int(tape.bid[0])), tape.price(int(tape.ask[0]))) == (D("100.5"), D(101))


def test_the_spread_moves_bid_and_ask_apart(tmp_path: Path) -> None:
    series = read(candles_file(tmp_path, [flat("2000.00")]), WANTED)
    tape = tape_of(series, usual(spread_ppm=1_000, price_step=D("0.01")), EXCHANGE)
    assert (tape.price(int(tape.bid[0])), tape.price(int(tape.ask[0]))) == (D(1999), D(2001))


@pytest.mark.parametrize(
    ("path", "prices"),
    [
        ("auto", [[10, 8, 12, 11], [11, 12, 7, 9]]),
        ("low-first", [[10, 8, 12, 11], [11, 7, 12, 9]]),
        ("high-first", [[10, 12, 8, 11], [11, 12, 7, 9]]),
        ("open", [[10], [11]]),
        ("close", [[11], [9]]),
    ],
)
def test_the_way_inside_a_candle_is_chosen(tmp_path: Path, path: str, prices: list[list[int]]) -> None:
    series = read(candles_file(tmp_path, [[10, 12, 8, 11], [11, 12, 7, 9]]), WANTED)
    tape = tape_of(series, usual(path=path), EXCHANGE)
    assert tape.bid.tolist() == [price for candle in prices for price in candle]
    assert tape.points == len(prices[0])
    assert all(START_MS <= at_ms < START_MS + 2 * MINUTE_MS for at_ms in tape.at_ms.tolist())


def test_gaps_are_told(tmp_path: Path) -> None:
    rows = "\n".join(f"{START_MS + MINUTE_MS * at},1,1,1,1" for at in (0, 1, 2, 3, 9, 10, 14))
    series = read(written(tmp_path, f"ts,open,high,low,close\n{rows}\n"), WANTED)
    told = used(series)
    assert interval_of(series) == MINUTE_MS
    assert told.gap_count == 2
    assert [(gap.to_ms - gap.from_ms) // MINUTE_MS for gap in told.gaps] == [6, 4]


def test_several_files_are_one(tmp_path: Path) -> None:
    whole = read(candles_file(tmp_path, [[1, 2, 1, 1.5], flat("1.25"), flat("2"), flat(3)]), WANTED)
    halves = [whole.part(START_MS + 2 * MINUTE_MS, None), whole.part(None, START_MS + 2 * MINUTE_MS)]
    again = joined(halves)
    assert again.at_ms.tolist() == whole.at_ms.tolist()
    assert {name: column.tolist() for name, column in again.columns.items()} == {
        name: column.tolist() for name, column in whole.columns.items()
    }
    with pytest.raises(Refused, match="not later"):
        joined([whole, halves[0]])


def test_what_cannot_be_used_is_refused_with_a_reason(tmp_path: Path) -> None:
    good = candles_file(tmp_path, [flat(3000)] * 3)
    assert code_of(DataFile(path=str(tmp_path / "nosuch.parquet"))) == "backtest.no_file"
    assert code_of(written(tmp_path, "x", "eth.txt")) == "backtest.unknown_format"
    assert code_of(written(tmp_path, "a,b\n1,2\n")) == "backtest.wrong_columns"
    assert code_of(written(tmp_path, "price\n1\n")) == "backtest.wrong_columns"
    assert code_of(written(tmp_path, "ts,price\n1,ten\n")) == "backtest.wrong_columns"
    assert code_of(written(tmp_path, "ts,price\n")) == "backtest.no_rows"
    assert code_of(written(tmp_path, "ts,price\n1,0\n")) == "backtest.bad_prices"
    assert code_of(written(tmp_path, "ts,price\n2,1\n1,1\n")) == "backtest.out_of_order"
    assert code_of(written(tmp_path, "ts,open,high,low,close\n1,5,4,3,4\n")) == "backtest.bad_prices"
    assert code_of(written(tmp_path, "ts,bid,ask\n1,5,4\n")) == "backtest.bad_prices"
    assert code_of(written(tmp_path, "ts,price\n1,1\n", "doge.csv")) == "backtest.unknown_symbol"
    assert code_of(DataFile(path=good.path, symbol=Symbol("XRP/USDT"))) == "backtest.no_data"
    assert code_of(good, balance_quote=D(0)) == "backtest.no_balance"
    assert code_of(written(tmp_path, "PAR1", "ethusdt.parquet")) == "backtest.unreadable"
