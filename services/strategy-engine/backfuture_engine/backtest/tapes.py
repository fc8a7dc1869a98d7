"""From series to tapes: what the bots see of candles, trades or quotes, under the run's assumptions."""

from decimal import Decimal
from typing import NamedTuple

import numpy as np
from backfuture_common.contracts.backtest import Assumptions, DataUsed, Gap, PathModel
from backfuture_common.domain.ids import ExchangeId, Symbol
from backfuture_common.domain.money import HUNDRED, divide
from backfuture_common.errors import Refused
from backfuture_common.messages.market import Instrument
from msgspec.structs import replace

from backfuture_engine.backtest.files import Series
from backfuture_engine.backtest.tape import Ints, Tape

TICKS_QUIET_MS = 300_000
"""Trades and quotes further apart than this have a gap between them."""
_GAPS_SHOWN = 5
_LARGEST = 2**62
_USUAL_FEE = Decimal("0.001")
_USUAL_AMOUNT_STEP = Decimal("0.00000001")
_USUAL_COST_MIN = Decimal(1)


class _Columns(NamedTuple):
    """Times and prices, a row for each price that the bots may see, and how many rows belong together."""

    at_ms: Ints
    low: Ints
    high: Ints
    points: int


def tape_of(series: Series, assumptions: Assumptions, exchange: ExchangeId) -> Tape:
    """Return the series as the bots of an exchange see it."""
    instrument = _instrument(series, assumptions, exchange)
    columns = _columns(series, assumptions.path)
    bid, ask = _in_steps(columns, series, instrument, assumptions.spread_ppm)
    if int(bid.min()) <= 0:
        raise Refused(
            "backtest.bad_prices", f"{series.path} has prices below one price step of {instrument.price_step}"
        )
    return Tape(
        instrument=instrument,
        at_ms=columns.at_ms,
        bid=bid,
        ask=ask,
        points=columns.points,
        quiet_ms=interval_of(series) if series.kind == "candles" else TICKS_QUIET_MS,
    )


def interval_of(series: Series) -> int:
    """Return the usual time from row to row; of one row, a minute."""
    if len(series) < 2:
        return 60_000
    lengths, counts = np.unique(np.diff(series.at_ms), return_counts=True)
    return int(lengths[int(counts.argmax())])


def used(series: Series) -> DataUsed:
    """Describe what is used of a series, with its gaps."""
    usual_ms = interval_of(series) if series.kind == "candles" else TICKS_QUIET_MS
    steps = np.diff(series.at_ms)
    wide = np.flatnonzero(steps > usual_ms)
    longest = sorted((int(row) for row in wide), key=lambda row: (-int(steps[row]), row))[:_GAPS_SHOWN]
    first, last = (series.columns["open"], series.columns["close"]) if series.kind == "candles" else _middle(series)
    opening, ending = Decimal(int(first[0])), Decimal(int(last[-1]))
    return DataUsed(
        symbol=series.symbol,
        path=series.path,
        kind=series.kind,
        rows=len(series),
        from_ms=int(series.at_ms[0]),
        to_ms=int(series.at_ms[-1]) + (usual_ms if series.kind == "candles" else 0),
        gap_count=len(wide),
        gaps=tuple(Gap(from_ms=int(series.at_ms[row]), to_ms=int(series.at_ms[row + 1])) for row in sorted(longest)),
        market_change_percent=divide((ending - opening) * HUNDRED, opening),
    )


# ---------------------------------------------------------------------------------------- inside


def _middle(series: Series) -> tuple[Ints, Ints]:
    column = series.columns["price" if series.kind == "trades" else "bid"]
    return column, column


def _instrument(series: Series, assumptions: Assumptions, exchange: ExchangeId) -> Instrument:
    """Return the market as the data tells it, with what the user says instead; what nobody tells is usual."""
    base, _, quote = series.symbol.partition("/")
    if not base or not quote:
        raise Refused("backtest.unknown_symbol", f"{series.symbol} is no market such as BTC/USDT")
    told = series.instrument or Instrument(
        exchange=exchange,
        symbol=Symbol(series.symbol),
        base=base,
        quote=quote,
        market="spot",
        price_step=Decimal(1).scaleb(-series.decimals),
        amount_step=_USUAL_AMOUNT_STEP,
        amount_min=_USUAL_AMOUNT_STEP,
        cost_min=_USUAL_COST_MIN,
        taker_fee=_USUAL_FEE,
        maker_fee=_USUAL_FEE,
        active=True,
        updated_ms=0,
    )
    given = {
        name: value
        for name in ("taker_fee", "price_step", "amount_step", "cost_min")
        if (value := getattr(assumptions, name)) is not None
    }
    if "taker_fee" in given:
        given["maker_fee"] = given["taker_fee"]
    return replace(told, exchange=exchange, active=True, **given)


def _columns(series: Series, path: PathModel) -> _Columns:
    if series.kind == "trades":
        return _Columns(series.at_ms, series.columns["price"], series.columns["price"], 1)
    if series.kind == "quotes":
        bid, ask = series.columns["bid"], series.columns["ask"]
        if (ask < bid).any():
            raise Refused("backtest.bad_prices", f"{series.path} has rows with an ask below the bid")
        return _Columns(series.at_ms, bid, ask, 1)
    return _candle_columns(series, path)


def _candle_columns(series: Series, path: PathModel) -> _Columns:
    opening, high, low, close = (series.columns[name] for name in ("open", "high", "low", "close"))
    wrong = np.flatnonzero((low > np.minimum(opening, close)) | (high < np.maximum(opening, close)))
    if len(wrong):
        raise Refused(
            "backtest.bad_prices", f"{series.path}: row {int(wrong[0]) + 1} has an open or close outside low and high"
        )
    interval_ms = interval_of(series)
    if path == "open":
        return _Columns(series.at_ms, opening, opening, 1)
    if path == "close":
        return _Columns(series.at_ms + (interval_ms - 1), close, close, 1)
    low_first = {"low-first": np.True_, "high-first": np.False_}.get(path, close >= opening)
    prices = np.empty((len(series), 4), dtype=np.int64)
    prices[:, 0], prices[:, 3] = opening, close
    prices[:, 1], prices[:, 2] = np.where(low_first, low, high), np.where(low_first, high, low)
    at_ms = series.at_ms[:, None] + np.array([0, interval_ms // 3, interval_ms * 2 // 3, interval_ms - 1])
    flat = prices.reshape(-1)
    return _Columns(at_ms.reshape(-1), flat, flat, 4)


def _in_steps(columns: _Columns, series: Series, instrument: Instrument, spread_ppm: int) -> tuple[Ints, Ints]:
    """Return bid and ask in price steps, moved apart by the spread: the bid rounded down, the ask up."""
    step_decimals = max(-int(instrument.price_step.as_tuple().exponent), 0)
    decimals = max(step_decimals, series.decimals)
    factor = 10 ** (decimals - series.decimals)
    step = int(instrument.price_step.scaleb(decimals))
    if int(columns.high.max()) * factor >= _LARGEST // max(spread_ppm, 1):
        raise Refused("backtest.bad_prices", f"{series.path} has prices too large for a price step so small")
    low, high = columns.low * factor, columns.high * factor
    if not spread_ppm and step == 1:
        return low, high
    bid = (low - low * spread_ppm // 2_000_000) // step
    ask = -(-(high + high * spread_ppm // 2_000_000) // step)
    return bid, ask
