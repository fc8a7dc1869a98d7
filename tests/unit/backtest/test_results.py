"""What a run came to: figures that can be checked by hand, the page, the process."""

import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest
from backfuture_common.contracts.backtest import Answer, BacktestRequest, BacktestResult, Failed, Progress
from backfuture_common.domain.ids import BotId
from backfuture_common.errors import Refused
from backfuture_common.messages.codec import encode
from backfuture_common.messages.journal import JournalRecord
from backfuture_engine.backtest.__main__ import answer
from backfuture_engine.backtest.run import backtest
from backfuture_engine.core.replay import replay

from tests.unit.backtest.build import MINUTE_MS, candles_file, flat, outcome, usual
from tests.unit.engine.build import START_MS, D, spec, strategy

ROUND_TRIP: list[list[float]] = [flat(3000), flat(2800), [2800, 3100, 2800, 3100], flat(3100)]


def test_the_figures_are_those_of_the_fills(tmp_path: Path) -> None:
    result = outcome(candles_file(tmp_path, [flat(3000), flat(2850), flat(3100), flat(3050)]), bots=(spec(),))
    closed, still_open = result.groups
    figures = result.figures
    bought = D(300) + D("0.10526315") * 2850
    sold = (D("0.1") + D("0.10526315")) * 3100
    assert closed.result_quote == sold - bought - (sold + bought) * D("0.001")
    assert (closed.bought_cost, closed.add_ons, closed.close_reason) == (bought, 1, "take_profit")
    assert still_open.closed_ms is None
    assert (figures.groups_closed, figures.groups_open, figures.wins, figures.orders) == (1, 1, 1, 4)
    assert figures.profit_quote == closed.result_quote
    assert figures.final_equity_quote == 10_000 + closed.result_quote + still_open.result_quote
    assert figures.profit_factor is None
    assert figures.max_bound_quote == bought
    assert result.equity[0].at_ms == START_MS
    assert result.equity[-1].equity_quote == round(figures.final_equity_quote, 4)


def test_the_drawdown_is_measured_at_the_lowest_price_inside_the_candles(tmp_path: Path) -> None:
    alone = spec(strategy(max_add_ons=0))
    result = outcome(candles_file(tmp_path, [flat(3000), [3000.0, 3000.0, 2400.0, 2990.0]]), bots=(alone,))
    assert result.figures.max_drawdown_quote == D("0.1") * 600 + D("0.3")
    assert result.figures.time_in_market_percent > 99


def test_a_time_is_cut_out_and_an_empty_one_refused(tmp_path: Path) -> None:
    data = candles_file(tmp_path, ROUND_TRIP)
    request = BacktestRequest(
        bots=(spec(),), data=(data,), from_ms=START_MS + MINUTE_MS, to_ms=START_MS + 2 * MINUTE_MS
    )
    assert backtest(request).rows == 1
    with pytest.raises(Refused, match="no rows in that time"):
        backtest(BacktestRequest(bots=(spec(),), data=(data,), from_ms=START_MS + 10**9))


def test_bots_that_cannot_be_run_together_are_refused(tmp_path: Path) -> None:
    data = candles_file(tmp_path, ROUND_TRIP)
    elsewhere = spec(bot_id=BotId("bot_b"), exchange="mexc")
    for bots, code in (
        ((), "backtest.no_bots"),
        ((spec(), spec()), "backtest.same_bot_twice"),
        ((spec(), elsewhere), "backtest.several_exchanges"),
        ((spec(margin_limit_quote=D(1)),), "backtest.bot_refused"),
    ):
        with pytest.raises(Refused) as refusal:
            backtest(BacktestRequest(bots=bots, data=(data,)))
        assert refusal.value.info.code == code


def test_a_bot_that_does_nothing_is_pointed_out(tmp_path: Path) -> None:
    result = outcome(candles_file(tmp_path, ROUND_TRIP), bots=(spec(),), balance_quote=D(10))
    assert result.warnings == ("a bot placed no order at all",)
    assert result.figures.win_rate_percent is None


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def test_the_page_stands_by_itself_and_takes_no_name_for_markup(tmp_path: Path) -> None:
    evil = spec(name='<script>alert("1")</script>')
    report = tmp_path / "out.html"
    backtest(
        BacktestRequest(
            bots=(evil,), data=(candles_file(tmp_path, ROUND_TRIP),), report=str(report), assumptions=usual()
        )
    )
    text = report.read_text()
    page = _Page()
    page.feed(text)
    names = [tag for tag, _ in page.tags]
    assert names.count("svg") == 3
    assert not {"script", "link", "img", "iframe"}.intersection(names)
    assert not [attribute for _, attributes in page.tags for attribute in attributes if attribute in {"src", "href"}]
    assert not re.findall(r"(?:https?:)?//|url\(|@import", text)
    assert "&lt;script&gt;" in text
    assert "prefers-color-scheme:dark" in text


def answers(request: bytes) -> tuple[int, list[object]]:
    sink = io.BytesIO()
    code = answer(io.BytesIO(request), sink)
    return code, [msgspec.json.decode(line, type=Answer) for line in sink.getvalue().splitlines()]


def test_as_a_process_it_tells_its_progress_and_then_the_result(tmp_path: Path) -> None:
    data = candles_file(tmp_path, ROUND_TRIP)
    request = BacktestRequest(bots=(spec(),), data=(data,))
    code, told = answers(encode(request))
    assert code == 0
    assert isinstance(told[0], Progress)
    assert isinstance(told[-1], BacktestResult)
    first, second = (msgspec.structs.replace(backtest(request), took_ms=0) for _ in range(2))
    assert encode(first) == encode(second) == encode(msgspec.structs.replace(told[-1], took_ms=0))


def test_as_a_process_it_says_why_there_is_no_result(tmp_path: Path) -> None:
    code, told = answers(b"{}")
    assert code == 1
    assert isinstance(told[-1], Failed)
    code, told = answers(encode(BacktestRequest(bots=(spec(),), data=(), report=None)))
    assert isinstance(told[-1], Failed)
    assert told[-1].error.code == "backtest.no_data"
    nowhere = str(tmp_path / "no" / "where.html")
    code, told = answers(
        encode(BacktestRequest(bots=(spec(),), data=(candles_file(tmp_path, ROUND_TRIP),), report=nowhere))
    )
    assert isinstance(told[-1], Failed)
    assert told[-1].error.code == "backtest.unwritable"


def test_its_journal_reads_as_a_live_one(tmp_path: Path) -> None:
    file = tmp_path / "journal.jsonl"
    backtest(BacktestRequest(bots=(spec(),), data=(candles_file(tmp_path, ROUND_TRIP),), journal=str(file)))
    records = [msgspec.json.decode(line, type=JournalRecord) for line in file.read_bytes().splitlines()]
    assert len(records) > 5
    assert replay(records).differences == ()
    assert json.loads(file.read_text().splitlines()[0])["type"] == "bot.journal.v1"
