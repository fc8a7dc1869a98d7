"""What unmodified ccxt asks to be signed for eight more venues: all a connector needs passes, no money moves."""

import contextlib
from functools import lru_cache
from typing import Any

import ccxt
import pytest
from backfuture_common.domain.ids import ExchangeId
from backfuture_key_vault.policy import Allowed, Context, Denied, Verdict, judge

from tests.support.ccxt_venues import (
    FORBIDDEN,
    NOW_MS,
    VENUES,
    Asked,
    Tape,
    api_key,
    asked_by,
    exchange_of,
    honest_calls,
    money_endpoints,
)

BY_PARAMETERS = {"binance", "bingx", "bybit"}
"""Venues that do not sign the path."""
KEY_RIGHTS = {"htx": ("user/api-key", "v2/user/api-key")}
"""Where the path of the question what the key may do reads like one that makes keys."""


def offered(venue: str) -> list[str]:
    """Return which of the forbidden calls ccxt makes for this venue at all."""
    asks = [name for name, call in FORBIDDEN.items() if asked_by(_shared(venue), call)]
    ends_with_a_question = {("coinbase", "withdraw"), ("coinbase", "withdrawals")}  # which account, and no answer
    return [name for name in asks if (venue, name) not in ends_with_a_question]


@lru_cache
def _shared(venue: str) -> Any:
    return exchange_of(venue)


def verdict_on(venue: str, asked: Asked) -> Verdict:
    context = Context(api_key(venue), NOW_MS, asked.algorithm, asked.body)
    return judge(ExchangeId(venue), asked.message, context)


@pytest.mark.parametrize(("venue", "name"), [(venue, name) for venue in VENUES for name in honest_calls(venue)])
def test_every_request_a_connector_needs_is_signed(venue: str, name: str) -> None:
    asked = asked_by(exchange_of(venue), honest_calls(venue)[name])

    assert asked, "ccxt asked for no signature: the test would prove nothing"
    verdicts = {one.message: verdict_on(venue, one) for one in asked}
    assert all(isinstance(verdict, Allowed) for verdict in verdicts.values()), verdicts


@pytest.mark.parametrize("name", ["limit IOC", "market sell", "cancel", "open orders", "balance", "own trades"])
def test_a_unified_account_of_bitget_is_signed_for_as_well(name: str) -> None:
    asked = asked_by(exchange_of("bitget", unified=True), honest_calls("bitget")[name])
    verdicts = {one.message: verdict_on("bitget", one) for one in asked}
    assert verdicts
    assert all(isinstance(verdict, Allowed) for verdict in verdicts.values()), verdicts


@pytest.mark.parametrize("venue", VENUES)
def test_only_new_orders_count_as_orders(venue: str) -> None:
    exchange = exchange_of(venue)
    for name, call in honest_calls(venue).items():
        *_, last = [verdict_on(venue, one) for one in asked_by(exchange, call)]
        assert isinstance(last, Allowed)
        is_order = any(word in name for word in ("limit", "market", "reduce")) or name == "test order"
        is_order &= (venue, name) != ("coinbase", "test order")
        assert (last.places_order, bool(last.orders)) == (is_order, is_order), name


@pytest.mark.parametrize(("venue", "name"), [(venue, name) for venue in VENUES for name in offered(venue)])
def test_what_ccxt_offers_beyond_that_is_refused(venue: str, name: str) -> None:
    *_, last = asked_by(exchange_of(venue), FORBIDDEN[name])  # what comes before may be a question
    assert isinstance(verdict_on(venue, last), Denied), last


@pytest.mark.parametrize("venue", sorted(set(VENUES) - BY_PARAMETERS))
def test_no_endpoint_of_money_or_keys_that_ccxt_knows_is_signed(venue: str) -> None:
    endpoints = money_endpoints(venue)
    assert len(endpoints) > (5 if venue == "coinbase" else 40)
    for sections, method, path in endpoints:
        for parameters in ({}, {"currency": "USDT", "amount": "1", "address": "TX"}, {"symbol": "BTCUSDT"}):
            for asked in signed_by(venue, sections, method, path, parameters):
                assert isinstance(verdict_on(venue, asked), Denied) or path in KEY_RIGHTS.get(venue, ()), asked


@pytest.mark.parametrize("venue", sorted(BY_PARAMETERS))
def test_no_parameters_that_move_money_are_signed_whatever_the_path(venue: str) -> None:
    """Of each endpoint of money or keys, with the parameters that such requests need at this venue."""
    endpoints = money_endpoints(venue)
    assert len(endpoints) > 40
    for sections, method, path in endpoints:
        for parameters in NEEDED[venue]:
            for asked in signed_by(venue, sections, method, path, parameters):
                assert isinstance(verdict_on(venue, asked), Denied), (method, path, asked)


NEEDED: dict[str, list[dict[str, str]]] = {
    "binance": [
        {"coin": "USDT", "address": "TX", "amount": "1"},
        {"type": "MAIN_UMFUTURE", "asset": "USDT", "amount": "1"},
        {"toEmail": "a", "asset": "USDT", "amount": "1"},
        {"email": "a", "subAccountApiKey": "k", "status": "1"},
        {"asset": "USDT", "amount": "1", "type": "1"},
        {"asset": "USDT", "amount": "1", "symbol": "BTCUSDT", "transFrom": "SPOT", "transTo": "ISOLATED_MARGIN"},
        {"subAccountString": "a"},
        {"subAccountId": "1", "canTrade": "true"},
    ],
    "bingx": [
        {"coin": "USDT", "address": "TX", "amount": "1", "walletType": "1"},
        {"type": "FUND_SFUTURES", "asset": "USDT", "amount": "1"},
        {"coin": "USDT", "userAccountType": "1", "userAccount": "1", "amount": "1", "walletType": "1"},
        {"subUid": "1", "note": "n", "permissions": "[1,2,5]"},
        {"subUid": "1", "apiKey": "k"},
        {"subAccountString": "a"},
    ],
    "bybit": [
        {"coin": "USDT", "chain": "TRX", "address": "TX", "amount": "1"},
        {"transferId": "1", "coin": "USDT", "amount": "1", "fromAccountType": "UNIFIED", "toAccountType": "FUND"},
        {"subuid": "1", "readOnly": "0", "permissions": "x"},
        {"username": "a", "memberType": "1"},
        {"apikey": "k", "readOnly": "0"},
        {"coin": "USDT", "amount": "1"},
    ],
}
"""Documented parameters of withdrawals, transfers, sub-accounts and keys."""


def signed_by(venue: str, sections: list[str], method: str, path: str, parameters: dict[str, str]) -> list[Asked]:
    """Return what ccxt asks to be signed for this endpoint."""
    exchange = _shared(venue)
    exchange.tape = Tape()
    inside = dict.fromkeys(exchange.extract_params(path), "x1")
    with contextlib.suppress(ccxt.BaseError, TypeError, KeyError, AttributeError):
        exchange.sign(path, sections, method, {**inside, **parameters})
    asked: list[Asked] = exchange.tape.asked
    return asked
