"""Charts as inline SVG: nothing is fetched, nothing runs. Colours come from the page's style."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from html import escape
from typing import NamedTuple

import numpy as np
from backfuture_common.contracts.backtest import BacktestResult, SimGroup

from backfuture_engine.backtest.tape import Tape

WIDTH, HEIGHT = 1080, 260
_LEFT, _RIGHT, _TOP, _BOTTOM = 76, 12, 12, 26
_BUCKETS = 800
_MOST_GROUPS = 600
_DAY_MS = 86_400_000

Point = tuple[int, float]


class Frame(NamedTuple):
    """Where times and values lie in a chart."""

    from_ms: int
    to_ms: int
    low: float
    high: float
    height: int = HEIGHT

    def x(self, at_ms: int) -> float:
        share = (at_ms - self.from_ms) / max(self.to_ms - self.from_ms, 1)
        return round(_LEFT + share * (WIDTH - _LEFT - _RIGHT), 1)

    def y(self, value: float) -> float:
        share = (value - self.low) / ((self.high - self.low) or 1)
        return round(self.height - _BOTTOM - share * (self.height - _TOP - _BOTTOM), 1)


def equity_chart(result: BacktestResult) -> str:
    """Draw the worth of the account, with the lowest worth of each stretch below it."""
    worth = [(point.at_ms, float(point.equity_quote)) for point in result.equity]
    lows = [(point.at_ms, float(point.low_quote)) for point in result.equity]
    frame = _frame(result, [value for _, value in (*worth, *lows)])
    opening = worth[0][1]
    base = f'<line class="base" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{frame.y(opening)}" y2="{frame.y(opening)}"/>'
    band = _area(frame, worth, lows, "low")
    return _svg(frame, [base, band, _line(frame, worth, "equity")], "Worth of the account over time")


def drawdown_chart(result: BacktestResult) -> str:
    """Draw how far below its highest worth the account was, in percent."""
    height, falls = 0.0, []
    for point in result.equity:
        height = max(height, float(point.equity_quote))
        falls.append((point.at_ms, -100 * (height - float(point.low_quote)) / height if height else 0.0))
    frame = _frame(result, [0.0, *(value for _, value in falls)], height=150)
    ground = [(at_ms, 0.0) for at_ms, _ in falls]
    return _svg(frame, [_area(frame, ground, falls, "fall"), _line(frame, falls, "fall-line")], "Drawdown in percent")


def price_chart(result: BacktestResult, tape: Tape, groups: Sequence[SimGroup]) -> str:
    """Draw one market's price and on it each group: its buys, its average from first buy to end, its sells."""
    prices = _price_line(tape)
    frame = _frame(result, [value for _, low, high in prices for value in (low, high)])
    highs = [(at_ms, high) for at_ms, _, high in prices]
    lows = [(at_ms, low) for at_ms, low, _ in prices]
    shapes = [_area(frame, highs, lows, "price"), *(_group(frame, group) for group in groups[-_MOST_GROUPS:])]
    return _svg(frame, shapes, f"Price of {tape.instrument.symbol} with the groups")


# ---------------------------------------------------------------------------------------- inside


def _frame(result: BacktestResult, values: Sequence[float], height: int = HEIGHT) -> Frame:
    low, high = min(values), max(values)
    margin = (high - low) * 0.04 or abs(high) * 0.01 or 1.0
    return Frame(result.from_ms, result.to_ms, low - margin, high + (margin if high else 0.0), height)


def _svg(frame: Frame, shapes: Iterable[str], title: str) -> str:
    inner = "".join((*_axes(frame), *shapes))
    return (
        f'<svg viewBox="0 0 {WIDTH} {frame.height}" role="img" aria-label="{escape(title)}">'
        f"<title>{escape(title)}</title>{inner}</svg>"
    )


def _axes(frame: Frame) -> Iterable[str]:
    for number in range(5):
        value = frame.low + (frame.high - frame.low) * number / 4
        y = frame.y(value)
        yield f'<line class="grid" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y}" y2="{y}"/>'
        yield f'<text class="tick" x="{_LEFT - 6}" y="{y + 4}" text-anchor="end">{_number(value, frame)}</text>'
    pattern = "%b %d %H:%M" if frame.to_ms - frame.from_ms < 4 * _DAY_MS else "%Y-%m-%d"
    for number in range(6):
        at_ms = frame.from_ms + (frame.to_ms - frame.from_ms) * number // 5
        text = datetime.fromtimestamp(at_ms / 1000, tz=UTC).strftime(pattern)
        anchor = ("start", *("middle",) * 4, "end")[number]
        yield f'<text class="tick" x="{frame.x(at_ms)}" y="{frame.height - 8}" text-anchor="{anchor}">{text}</text>'


def _number(value: float, frame: Frame) -> str:
    span = frame.high - frame.low
    return f"{value:,.{0 if span >= 50 else 2 if span >= 0.5 else 5}f}"


def _line(frame: Frame, points: Sequence[Point], name: str) -> str:
    return f'<polyline class="{name}" points="{_points(frame, points)}"/>'


def _area(frame: Frame, top: Sequence[Point], bottom: Sequence[Point], name: str) -> str:
    return f'<polygon class="{name}" points="{_points(frame, top)} {_points(frame, bottom[::-1])}"/>'


def _points(frame: Frame, points: Sequence[Point]) -> str:
    return " ".join(f"{frame.x(at_ms)},{frame.y(value)}" for at_ms, value in points)


def _price_line(tape: Tape) -> list[tuple[int, float, float]]:
    """Return time, lowest and highest bid of at most ``_BUCKETS`` stretches of a tape."""
    starts = np.unique(np.linspace(0, len(tape) - 1, min(_BUCKETS, len(tape))).astype(np.int64))
    lows, highs = np.minimum.reduceat(tape.bid, starts), np.maximum.reduceat(tape.bid, starts)
    return [
        (int(tape.at_ms[row]), float(tape.price(int(low))), float(tape.price(int(high))))
        for row, low, high in zip(starts.tolist(), lows, highs, strict=True)
    ]


def _group(frame: Frame, group: SimGroup) -> str:
    end_ms = group.closed_ms or frame.to_ms
    kind = "open" if group.closed_ms is None else "won" if group.result_quote > 0 else "lost"
    y = frame.y(float(group.average))
    average = f'<line class="avg" x1="{frame.x(group.opened_ms)}" x2="{frame.x(end_ms)}" y1="{y}" y2="{y}"/>'
    marks = "".join(
        _mark(frame.x(fill.at_ms), frame.y(float(fill.price)), fill.leg, up=fill.side == "buy") for fill in group.fills
    )
    told = f"{group.group_id}: {group.add_ons} add-ons, {group.result_quote:+.2f}"
    return f'<g class="group {kind}"><title>{escape(told)}</title>{average}{marks}</g>'


def _mark(x: float, y: float, leg: str, *, up: bool) -> str:
    size = 4 if up else -4
    return f'<path class="{leg}" d="M{x - 4} {y + size}h8l-4 {-2 * size}z"/>'
