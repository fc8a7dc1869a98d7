"""A bot on real recorded trades, where the recordings are at hand; else on the generated market."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import MARKET_SOURCE, RECORDINGS
from tests.support.newcomer import closed_groups, connect, eventually, make_bot, open_group, paper_book, paper_key
from tests.support.oracle import judge
from tests.support.platform import Platform

pytestmark = pytest.mark.timeout(300)

SPEED_PERCENT = "6000"
"""The recording's eleven minutes pass in as many seconds, and begin anew."""

LADDER = {
    "base_order_quote": "20", "add_on_quote": "20", "max_add_ons": 4, "step_percent": "0.1", "volume_scale": "2",
    "take_profit_percent": "0.1", "min_improvement_percent": "0", "min_gap_percent": "0.02", "slippage_percent": "0.02",
}  # fmt: skip
"""The market moves by 0.45 % only, and a group that opens anywhere in it has to come out of it as well: add-ons that
weigh much, and so little slippage allowed that an add-on can count on improving the average."""


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[Platform]:
    platform = Platform(tmp_path, BACKFUTURE_PAPER_SOURCE=MARKET_SOURCE)
    if MARKET_SOURCE == "recorded":
        platform.environment["BACKFUTURE_PAPER_RECORDING_DIR"] = str(RECORDINGS)
        platform.environment["BACKFUTURE_PAPER_RECORDING_SPEED_PERCENT"] = SPEED_PERCENT
    try:
        platform.start()
        yield platform
    finally:
        platform.stop()


def test_groups_open_and_close_on_both_exchanges(platform: Platform) -> None:
    with platform.api() as api:
        bots = {}
        for venue, symbol in (("kucoin", "BTC/USDT"), ("mexc", "ETH/USDT")):
            key = paper_key(platform, venue)
            connection = connect(api, f"paper-{venue}", key)
            bot = make_bot(api, connection["id"], symbol, f"{venue} on {MARKET_SOURCE} prices", "400", **LADDER)
            bots[bot] = key
        eventually(lambda: any(closed_groups(api, bot) for bot in bots), 150, lambda: "a group to close")
        for bot in bots:
            api.post(f"/bots/{bot}/stop")
        eventually(
            lambda: all((open_group(api, bot) or {"status": "active"})["status"] == "active" for bot in bots), 30,
            lambda: "orders to end",
        )  # fmt: skip
        for bot, key in bots.items():
            judge(api, bot, paper_book(platform, key["api_key"]))
