"""The result as one HTML page that stands by itself: no request leaves it, no script runs in it."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from html import escape

from backfuture_common.contracts.backtest import Assumptions, BacktestResult, Figures, SimGroup
from backfuture_common.domain.ids import Symbol
from backfuture_common.domain.money import plain

from backfuture_engine.backtest.charts import drawdown_chart, equity_chart, price_chart
from backfuture_engine.backtest.style import STYLE
from backfuture_engine.backtest.tape import Tape

_MOST_ROWS = 1_000
_HOUR_MS, _DAY_MS = 3_600_000, 86_400_000
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
_PATHS = {
    "auto": "low before high in a candle that rose, high before low in one that fell",
    "low-first": "the low of every candle before its high",
    "high-first": "the high of every candle before its low",
    "close": "only the close of each candle is a price",
    "open": "only the open of each candle is a price",
}


def page(result: BacktestResult, tapes: Mapping[Symbol, Tape]) -> str:
    """Return the page. Names are shown as text, whatever is in them."""
    names = ", ".join(bot.name for bot in result.bots)
    body = (
        _head(result, names)
        + "".join(f'<p class="warn">{escape(warning)}</p>' for warning in result.warnings)
        + _cards(result)
        + _panel(
            "Equity",
            equity_chart(result),
            "All accounts together; coins at their bid. Below the line: the lowest worth.",
        )
        + _panel("Drawdown", drawdown_chart(result))
        + "".join(_market(result, symbol, tape) for symbol, tape in tapes.items())
        + _bots(result)
        + _groups(result)
        + _assumed(result)
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>Backtest: {escape(names)}</title><style>{STYLE}</style></head><body><main>{body}</main></body></html>"
    )


# ---------------------------------------------------------------------------------------- parts


def _head(result: BacktestResult, names: str) -> str:
    span = f"{_day(result.from_ms)} to {_day(result.to_ms)}"
    return (
        f'<h1>{escape(names)}</h1><p class="sub">Backtest on recorded prices, {span} UTC, '
        f"{result.rows:,} rows. The past does not repeat itself: this is no promise of profit.</p>"
    )


def _cards(result: BacktestResult) -> str:
    f, quote = result.figures, escape(result.quote)
    open_note = f"{_signed(f.unrealised_quote)} in {f.groups_open} open groups"
    cards = (
        (_signed(f.profit_quote), f"{quote} realised, {_signed(f.profit_percent)} %", _tone(f.profit_quote)),
        (_figure(f.final_equity_quote), f"{quote} at the end; {open_note}", ""),
        (f"{_figure(f.max_drawdown_percent)} %", f"largest drawdown, {_figure(f.max_drawdown_quote)} {quote}", "loss"),
        (str(f.groups_closed), f"groups closed, {f.add_ons} add-ons in all", ""),
        (_percent(f.win_rate_percent), f"won; profit factor {_maybe(f.profit_factor)}", ""),
        (_maybe(f.worst_group_quote), f"worst closed group; best {_maybe(f.best_group_quote)}", ""),
        (_figure(f.max_bound_quote), f"{quote} bound at most; {_figure(f.mean_bound_quote)} on average", ""),
        (
            f"{_figure(f.time_in_market_percent)} %",
            f"of the time in the market; longest group {_length(f.longest_group_ms)}",
            "",
        ),
        (_figure(f.fees_quote), f"{quote} of fees on {_filled(f)} filled orders", ""),
    )
    return '<div class="cards">' + "".join(_card(*card) for card in cards) + "</div>"


def _market(result: BacktestResult, symbol: Symbol, tape: Tape) -> str:
    groups = [group for group in result.groups if group.symbol == symbol]
    data = next(one for one in result.data if one.symbol == symbol)
    keys = (("accent", "entry"), ("warn", "add-on"), ("gain", "exit"))
    legend = "".join(f'<span class="key" style="background:var(--{colour})"></span>{word}' for colour, word in keys)
    note = f"{data.kind}, {data.rows:,} rows; the market itself: {_signed(data.market_change_percent)} %.{legend}"
    return _panel(escape(symbol), price_chart(result, tape, groups), note)


def _bots(result: BacktestResult) -> str:
    if len(result.bots) < 2:
        return ""
    rows = (
        (
            bot.name,
            bot.groups_closed,
            bot.groups_open,
            bot.add_ons,
            _signed(bot.profit_quote),
            _signed(bot.unrealised_quote),
        )
        for bot in result.bots
    )
    return _table("Bots", ("Bot", "Closed", "Open", "Add-ons", "Realised", "In open groups"), rows, words=1)


def _groups(result: BacktestResult) -> str:
    shown = result.groups[-_MOST_ROWS:]
    several = len(result.bots) > 1
    title = "Groups" if len(shown) == len(result.groups) else f"Groups (the last {len(shown)} of {len(result.groups)})"
    columns = (
        "Opened",
        "Symbol",
        *(("Bot",) if several else ()),
        "Length",
        "Add-ons",
        "Bought for",
        "Average",
        "Result",
        "End",
    )
    rows = (_group_row(group, result.to_ms, several=several) for group in shown)
    return _table(title, columns, rows, words=3 if several else 2)


def _group_row(group: SimGroup, end_ms: int, *, several: bool) -> Sequence[object]:
    length = _length((group.closed_ms or end_ms) - group.opened_ms)
    names = (group.symbol, group.bot) if several else (group.symbol,)
    end = group.close_reason.replace("_", " ") if group.close_reason else "still open"
    money = (_figure(group.bought_cost), _price(group.average), _signed(group.result_quote))
    return (_time(group.opened_ms), *names, length, group.add_ons, *money, end)


def _assumed(result: BacktestResult) -> str:
    a = result.assumptions
    words = [
        f"Inside a candle: {_PATHS[a.path]}.",
        f"Spread {a.spread_ppm} ppm, slippage {a.slippage_ppm} ppm, {a.latency_ms} ms to the exchange, as long back.",
        f"{_fees(a)} Every order fills at once or is canceled; the book is deep enough for all of them.",
        f"Each account began with {_figure(a.balance_quote)} {result.quote}.",
        f"Fingerprint of all orders: {result.orders_hash}.",
    ]
    gaps = [
        f"{one.symbol}: {one.gap_count} gaps, the longest from {_time(gap.from_ms)} to {_time(gap.to_ms)}."
        for one in result.data
        if one.gaps
        for gap in [max(one.gaps, key=lambda gap: gap.to_ms - gap.from_ms)]
    ]
    lines = "".join(f"<br>{escape(line)}" for line in (*words, *gaps))
    return f'<h2>What was assumed</h2><p class="note">{lines.removeprefix("<br>")}</p>'


def _fees(a: Assumptions) -> str:
    where = "in quote" if a.fee_coin == "quote" else "in what was received"
    rate = "as the market tells, or 0.1 %" if a.taker_fee is None else f"{plain(a.taker_fee * 100)} %"
    return f"Takers' fee {rate}, taken {where}."


# ---------------------------------------------------------------------------------------- pieces


def _panel(title: str, chart: str, note: str = "") -> str:
    under = f'<p class="note">{note}</p>' if note else ""
    return f'<h2>{title}</h2><div class="panel">{chart}{under}</div>'


def _card(value: str, label: str, tone: str) -> str:
    return f'<div class="card"><b class="{tone}">{escape(value)}</b><span>{label}</span></div>'


def _table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]], *, words: int) -> str:
    head = "".join(f"<th{_cell(number, words)}>{name}</th>" for number, name in enumerate(columns))
    lines = "".join(
        "<tr>" + "".join(f"<td{_cell(number, words, cell)}>{escape(str(cell))}</td>" for number, cell in enumerate(row))
        + "</tr>"
        for row in rows
    )  # fmt: skip
    return (
        f'<h2>{title}</h2><div class="panel"><table><thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table></div>'
    )


def _cell(number: int, words: int, cell: object = "") -> str:
    if number < words:
        return ' class="w"'
    text = str(cell)
    tone = "gain" if text.startswith("+") else "loss" if text.startswith("−") else ""
    return f' class="{tone}"' if tone else ""


def _filled(f: Figures) -> int:
    return f.orders - f.orders_unfilled


def _tone(value: Decimal) -> str:
    return "gain" if value > 0 else "loss" if value < 0 else ""


def _figure(value: Decimal) -> str:
    return f"{value:,.2f}".replace("-", "−")


def _signed(value: Decimal) -> str:
    return f"{value:+,.2f}".replace("-", "−")


def _maybe(value: Decimal | None) -> str:
    return "–" if value is None else _figure(value)


def _percent(value: Decimal | None) -> str:
    return "–" if value is None else f"{value:.1f} %"


def _price(value: Decimal) -> str:
    return f"{value:,.{2 if value >= 100 else 4 if value >= 1 else 8}f}"


def _length(ms: int) -> str:
    if ms >= _DAY_MS:
        return f"{ms // _DAY_MS} d {ms % _DAY_MS // _HOUR_MS} h"
    return f"{ms // _HOUR_MS} h {ms % _HOUR_MS // 60_000} min"


def _time(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, tz=UTC).strftime("%Y-%m-%d %H:%M")


def _day(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, tz=UTC).strftime("%Y-%m-%d")
