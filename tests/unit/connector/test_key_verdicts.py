"""A key is trade-only when the exchange itself says so, completely and in known words."""

from collections.abc import Mapping
from typing import Any

import pytest
from backfuture_common.messages.connections import TestCode
from backfuture_connector.core.key_kucoin import judge_kucoin
from backfuture_connector.core.key_mexc import judge_mexc
from backfuture_connector.core.key_verdict import DAY_MS

from tests.unit.connector.build import NOW_MS

KEY = "6705f5c311545b000157d3eb"
MISSING = object()


def kucoin(**changes: object) -> Mapping[str, Any]:
    data: dict[str, object] = {
        "remark": "bot",
        "apiKey": KEY,
        "apiVersion": 3,
        "permission": "General,Spot",
        "ipWhitelist": "203.**.154",
        "createdAt": 1728443843000,
        "uid": 165111215,
        "isMaster": True,
        **changes,
    }
    return {"code": "200000", "data": {name: value for name, value in data.items() if value is not MISSING}}


def mexc(**changes: object) -> Mapping[str, Any]:
    data: dict[str, object] = {
        "note": "bot",
        "accessKey": KEY,
        "createTime": "2026-09-14T18:53:36.000+00:00",
        "permissions": "SPOT_ACCOUNT_READ,SPOT_DEAL_READ,SPOT_DEAL_WRITE",
        "remainingValidity": 82,
        "ipWhiteList": "203.0.113.10",
        "status": "VALID",
        **changes,
    }
    return {name: value for name, value in data.items() if value is not MISSING}


KUCOIN: list[tuple[dict[str, object], TestCode]] = [
    ({}, "OK"),
    ({"permission": "General, Spot ,Futures,Margin,Earn"}, "OK"),
    ({"ipWhitelist": ""}, "OK_WARN_NO_IP_LIST"),
    ({"ipWhitelist": MISSING}, "OK_WARN_NO_IP_LIST"),
    ({"ipWhitelist": None}, "OK_WARN_NO_IP_LIST"),
    ({"permission": "General,Spot,Transfer"}, "WITHDRAW_ENABLED"),
    ({"permission": "General,Spot,transfer"}, "WITHDRAW_ENABLED"),
    ({"permission": "General,Futures,Spot,Earn,InnerTransfer,Transfer,Margin"}, "WITHDRAW_ENABLED"),
    ({"permission": "General,Spot,Withdraw"}, "WITHDRAW_ENABLED"),
    ({"permission": "General,Spot,ApiWithdrawalV2"}, "WITHDRAW_ENABLED"),
    ({"permission": "General,Spot,InnerTransfer"}, "TRANSFER_ENABLED"),
    ({"permission": "Spot"}, "READ_RIGHT_MISSING"),
    ({"permission": "General"}, "TRADE_RIGHT_MISSING"),
    ({"permission": "General,Futures"}, "TRADE_RIGHT_MISSING"),
    ({"permission": "General,Spot,Lottery"}, "PERMISSIONS_UNVERIFIABLE"),
    ({"permission": "General,,Spot"}, "PERMISSIONS_UNVERIFIABLE"),
    ({"permission": ""}, "PERMISSIONS_UNVERIFIABLE"),
    ({"permission": None}, "PERMISSIONS_UNVERIFIABLE"),
    ({"permission": MISSING}, "PERMISSIONS_UNVERIFIABLE"),
    ({"permission": ["General", "Spot"]}, "PERMISSIONS_UNVERIFIABLE"),
    ({"permission": True}, "PERMISSIONS_UNVERIFIABLE"),
    ({"apiKey": "another"}, "PERMISSIONS_UNVERIFIABLE"),
    ({"apiKey": MISSING}, "PERMISSIONS_UNVERIFIABLE"),
    ({"ipWhitelist": ["203.0.113.10"]}, "PERMISSIONS_UNVERIFIABLE"),
]

