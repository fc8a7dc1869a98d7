"""What unmodified ccxt asks to be signed: all that a connector needs passes, all that it must never do is refused."""

import itertools
from typing import Any

import ccxt
import pytest
from backfuture_common.contracts.key_vault import PASSPHRASE_MARK
from backfuture_common.domain.ids import ExchangeId
from backfuture_key_vault.policy import Allowed, Context, Denied, judge

from tests.support.ccxt_signing import API_KEY, HONEST, SYMBOL, Call, offline, record

NOW_MS = 1_764_000_000_000
CONTEXT = Context(API_KEY, NOW_MS)
PASSPHRASE = PASSPHRASE_MARK.decode()
ORDER = {"symbol": SYMBOL, "type": "limit", "side": "buy", "amount": 1, "price": 1}

FORBIDDEN_CALLS: dict[str, dict[str, Call]] = {
    "kucoin": {
        "withdraw": lambda e: e.withdraw("USDT", 1, "TXaddressaddressaddress", {"network": "TRC20"}),
        "transfer": lambda e: e.transfer("USDT", 1, "main", "trade"),
        "deposit address": lambda e: e.create_deposit_address("USDT"),
        "withdrawals": lambda e: e.fetch_withdrawals("USDT"),
        "margin": lambda e: e.borrow_cross_margin("USDT", 1),
        "several orders": lambda e: e.create_orders([ORDER]),
    },
    "mexc": {
        "withdraw": lambda e: e.withdraw("USDT", 1, "TXaddressaddressaddress", {"network": "TRC20"}),
        "transfer": lambda e: e.transfer("USDT", 1, "spot", "swap"),
        "deposit address": lambda e: e.create_deposit_address("USDT", {"network": "TRC20"}),
        "several orders": lambda e: e.create_orders([ORDER]),
    },
}  # fmt: skip


def messages(venue: str, call: Call) -> list[bytes]:
    exchange = offline(venue, NOW_MS, secret="any-secret-will-do", password=PASSPHRASE)
    exchange.currencies = {"USDT": {"id": "USDT", "code": "USDT", "networks": {}, "precision": 1e-8}}
    return [message for message in record(exchange, call).messages if message != PASSPHRASE_MARK]


@pytest.mark.parametrize(("venue", "name"), [(venue, name) for venue, calls in HONEST.items() for name in calls])
def test_every_request_a_connector_needs_is_signed(venue: str, name: str) -> None:
    signed = messages(venue, HONEST[venue][name])

    assert signed, "ccxt asked for no signature: the test would prove nothing"
    verdicts = {message: judge(ExchangeId(f"paper-{venue}"), message, CONTEXT) for message in signed}
    assert all(isinstance(verdict, Allowed) for verdict in verdicts.values()), verdicts


@pytest.mark.parametrize("venue", HONEST)
def test_only_new_orders_count_as_orders(venue: str) -> None:
    for name, call in HONEST[venue].items():
        verdicts = [judge(ExchangeId(venue), message, CONTEXT) for message in messages(venue, call)]
        is_order = name.startswith(("limit", "market ", "order that")) or (venue == "mexc" and name == "test order")
        assert [v.places_order for v in verdicts if isinstance(v, Allowed)] == [is_order] * len(verdicts), name


@pytest.mark.parametrize(
    ("venue", "name"), [(venue, name) for venue, calls in FORBIDDEN_CALLS.items() for name in calls]
)
def test_what_ccxt_offers_beyond_that_is_refused(venue: str, name: str) -> None:
    signed = messages(venue, FORBIDDEN_CALLS[venue][name])

    assert signed, "ccxt asked for no signature: the test would prove nothing"
    assert all(isinstance(judge(ExchangeId(venue), message, CONTEXT), Denied) for message in signed), signed


def _kucoin_endpoints() -> list[tuple[str, str, str]]:
    """Every private endpoint ccxt knows, as (section, method, path)."""
    described: Any = ccxt.kucoin().describe()
    api = described["api"]
    sections = ("private", "futuresPrivate", "broker", "earn", "utaPrivate")
    return [(s, method.upper(), path) for s in sections for method, paths in api[s].items() for path in paths]


KUCOIN_ALLOWED = {
    "GET": {
        "user/api-key", "hf/accounts/opened", "margin/symbols", "isolated/symbols", "market/orderbook/level2",
        "trade-fees", "accounts", "hf/orders/active", "hf/orders/active/symbols", "hf/orders/done",
        "hf/orders/{orderId}", "hf/orders/client-order/{clientOid}", "hf/fills", "account/mode",
    },
    "POST": {"hf/orders", "hf/orders/test", "hf/orders/sync", "bullet-private"},
    "DELETE": {
        "hf/orders", "hf/orders/cancelAll", "hf/orders/{orderId}", "hf/orders/sync/{orderId}",
        "hf/orders/client-order/{clientOid}", "hf/orders/sync/client-order/{clientOid}",
    },
}  # fmt: skip


def test_of_all_private_endpoints_ccxt_knows_of_kucoin_only_the_listed_are_signed() -> None:
    exchange = offline("kucoin", NOW_MS, secret="any-secret-will-do", password=PASSPHRASE)
    names = "orderId clientOid accountId subUserId withdrawalId symbol level accountMode currency limit"
    fill = dict.fromkeys(names.split(), "x1")
    endpoints = _kucoin_endpoints()
    assert len(endpoints) > 250
    for section, method, path in endpoints:
        exchange.recorded.messages.clear()
        exchange.sign(path, [section], method, {name: value for name, value in fill.items() if f"{{{name}}}" in path})
        message = next(m for m in exchange.recorded.messages if m != PASSPHRASE_MARK)
        allowed = isinstance(judge(ExchangeId("kucoin"), message, CONTEXT), Allowed)
        assert allowed == (path in KUCOIN_ALLOWED.get(method, set())), f"{section} {method} {path} {message!r}"


def test_no_futures_or_broker_request_of_mexc_is_signed() -> None:
    exchange = offline("mexc", NOW_MS, secret="any-secret-will-do")
    api = exchange.describe()["api"]
    found = [
        (section, method.upper(), path)
        for section in ("contract", "spot2", "broker")
        for method, paths in api[section]["private"].items()
        for path in paths
    ]
    assert len(found) > 80
    for (section, method, path), params in itertools.product(found, ({}, {"symbol": "BTC_USDT"})):
        if section == "broker":
            continue  # signed as spot requests are: judged by their parameters, see the MEXC tests
        exchange.recorded.messages.clear()
        exchange.sign(path, [section, "private"], method, dict(params))
        verdicts = [judge(ExchangeId("mexc"), message, CONTEXT) for message in exchange.recorded.messages]
        assert verdicts
        assert all(isinstance(verdict, Denied) for verdict in verdicts), f"{section} {method} {path}"
