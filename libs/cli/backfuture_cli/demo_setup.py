"""The demo: a paper connection and a bot on each paper exchange. Done again, it does what is missing."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from backfuture_cli.api.client import Gateway
from backfuture_cli.api.views import Bot, Connection, Exchange
from backfuture_cli.commands.paper import new_paper_key
from backfuture_cli.commands.testview import TestRun
from backfuture_cli.exits import CliError, Exit

_WITHIN_S = 60.0
_EVERY_S = 0.3

DEMO_STRATEGY: Mapping[str, object] = {
    "kind": "dca",
    "base_order_quote": "100",
    "add_on_quote": "100",
    "max_add_ons": 3,
    "step_percent": "0.25",
    "step_scale": "1.2",
    "volume_scale": "1.2",
    "min_improvement_percent": "0.02",
    "min_gap_percent": "0.1",
    "take_profit_percent": "0.15",
    "group_cooldown_ms": 5_000,
}
"""Small steps: on the paper exchange's generated market groups open, add on and close within minutes."""


@dataclass(frozen=True, slots=True)
class _Plan:
    exchange: str
    venue: str
    connection: str
    bot: str
    symbols: tuple[str, ...]


PLANS = (
    _Plan("paper-kucoin", "kucoin", "Paper KuCoin", "Demo on KuCoin", ("BTC/USDT", "ETH/USDT")),
    _Plan("paper-mexc", "mexc", "Paper MEXC", "Demo on MEXC", ("BTC/USDT", "SOL/USDT")),
)

Say = Callable[[str], None]


def set_up_demo(gateway: Gateway, paper_url: str, say: Say) -> None:
    """Bring every plan to a running bot. Raises :class:`CliError` that says how far it came."""
    for plan in PLANS:
        _wait_for_market(gateway, plan)
        connection = _connection(gateway, paper_url, plan)
        say(f"{plan.connection} is {connection.status}")
        bot = _running_bot(gateway, plan, connection)
        say(f"{bot.name} is {bot.status}")


def _wait_for_market(gateway: Gateway, plan: _Plan) -> None:
    """Wait until the connector has told which markets the exchange has."""

    def known() -> bool:
        exchanges = {exchange.id: exchange for exchange in gateway.items("/exchanges", Exchange)}
        if plan.exchange not in exchanges:
            raise CliError(f"{plan.exchange} is not offered by this gateway", exit_code=Exit.NOT_FOUND)
        return exchanges[plan.exchange].instruments > 0

    _wait(known, f"{plan.exchange} has not told its markets")


def _connection(gateway: Gateway, paper_url: str, plan: _Plan) -> Connection:
    found = _named(gateway.items("/connections", Connection), plan.connection)
    if found is None:
        credential = new_paper_key(paper_url, plan.venue)
        body = {"name": plan.connection, "exchange": plan.exchange, **credential.body()}
        found = gateway.post("/connections", Connection, body)
    elif found.status == "online":
        return found
    elif found.status != "testing":
        found = gateway.post(f"/connections/{found.id}/test", Connection)
    ended = TestRun(gateway, found.id, found.test_id).follow_silently(_WITHIN_S)
    if ended.status != "online":
        raise CliError(f"{ended.name} is {ended.status} ({ended.code}): {ended.message}", ended.hint)
    return ended


def _running_bot(gateway: Gateway, plan: _Plan, connection: Connection) -> Bot:
    found = _named(gateway.items("/bots", Bot), plan.bot)
    if found is None:
        body = {
            "name": plan.bot,
            "connection_id": connection.id,
            "symbols": list(plan.symbols),
            "strategy": dict(DEMO_STRATEGY),
            "margin_limit_quote": "2000",
            "max_active_groups": len(plan.symbols),
        }
        found = gateway.post("/bots", Bot, body)
    if found.status not in {"running", "starting"}:
        found = gateway.post(f"/bots/{found.id}/start", Bot)
    bot_id = found.id

    def running() -> bool:
        return gateway.get(f"/bots/{bot_id}", Bot).status == "running"

    _wait(running, f"{plan.bot} does not run")
    return gateway.get(f"/bots/{bot_id}", Bot)


N = TypeVar("N", Bot, Connection)


def _named(found: list[N], name: str) -> N | None:
    return next((item for item in found if item.name == name), None)


def _wait(condition: Callable[[], bool], otherwise: str) -> None:
    begun = time.monotonic()
    while not condition():
        if time.monotonic() - begun > _WITHIN_S:
            raise CliError(f"{otherwise} after {_WITHIN_S:.0f} s", "see `backfuture doctor`", exit_code=Exit.TIMEOUT)
        time.sleep(_EVERY_S)
