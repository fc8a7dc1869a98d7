"""From an API key to a closed group, through every part, on both exchanges."""

from decimal import Decimal
from typing import Any

import pytest

from tests.support.newcomer import (
    PASSED,
    closed_groups,
    connect,
    eventually,
    make_bot,
    money,
    open_group,
    paper_book,
    paper_key,
    set_price,
)
from tests.support.oracle import facts, journal, judge
from tests.support.platform import Api, Platform

pytestmark = pytest.mark.timeout(300)

VENUES = {"kucoin": "BTC/USDT", "mexc": "ETH/USDT"}
ONCE: dict[str, Any] = {"group_cooldown_ms": 3_600_000}
"""One group, then rest: so that what happened can be looked at."""


@pytest.mark.parametrize("venue", sorted(VENUES))
def test_a_group_opens_adds_on_inside_its_zone_and_closes_at_its_target(platform: Platform, venue: str) -> None:
    symbol = VENUES[venue]
    with platform.api() as api:
        set_price(platform, symbol, "2999.4", "3000")
        key = paper_key(platform, venue)
        connection = connect(api, f"paper-{venue}", key)
        assert connection["status"] == "online", connection
        assert {step["status"] for step in connection["steps"]} <= PASSED

        bot_id = make_bot(api, connection["id"], symbol, f"{venue} dips", **ONCE)
        group = _await_group(api, bot_id, add_ons=0)
        anchor = money(group["anchor"])
        assert Decimal(2999) < anchor <= Decimal(3009), "the entry pays the ask, at most with its slippage"

        _price(platform, symbol, anchor * Decimal("0.995"))
        _price(platform, symbol, anchor * Decimal("0.985"))
        group = _await_group(api, bot_id, add_ons=1)
        assert group["zones_used"] == [1]
        assert money(group["average"]) < anchor

        _price(platform, symbol, money(group["target"]) * Decimal("1.001"))
        eventually(lambda: len(closed_groups(api, bot_id)) == 1, 30, lambda: f"the group to close: {group}")
        closed = closed_groups(api, bot_id)[0]
        assert closed["close_reason"] == "take_profit"

        book = paper_book(platform, key["api_key"])
        judge(api, bot_id, book)
        _result_agrees_with_the_exchange(closed, book, symbol)
        _every_order_is_explained(api, bot_id)


def test_a_key_that_can_withdraw_is_refused_and_its_secret_destroyed(platform: Platform) -> None:
    with platform.api() as api:
        for venue in VENUES:
            key = paper_key(platform, venue, ("read", "trade", "withdraw"))
            connection = connect(api, f"paper-{venue}", key, f"{venue} dangerous")
            assert (connection["status"], connection["code"]) == ("refused", "WITHDRAW_ENABLED"), connection
            assert connection["trade_allowed"] is False
            assert connection["hint"]
            where = f"/connections/{connection['id']}"
            eventually(lambda: api.get(where)["secret_state"] == "destroyed", 20, lambda: "the secret's end")  # noqa: B023


@pytest.mark.parametrize(
    ("change", "code"),
    [({"secret": "0" * 36}, "SECRET_WRONG"), ({"passphrase": "not-this-one"}, "PASSPHRASE_WRONG"),
     ({"api_key": "6705f5c311545b000157d3eb"}, "KEY_UNKNOWN")],
)  # fmt: skip
def test_a_wrongly_copied_key_is_told_apart(platform: Platform, change: dict[str, str], code: str) -> None:
    with platform.api() as api:
        key = {**paper_key(platform, "kucoin"), **change}
        connection = connect(api, "paper-kucoin", key, f"kucoin {code}")
        assert (connection["status"], connection["code"]) == ("attention", code), connection
        assert connection["hint"]


def test_a_key_that_may_not_trade_is_told_so(platform: Platform) -> None:
    with platform.api() as api:
        connection = connect(api, "paper-mexc", paper_key(platform, "mexc", ("read",)), "mexc read only")
        assert connection["code"] == "TRADE_RIGHT_MISSING", connection


def test_the_same_key_twice_is_refused(platform: Platform) -> None:
    with platform.api() as api:
        key = paper_key(platform, "mexc")
        connect(api, "paper-mexc", key, "mexc first")
        body = {"name": "mexc second", "exchange": "paper-mexc", **key}
        answer = api.http.post("/connections", json=body)
        assert answer.status_code == 409, answer.text
        assert key["secret"] not in answer.text


def test_a_group_can_be_closed_by_hand_at_a_loss(platform: Platform) -> None:
    with platform.api() as api:
        set_price(platform, "SOL/USDT", "149.9", "150")
        key = paper_key(platform, "kucoin")
        connection = connect(api, "paper-kucoin", key, "kucoin by hand")
        bot_id = make_bot(api, connection["id"], "SOL/USDT", "by hand", **ONCE)
        group = _await_group(api, bot_id, add_ons=0)
        set_price(platform, "SOL/USDT", "149.4", "149.5")
        api.post(f"/groups/{group['id']}/close")
        eventually(lambda: bool(closed_groups(api, bot_id)), 30, lambda: "the group to close")
        closed = closed_groups(api, bot_id)[0]
        assert closed["close_reason"] == "manual"
        assert money(closed["realised_quote"]) < 0
        judge(api, bot_id, paper_book(platform, key["api_key"]))


def _await_group(api: Api, bot_id: str, *, add_ons: int) -> dict[str, Any]:
    """Wait until the bot's group is active with so many add-ons."""
    seen: dict[str, Any] = {}

    def there() -> bool:
        seen.update(open_group(api, bot_id) or {})
        return seen.get("status") == "active" and seen["add_ons_done"] == add_ons

    eventually(there, 30, lambda: f"an active group with {add_ons} add-ons: {seen} {api.get(f'/bots/{bot_id}')}")
    return seen


def _price(platform: Platform, symbol: str, ask: Decimal) -> None:
    """Set bid and ask a hundredth of a percent apart, both on the market's price steps."""
    ask = ask.quantize(Decimal("0.1"))
    set_price(platform, symbol, str(ask - Decimal("0.3")), str(ask))


def _result_agrees_with_the_exchange(group: dict[str, Any], book: dict[str, Any], symbol: str) -> None:
    """The realised result is what the account has more than before, coins too few to sell apart."""
    base, quote = symbol.split("/")
    balances = book["balances"]
    started = Decimal(10_000)
    now = money(balances[quote]["free"]) + money(balances[quote]["held"])
    assert money(group["realised_quote"]) == now - started
    left = balances.get(base, {"free": "0", "held": "0"})
    assert money(group["dust_base"] or 0) == money(left["free"]) + money(left["held"])


def _every_order_is_explained(api: Api, bot_id: str) -> None:
    entries = journal(api, bot_id)
    decisions = {fact["decision"]["decision_id"]: fact["decision"] for fact in facts(entries, "decided")}
    verdicts = [decisions[fact["command"]["decision_id"]]["verdict"] for fact in facts(entries, "order_intended")]
    assert verdicts == ["OPEN", "ADD_ON", "EXIT"]
    assert all(decision["numbers"] for decision in decisions.values() if decision["verdict"] != "WAIT")
