"""Every situation a key can be in, as ccxt reports it: raw code in the text, and the class the code is mapped to."""

import time
from typing import Any

import ccxt
import pytest

from tests.contract.paper.conftest import Connect
from tests.support.paper import Credentials, Paper

VENUES = pytest.mark.parametrize("venue", ["kucoin", "mexc"])


async def key_info(exchange: Any) -> Any:
    if exchange.id == "kucoin":
        return (await exchange.privateGetUserApiKey())["data"]
    return await exchange.spotPrivateGetApiKeyInfo({"accessKey": exchange.apiKey})


def altered(credentials: Credentials, **changes: str) -> Credentials:
    merged: Credentials = {**credentials, **changes}  # type: ignore[typeddict-item]  # keys are those of Credentials
    return merged


async def test_kucoin_tells_a_keys_rights(paper: Paper, connect: Connect) -> None:
    credentials = paper.key("kucoin", ["read", "trade"], ip_list=["127.0.0.1", "203.0.113.7"])

    info = await key_info(await connect(paper, "kucoin", credentials))

    assert info["apiKey"] == credentials["api_key"]
    assert info["permission"] == "General,Spot"
    assert info["ipWhitelist"] == "127.**.1,203.**.7"
    assert isinstance(info["isMaster"], bool)


async def test_mexc_tells_a_keys_rights(paper: Paper, connect: Connect) -> None:
    open_key = paper.key("mexc", ["read", "trade"])
    bound_key = paper.key("mexc", ["read"], ip_list=["127.0.0.1"])

    info = await key_info(await connect(paper, "mexc", open_key))
    bound = await key_info(await connect(paper, "mexc", bound_key))

    assert info["accessKey"] == open_key["api_key"]
    assert info["permissions"] == "SPOT_ACCOUNT_READ,SPOT_DEAL_READ,SPOT_DEAL_WRITE"
    assert (info["ipWhiteList"], info["status"], int(info["remainingValidity"])) == ("", "VALID", 89)
    assert (bound["permissions"], bound["ipWhiteList"]) == ("SPOT_ACCOUNT_READ,SPOT_DEAL_READ", "127.0.0.1")
    assert "remainingValidity" not in bound


@VENUES
async def test_the_withdrawal_and_transfer_rights_have_the_venues_odd_names(
    paper: Paper, connect: Connect, venue: str
) -> None:
    exchange = await connect(paper, venue, paper.key(venue, ["read", "trade", "withdraw", "transfer"]))

    info = await key_info(exchange)

    tokens = set(info["permission" if venue == "kucoin" else "permissions"].split(","))
    expected = {
        "kucoin": {"Transfer", "InnerTransfer"},
        "mexc": {"SPOT_WITHDRAW_READ", "SPOT_WITHDRAW_WRITE", "SPOT_TRANSFER_READ", "SPOT_TRANSFER_WRITE"},
    }[venue]
    assert expected < tokens


@pytest.mark.parametrize(
    ("venue", "changes", "code", "error"),
    [
        ("kucoin", {"api_key": "0123456789abcdef01234567"}, "400003", ccxt.AuthenticationError),
        ("kucoin", {"secret": "wrong"}, "400005", ccxt.AuthenticationError),
        ("kucoin", {"passphrase": "wrong"}, "400004", ccxt.AuthenticationError),
        ("mexc", {"api_key": "mx0vWRONG"}, "10072", ccxt.BadRequest),
        ("mexc", {"secret": "wrong"}, "700002", ccxt.AuthenticationError),
    ],
)
async def test_wrong_credentials(
    paper: Paper, connect: Connect, *, venue: str, changes: dict[str, str], code: str, error: type[Exception]
) -> None:
    exchange = await connect(paper, venue, altered(paper.key(venue), **changes))

    for call in (key_info(exchange), exchange.fetch_balance()):
        with pytest.raises(error, match=code):
            await call


@VENUES
async def test_missing_headers(paper: Paper, connect: Connect, venue: str) -> None:
    exchange = await connect(paper, venue)
    url = {"kucoin": "/kucoin/api/v1/user/api-key", "mexc": "/mexc/api/v3/account"}[venue]

    with pytest.raises(ccxt.BaseError, match={"kucoin": "400001", "mexc": "api key required"}[venue]):
        await exchange.fetch(paper.url + url)


@VENUES
async def test_an_address_that_is_not_on_the_list(paper: Paper, connect: Connect, venue: str) -> None:
    exchange = await connect(paper, venue, paper.key(venue, ip_list=["198.51.100.0/24"]))

    error, text = {
        "kucoin": (ccxt.AuthenticationError, r"400006.*the current clientIp is:127\.0\.0\.1"),
        "mexc": (ccxt.BadRequest, r"700006|IP \[127\.0\.0\.1\] not in the ip white list"),
    }[venue]
    with pytest.raises(error, match=text):
        await key_info(exchange)


@VENUES
async def test_an_expired_key(paper: Paper, connect: Connect, venue: str) -> None:
    exchange = await connect(paper, venue, paper.key(venue, expires_days=0))

    with pytest.raises(ccxt.AuthenticationError, match={"kucoin": "400003", "mexc": "700002"}[venue]):
        await key_info(exchange)


@VENUES
async def test_a_key_that_may_only_read(paper: Paper, connect: Connect, venue: str) -> None:
    credentials = paper.key(venue, ["read"])
    exchange = await connect(paper, venue, credentials)
    refusal = {"kucoin": (ccxt.AuthenticationError, "400007"), "mexc": (ccxt.AuthenticationError, "700007")}[venue]

    assert (await exchange.fetch_balance())["USDT"]["total"] == 10_000
    for params in ({}, {"test": True}):
        with pytest.raises(refusal[0], match=refusal[1]):
            await exchange.create_order("ETH/USDT", "limit", "buy", 0.1, 2000, params)
    with pytest.raises(refusal[0], match=refusal[1]):
        await exchange.cancel_order("x", "ETH/USDT")

    assert paper.account(credentials)["orders"] == []