MEXC: list[tuple[dict[str, object], TestCode]] = [
    ({}, "OK"),
    ({"ipWhiteList": ""}, "OK_WARN_NO_IP_LIST"),
    ({"ipWhiteList": MISSING}, "OK_WARN_NO_IP_LIST"),
    ({"remainingValidity": 7}, "OK_WARN_EXPIRES_SOON"),
    ({"remainingValidity": 7, "ipWhiteList": ""}, "OK_WARN_EXPIRES_SOON"),
    ({"remainingValidity": 8}, "OK"),
    ({"remainingValidity": MISSING}, "OK"),
    ({"remainingValidity": -1}, "OK"),
    ({"remainingValidity": -1, "ipWhiteList": ""}, "KEY_EXPIRED"),
    ({"remainingValidity": 0}, "KEY_EXPIRED"),
    ({"status": "EXPIRED"}, "KEY_EXPIRED"),
    ({"status": ""}, "KEY_EXPIRED"),
    ({"status": MISSING}, "PERMISSIONS_UNVERIFIABLE"),
    ({"status": True}, "PERMISSIONS_UNVERIFIABLE"),
    ({"permissions": "SPOT_ACCOUNT_READ,SPOT_DEAL_READ,SPOT_DEAL_WRITE,SPOT_WITHDRAW_WRITE"}, "WITHDRAW_ENABLED"),
    ({"permissions": "SPOT_ACCOUNT_READ,SPOT_DEAL_READ,SPOT_DEAL_WRITE,SPOT_WITHDRAW_READ"}, "WITHDRAW_ENABLED"),
    ({"permissions": "SPOT_WITHDRAW_WRITE", "status": "LOCKED"}, "WITHDRAW_ENABLED"),
    ({"permissions": "SPOT_ACCOUNT_READ,SPOT_DEAL_READ,SPOT_DEAL_WRITE,SPOT_TRANSFER_WRITE"}, "TRANSFER_ENABLED"),
    ({"permissions": "SPOT_ACCOUNT_READ,SPOT_DEAL_READ,SPOT_DEAL_WRITE,SPOT_TRANSFER_READ"}, "OK"),
    ({"permissions": "SPOT_ACCOUNT_READ,SPOT_DEAL_READ,SPOT_DEAL_WRITE,NFT_READ"}, "OK"),
    ({"permissions": "SPOT_ACCOUNT_READ,SPOT_DEAL_READ,SPOT_DEAL_WRITE,NFT_WRITE"}, "PERMISSIONS_UNVERIFIABLE"),
    ({"permissions": "spot_account_read,spot_deal_read,spot_deal_write"}, "PERMISSIONS_UNVERIFIABLE"),
    ({"permissions": "SPOT_ACCOUNT_READ,SPOT_DEAL_READ"}, "TRADE_RIGHT_MISSING"),
    ({"permissions": "SPOT_DEAL_READ,SPOT_DEAL_WRITE"}, "READ_RIGHT_MISSING"),
    ({"permissions": "SPOT_ACCOUNT_READ,SPOT_DEAL_WRITE"}, "READ_RIGHT_MISSING"),
    ({"permissions": ""}, "PERMISSIONS_UNVERIFIABLE"),
    ({"permissions": None}, "PERMISSIONS_UNVERIFIABLE"),
    ({"permissions": MISSING}, "PERMISSIONS_UNVERIFIABLE"),
    ({"permissions": ["SPOT_ACCOUNT_READ"]}, "PERMISSIONS_UNVERIFIABLE"),
    ({"accessKey": "another"}, "PERMISSIONS_UNVERIFIABLE"),
    ({"accessKey": None}, "PERMISSIONS_UNVERIFIABLE"),
    ({"remainingValidity": "82"}, "PERMISSIONS_UNVERIFIABLE"),
    ({"remainingValidity": True}, "PERMISSIONS_UNVERIFIABLE"),
    ({"ipWhiteList": 5}, "PERMISSIONS_UNVERIFIABLE"),
    ({"code": 0}, "PERMISSIONS_UNVERIFIABLE"),
]


@pytest.mark.parametrize(("changes", "code"), KUCOIN)
def test_kucoins_answer_is_judged(changes: dict[str, object], code: TestCode) -> None:
    assert judge_kucoin(kucoin(**changes), KEY).code == code


@pytest.mark.parametrize(("changes", "code"), MEXC)
def test_mexcs_answer_is_judged(changes: dict[str, object], code: TestCode) -> None:
    assert judge_mexc(mexc(**changes), KEY, NOW_MS).code == code


@pytest.mark.parametrize("answer", [None, [], "", "OK", 5, {}, {"code": "200000"}, {"code": "200000", "data": None}])
def test_an_answer_of_another_shape_proves_nothing(answer: object) -> None:
    assert judge_kucoin(answer, KEY).code == "PERMISSIONS_UNVERIFIABLE"
    assert judge_mexc(answer, KEY, NOW_MS).code == "PERMISSIONS_UNVERIFIABLE"


def test_a_success_code_that_is_a_number_proves_nothing() -> None:
    assert judge_kucoin({**kucoin(), "code": 200000}, KEY).code == "PERMISSIONS_UNVERIFIABLE"


def test_an_empty_key_matches_no_answer() -> None:
    assert judge_kucoin(kucoin(apiKey=""), "").code == "PERMISSIONS_UNVERIFIABLE"
    assert judge_mexc(mexc(accessKey=""), "", NOW_MS).code == "PERMISSIONS_UNVERIFIABLE"


def test_rights_ip_list_and_end_of_the_key_are_told_in_the_exchanges_words() -> None:
    verdict = judge_mexc(mexc(remainingValidity=30), KEY, NOW_MS)
    assert verdict.rights == ("SPOT_ACCOUNT_READ", "SPOT_DEAL_READ", "SPOT_DEAL_WRITE")
    assert verdict.ip_restricted is True
    assert verdict.expires_ms == NOW_MS + 30 * DAY_MS


def test_no_reason_ever_names_the_key() -> None:
    for changes, _ in KUCOIN:
        assert KEY not in judge_kucoin(kucoin(**changes), KEY).why
