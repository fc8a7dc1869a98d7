"""`backfuture backtest` and `backfuture replay` with the engine as a real process."""

import json
from pathlib import Path

import pytest
from backfuture_cli.exits import Exit
from backfuture_cli.main import run

from tests.unit.backtest.build import candles_file, flat

BOT = """
name = "dips"
symbols = ["ETH/USDT"]
margin_limit_quote = 1200
[strategy]
base_order_quote = 300
max_add_ons = 3
step_percent = 5
take_profit_percent = 1.0
slippage_percent = 0
"""


@pytest.fixture
def bot(tmp_path: Path) -> Path:
    file = tmp_path / "dips.toml"
    file.write_text(BOT)
    return file


@pytest.fixture
def prices(tmp_path: Path) -> Path:
    rows = [flat(3000), flat(2850), flat(3100), [3100.0, 3100.0, 2900.0, 3000.0]]
    return Path(candles_file(tmp_path, rows).path)


def test_a_backtest_is_printed_reported_and_journaled(
    bot: Path, prices: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report, journal = tmp_path / "out.html", tmp_path / "journal.jsonl"
    files = ["--report", str(report), "--journal", str(journal)]
    assert run(["backtest", "--bot", str(bot), "--data", str(prices), *files]) == Exit.OK
    assert "realised USDT" in capsys.readouterr().out
    assert "dips" in report.read_text()
    assert run(["replay", str(journal)]) == Exit.OK
    assert "identical" in capsys.readouterr().out


def test_json_is_for_programs(bot: Path, prices: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["backtest", "--bot", str(bot), "--data", f"ETH/USDT={prices}", "--fee", "0.2", "--json"]
    assert run(arguments) == Exit.OK
    told = json.loads(capsys.readouterr().out)
    assert told["figures"]["groups_closed"] == 1
    assert told["assumptions"]["taker_fee"] == "0.002"


def test_a_journal_that_this_version_would_not_write_is_told(
    bot: Path, prices: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    journal = tmp_path / "journal.jsonl"
    assert run(["backtest", "--bot", str(bot), "--data", str(prices), "--journal", str(journal)]) == Exit.OK
    lines = journal.read_text().splitlines()
    assert '"verdict":"OPEN"' in lines[2]
    journal.write_text("\n".join([*lines[:2], lines[2].replace('"ask","3000"', '"ask","2999"'), *lines[3:]]))
    capsys.readouterr()
    assert run(["replay", str(journal), "--json"]) == Exit.ERROR
    told = json.loads(capsys.readouterr().out)
    assert (told["difference_count"], told["differences"][0]["seq"]) == (1, 3)
    journal.write_text("\n".join(lines[3:]))
    assert run(["replay", str(journal)]) == Exit.BAD_INPUT


def test_mistakes_have_their_exit_codes(bot: Path, prices: Path, tmp_path: Path) -> None:
    given = ["backtest", "--bot", str(bot)]
    assert run(["backtest", "--data", str(prices)]) == Exit.BAD_INPUT
    assert run(given) == Exit.BAD_INPUT
    assert run([*given, "--data", str(tmp_path / "nosuch.parquet")]) == Exit.NOT_FOUND
    assert run([*given, "--data", str(prices), "--from", "2099-01-01"]) == Exit.BAD_INPUT
    assert run([*given, "--data", str(prices), "--path", "sideways"]) == Exit.BAD_INPUT
    assert run(["replay", str(tmp_path / "nosuch")]) == Exit.NOT_FOUND
    bot.write_text(BOT.replace("margin_limit_quote = 1200", "margin_limit_quote = 10"))
    assert run([*given, "--data", str(prices)]) == Exit.REFUSED
    bot.write_text(BOT.replace("max_add_ons", "max_addons"))
    assert run([*given, "--data", str(prices)]) == Exit.BAD_INPUT
