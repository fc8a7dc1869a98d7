"""kill -9 of any part at any time: groups go on, no order twice, none missing. The exchange's own book is the judge."""

import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.newcomer import closed_groups, connect, eventually, make_bot, open_group, paper_book, paper_key
from tests.support.oracle import judge
from tests.support.platform import Api, Platform

pytestmark = pytest.mark.timeout(420)

VICTIMS = ("engine", "connector-paper-kucoin", "connector-paper-mexc", "gateway", "key-vault-dispense", "broker")
KILLS = 8
SEED = 20_261_123
SMALL_STEPS = {
    "step_percent": "0.2", "take_profit_percent": "0.15", "min_improvement_percent": "0", "min_gap_percent": "0.1",
    "max_add_ons": 3,
}  # fmt: skip


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[Platform]:
    platform = Platform(tmp_path)
    try:
        platform.start()
        yield platform
    finally:
        platform.stop()


def test_orders_are_neither_lost_nor_doubled_whatever_is_killed(platform: Platform) -> None:
    chance = random.Random(SEED)  # noqa: S311  (chooses victims, reproducibly)
    with platform.api() as api:
        bots: dict[str, dict[str, str]] = {}
        for venue, symbol in (("kucoin", "BTC/USDT"), ("mexc", "SOL/USDT")):
            key = paper_key(platform, venue)
            connection = connect(api, f"paper-{venue}", key)
            assert connection["status"] == "online", connection
            bots[make_bot(api, connection["id"], symbol, f"{venue} bot", "600", **SMALL_STEPS)] = key
        eventually(lambda: all(open_group(api, bot) for bot in bots), 60, lambda: "both bots to open a group")

        for number in range(KILLS):
            victim = chance.choice(VICTIMS)
            time.sleep(chance.uniform(1.0, 4.0))
            killed = platform.kill(victim)
            _await_return(platform, victim, killed, number)

        _await_news(api, bots)
        for bot in bots:
            api.post(f"/bots/{bot}/stop")
        eventually(lambda: _is_quiet(api, bots), 90, lambda: f"orders to be resolved: {_pending(api)}")
        for bot, key in bots.items():
            judge(api, bot, paper_book(platform, key["api_key"]))


def test_everything_killed_at_once_goes_on_where_it_stopped(platform: Platform) -> None:
    with platform.api() as api:
        key = paper_key(platform, "kucoin")
        connection = connect(api, "paper-kucoin", key)
        bot = make_bot(api, connection["id"], "ETH/USDT", "survivor", "600", **SMALL_STEPS)
        eventually(lambda: open_group(api, bot) is not None, 60, lambda: "a group")
    platform.kill_everything()
    platform.start()
    with platform.api() as api:
        before = len(closed_groups(api, bot))
        eventually(lambda: len(closed_groups(api, bot)) > before, 150, lambda: "the bot to close another group")
        api.post(f"/bots/{bot}/stop")
        eventually(lambda: _is_quiet(api, {bot: key}), 60, lambda: f"orders to be resolved: {_pending(api)}")
        judge(api, bot, paper_book(platform, key["api_key"]))


def _await_return(platform: Platform, victim: str, killed: int, number: int) -> None:
    def back() -> bool:
        part = platform.part(victim)
        return part["pid"] not in {None, killed} and platform.is_ready()

    platform.wait(back, 90, f"{victim} to come back after kill {number + 1} and all parts to be ready")


def _await_news(api: Api, bots: dict[str, dict[str, str]]) -> None:
    """See that the bots still trade: at least one more order after the last kill."""
    before = {bot: len(api.items("/orders", bot_id=bot, limit=500)) for bot in bots}
    eventually(
        lambda: any(len(api.items("/orders", bot_id=bot, limit=500)) > before[bot] for bot in bots),
        150,
        lambda: "an order after the last kill",
    )


def _pending(api: Api) -> list[str]:
    orders = api.items("/orders", limit=500)
    return [
        f"{order['client_order_id']} {order['status']}"
        for order in orders
        if order["status"] not in {"filled", "canceled", "rejected", "expired"}
    ]


def _is_quiet(api: Api, bots: dict[str, dict[str, str]]) -> bool:
    """Nothing is in flight, and no live group is in the middle of an order."""
    if _pending(api):
        return False
    groups = [group for bot in bots if (group := open_group(api, bot))]
    return all(group["status"] == "active" for group in groups)
