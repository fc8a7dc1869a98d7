"""What a newcomer does, in code: keys at the paper exchange, connections, bots, and watching them."""

import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import httpx

from tests.support.platform import Api, Platform

PASSED = {"passed", "warned"}


def paper_key(platform: Platform, venue: str, rights: tuple[str, ...] = ("read", "trade")) -> dict[str, str]:
    """Make a key at the paper exchange, on a new account with play money."""
    answer = httpx.post(
        f"{platform.paper_url}/paper/keys", json={"venue": venue, "rights": list(rights)}, timeout=10, trust_env=False
    )
    answer.raise_for_status()
    key: dict[str, str] = answer.json()
    key.pop("account")
    return key


def paper_book(platform: Platform, api_key: str) -> dict[str, Any]:
    """Return the exchange's own book about the account behind a key."""
    until_s = time.monotonic() + 30
    while True:
        try:
            answer = httpx.get(f"{platform.paper_url}/paper/accounts/{api_key}", timeout=10, trust_env=False)
            answer.raise_for_status()
        except httpx.TransportError:
            assert time.monotonic() < until_s, "the paper exchange does not answer"
            time.sleep(0.3)
            continue
        book: dict[str, Any] = answer.json()
        return book


def set_price(platform: Platform, symbol: str, bid: str, ask: str) -> None:
    """Hold a market at these prices."""
    answer = httpx.post(
        f"{platform.control_url}/control/price", json={"symbol": symbol, "bid": bid, "ask": ask}, timeout=10,
        trust_env=False,
    )  # fmt: skip
    answer.raise_for_status()


def connect(api: Api, exchange: str, key: dict[str, str], name: str = "") -> dict[str, Any]:
    """Add a connection and wait until its test has ended."""
    made = api.post("/connections", {"name": name or f"{exchange} main", "exchange": exchange, **key})
    return await_connection(api, made["id"])


def await_connection(api: Api, connection_id: str, within_s: float = 40) -> dict[str, Any]:
    """Wait until the connection's test has ended."""
    found: dict[str, Any] = {}

    def ended() -> bool:
        found.update(api.get(f"/connections/{connection_id}"))
        return found["status"] != "testing" and found["code"] is not None

    eventually(ended, within_s, lambda: f"the test to end: {found}")
    return found


def make_bot(api: Api, connection_id: str, symbol: str, name: str, limit: str = "400", **strategy: Any) -> str:
    """Make a DCA bot, start it, and return its id."""
    dca: dict[str, Any] = {
        "base_order_quote": "100", "add_on_quote": "100", "max_add_ons": 2, "step_percent": "1", "step_scale": "1",
        "volume_scale": "1", "take_profit_percent": "0.5", "min_improvement_percent": "0.1", "min_gap_percent": "0.5",
        **strategy,
    }  # fmt: skip
    body = {
        "name": name, "connection_id": connection_id, "symbols": [symbol], "strategy": dca,
        "margin_limit_quote": limit, "max_active_groups": 1,
    }  # fmt: skip
    bot_id = str(api.post("/bots", body)["id"])
    eventually(lambda: api.get(f"/bots/{bot_id}")["status"] == "stopped", 20, lambda: "the engine to take the bot")
    api.post(f"/bots/{bot_id}/start")
    return bot_id


def open_group(api: Api, bot_id: str) -> dict[str, Any] | None:
    """Return the bot's live group, if it has one."""
    groups = api.items("/groups", bot_id=bot_id, state="open")
    return groups[0] if groups else None


def closed_groups(api: Api, bot_id: str) -> list[dict[str, Any]]:
    """Return the bot's closed groups, newest first."""
    return api.items("/groups", bot_id=bot_id, state="closed", limit=500)


def money(value: Any) -> Decimal:
    return Decimal(str(value))


def eventually(condition: Callable[[], bool], within_s: float, what: Callable[[], str]) -> None:
    """Wait for the condition, and say what was waited for when it does not come true in time."""
    until_s = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < until_s, f"waited {within_s:g} s for {what()}"
        time.sleep(0.15)
