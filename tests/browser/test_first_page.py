"""The first page, from an empty platform to a closed paper group, as somebody who only looks sees it."""

import re
from decimal import Decimal
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser import log_in
from tests.support.newcomer import closed_groups, connect, eventually, make_bot, money, open_group, paper_key, set_price
from tests.support.platform import Platform

pytestmark = pytest.mark.timeout(300)

ONCE: dict[str, Any] = {"group_cooldown_ms": 24 * 3_600_000, "add_on_cooldown_ms": 1_000}
SYMBOL = "ETH/USDT"


def test_from_first_run_to_a_closed_paper_group(page: Page, platform: Platform) -> None:
    set_price(platform, SYMBOL, "2999.4", "3000")

    log_in(page, platform)
    for nothing in ("No group is open", "No bots yet", "No exchange is connected"):
        expect(page.get_by_text(nothing)).to_be_visible()
    parts = len(platform.status()["parts"])
    expect(page.get_by_text(re.compile(r"^\d+ of \d+$")).first).to_be_visible()
    assert parts > 5

    with platform.api() as api:
        connection = connect(api, "paper-kucoin", paper_key(platform, "kucoin"), "KuCoin Paper Main")
        expect(page.get_by_text("KuCoin Paper Main").first).to_be_visible()
        expect(page.get_by_text("online", exact=True).first).to_be_visible()

        bot_id = make_bot(api, connection["id"], SYMBOL, "ETH dips", **ONCE)
        expect(page.get_by_text("ETH dips").first).to_be_visible()
        expect(page.get_by_text("running", exact=True).first).to_be_visible()
        expect(page.get_by_text("Add-ons").first).to_be_visible()

        eventually(lambda: (open_group(api, bot_id) or {}).get("target") is not None, 30, lambda: "an active group")
        group = open_group(api, bot_id)
        assert group is not None
        target = (money(group["target"]) * Decimal("1.001")).quantize(Decimal("0.1"))
        set_price(platform, SYMBOL, str(target), str(target + Decimal("0.3")))
        eventually(lambda: bool(closed_groups(api, bot_id)), 30, lambda: "the group to close")
    expect(page.get_by_text(re.compile("Group closed")).first).to_be_visible()
    expect(page.get_by_text("No group is open")).to_be_visible()


def test_a_change_at_the_exchange_is_on_the_screen_within_a_second(page: Page, platform: Platform) -> None:
    with platform.api() as api:
        symbol = "SOL/USDT"
        set_price(platform, symbol, "149.9", "150")
        connection = connect(api, "paper-mexc", paper_key(platform, "mexc"), "MEXC live")
        bot_id = make_bot(api, connection["id"], symbol, "SOL live", **ONCE)
        eventually(lambda: (open_group(api, bot_id) or {}).get("target") is not None, 30, lambda: "an active group")
    log_in(page, platform)
    expect(page.get_by_text("149.90").first).to_be_visible()

    took_ms = []
    for cents in ("149.71", "149.63", "149.55", "149.47", "149.39"):
        set_price(platform, symbol, cents, str(Decimal(cents) + Decimal("0.1")))
        begun = page.evaluate("performance.now()")
        page.get_by_text(cents).first.wait_for()
        took_ms.append(page.evaluate("performance.now()") - begun)
    assert sorted(took_ms)[len(took_ms) // 2] < 1_000, took_ms
