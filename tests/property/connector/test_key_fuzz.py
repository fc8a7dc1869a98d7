"""No answer about a key that differs from a proven trade-only one is ever taken for one."""

import copy
from collections.abc import Callable
from typing import Any

from backfuture_connector.core.key_kucoin import KNOWN as KUCOIN_KNOWN
from backfuture_connector.core.key_kucoin import judge_kucoin
from backfuture_connector.core.key_mexc import KNOWN as MEXC_KNOWN
from backfuture_connector.core.key_mexc import judge_mexc
from backfuture_connector.core.key_verdict import KeyVerdict
from hypothesis import given, settings
from hypothesis import strategies as st

KEY = "6705f5c311545b000157d3eb"
NOW_MS = 1_700_000_000_000

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)
Judge = Callable[[object], KeyVerdict]


def kucoin(answer: object) -> KeyVerdict:
    return judge_kucoin(answer, KEY)


def mexc(answer: object) -> KeyVerdict:
    return judge_mexc(answer, KEY, NOW_MS)


GOOD: dict[str, tuple[Judge, dict[str, Any], str]] = {
    "kucoin": (
        kucoin,
        {"code": "200000", "data": {"apiKey": KEY, "permission": "General,Spot", "ipWhitelist": "203.0.113.10"}},
        "permission",
    ),
    "mexc": (
        mexc,
        {
            "accessKey": KEY,
            "permissions": "SPOT_ACCOUNT_READ,SPOT_DEAL_READ,SPOT_DEAL_WRITE",
            "remainingValidity": 82,
            "ipWhiteList": "203.0.113.10",
            "status": "VALID",
        },
        "permissions",
    ),
}
PROOF = {"kucoin": ("apiKey", "permission"), "mexc": ("accessKey", "permissions", "status")}
"""Fields without which nothing is proven."""

venues = st.sampled_from(sorted(GOOD))


def body_of(venue: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a fresh good answer and the part of it that tells of the key."""
    answer = copy.deepcopy(GOOD[venue][1])
    return answer, answer.get("data", answer)


@given(venue=venues, answer=json_values)
def test_no_random_answer_is_ok(venue: str, answer: object) -> None:
    assert not GOOD[venue][0](answer).ok


@given(venue=venues, data=st.data(), value=json_values)
def test_a_proof_field_replaced_by_anything_else_is_not_ok(venue: str, data: st.DataObject, value: object) -> None:
    answer, body = body_of(venue)
    name = data.draw(st.sampled_from(PROOF[venue]))
    if value == body[name]:
        return
    body[name] = value
    assert not GOOD[venue][0](answer).ok


@given(venue=venues, data=st.data())
def test_a_missing_proof_field_is_not_ok(venue: str, data: st.DataObject) -> None:
    answer, body = body_of(venue)
    del body[data.draw(st.sampled_from(PROOF[venue]))]
    assert not GOOD[venue][0](answer).ok


@given(venue=venues, token=st.text(min_size=1, max_size=20), place=st.integers(0, 3))
@settings(max_examples=300)
def test_an_unknown_right_anywhere_in_the_list_is_not_ok(venue: str, token: str, place: int) -> None:
    known = KUCOIN_KNOWN if venue == "kucoin" else MEXC_KNOWN
    clean = token.strip()
    parts = {part.strip() for part in clean.split(",")}
    harmless = all(part.lower() in known or part in known or part.endswith("_READ") for part in parts)
    if harmless:
        return
    answer, body = body_of(venue)
    rights = body[GOOD[venue][2]].split(",")
    rights.insert(min(place, len(rights)), token)
    body[GOOD[venue][2]] = ",".join(rights)
    assert not GOOD[venue][0](answer).ok


@given(
    venue=venues,
    before=st.text("ABCDEFGHIJ_", max_size=8),
    after=st.text("ABCDEFGHIJ_", max_size=8),
    case=st.sampled_from([str.upper, str.lower, str.title]),
    place=st.integers(0, 3),
)
def test_whatever_says_withdraw_refuses_the_key(
    venue: str, before: str, after: str, case: Callable[[str], str], place: int
) -> None:
    answer, body = body_of(venue)
    rights = body[GOOD[venue][2]].split(",")
    rights.insert(min(place, len(rights)), before + case("withdraw") + after)
    body[GOOD[venue][2]] = ",".join(rights)
    assert GOOD[venue][0](answer).code == "WITHDRAW_ENABLED"


@given(venue=venues)
def test_the_good_answers_are_good(venue: str) -> None:
    assert GOOD[venue][0](GOOD[venue][1]).ok