@VENUES
async def test_withdrawing_needs_its_own_right_and_is_recorded(paper: Paper, connect: Connect, venue: str) -> None:
    safe_key, rich_key = paper.key(venue), paper.key(venue, ["read", "withdraw"])
    safe, rich = await connect(paper, venue, safe_key), await connect(paper, venue, rich_key)

    async def withdraw(exchange: Any) -> None:
        if venue == "kucoin":
            await exchange.privatePostWithdrawals({"currency": "USDT", "amount": "100", "toAddress": "somewhere"})
        else:
            await exchange.spotPrivatePostCapitalWithdraw({"coin": "USDT", "amount": "100", "address": "somewhere"})

    with pytest.raises(ccxt.AuthenticationError):
        await withdraw(safe)
    await withdraw(rich)

    assert [m["kind"] for m in paper.account(safe_key)["movements"]] == ["deposit"]
    assert [(m["kind"], m["amount"]) for m in paper.account(rich_key)["movements"]] == [
        ("deposit", "10000"),
        ("withdrawal", "-100"),
    ]
    assert paper.totals(rich_key)["USDT"] == 9_900


async def test_a_mexc_trade_key_may_not_read_the_coin_list(paper: Paper, connect: Connect) -> None:
    exchange = await connect(paper, "mexc", paper.key("mexc"))

    with pytest.raises(ccxt.AuthenticationError, match="700007"):
        await exchange.fetch_currencies()


@VENUES
async def test_a_right_that_is_added_later_shows_at_once(paper: Paper, connect: Connect, venue: str) -> None:
    credentials = paper.key(venue)
    exchange = await connect(paper, venue, credentials)

    paper.control("key", api_key=credentials["api_key"], rights=["read", "trade", "withdraw"])

    assert ("Transfer" if venue == "kucoin" else "SPOT_WITHDRAW_WRITE") in str(await key_info(exchange))


@VENUES
async def test_a_frozen_account(paper: Paper, connect: Connect, venue: str) -> None:
    credentials = paper.key(venue)
    exchange = await connect(paper, venue, credentials)

    paper.control("key", api_key=credentials["api_key"], state="account_frozen")

    with pytest.raises(ccxt.AccountSuspended, match={"kucoin": "411100", "mexc": "30018"}[venue]):
        await exchange.create_order("ETH/USDT", "limit", "buy", 0.1, 2000)


async def test_a_locked_mexc_key_says_so_of_itself(paper: Paper, connect: Connect) -> None:
    credentials = paper.key("mexc")
    exchange = await connect(paper, "mexc", credentials)

    paper.control("key", api_key=credentials["api_key"], state="locked")

    assert (await key_info(exchange))["status"] != "VALID"


@VENUES
@pytest.mark.parametrize("offset_ms", [-20_000, 20_000])
async def test_a_clock_that_is_off(paper: Paper, connect: Connect, venue: str, offset_ms: int) -> None:
    exchange = await connect(paper, venue, paper.key(venue))

    paper.control("clock", offset_ms=offset_ms)

    with pytest.raises(ccxt.InvalidNonce, match={"kucoin": "400002", "mexc": "700003"}[venue]):
        await key_info(exchange)
    assert abs(await exchange.fetch_time() - time.time() * 1000 - offset_ms) < 2_000


async def test_a_receive_window_that_is_too_long(paper: Paper, connect: Connect) -> None:
    exchange = await connect(paper, "mexc", paper.key("mexc"), options={"recvWindow": 70_000})

    with pytest.raises(ccxt.InvalidNonce, match="700005"):
        await key_info(exchange)


@VENUES
@pytest.mark.parametrize(
    ("kind", "errors"),
    [
        ("maintenance", {"kucoin": ccxt.ExchangeNotAvailable, "mexc": ccxt.OnMaintenance}),
        ("region", {"kucoin": ccxt.ExchangeError, "mexc": ccxt.ExchangeNotAvailable}),
        ("html", {"kucoin": ccxt.ExchangeNotAvailable, "mexc": ccxt.ExchangeNotAvailable}),
        ("rate_limit", {"kucoin": ccxt.RateLimitExceeded, "mexc": ccxt.RateLimitExceeded}),
        ("server_error", {"kucoin": ccxt.ExchangeNotAvailable, "mexc": ccxt.ExchangeError}),
        ("gateway_timeout", {"kucoin": ccxt.RequestTimeout, "mexc": ccxt.RequestTimeout}),
    ],
)
async def test_a_venue_that_is_not_available(
    paper: Paper, connect: Connect, venue: str, kind: str, errors: dict[str, type[Exception]]
) -> None:
    exchange = await connect(paper, venue, paper.key(venue))

    paper.control("outage", venue=venue, kind=kind)
    with pytest.raises(errors[venue]) as caught:
        await key_info(exchange)
    paper.clear_faults()

    assert caught.type is errors[venue]
    await key_info(exchange)


@VENUES
async def test_two_keys_may_share_an_account(paper: Paper, connect: Connect, venue: str) -> None:
    first = paper.key(venue)
    second = paper.key(venue, ["read"], account=first["account"])
    trader, reader = await connect(paper, venue, first), await connect(paper, venue, second)

    made = await trader.create_order("ETH/USDT", "limit", "buy", 0.1, 1000)

    assert (await reader.fetch_order(made["id"], "ETH/USDT"))["status"] == "open"
