"""The venues' own words decide what a failure means; what nobody knows is not guessed."""

import pytest
from backfuture_connector.core.classification import classify
from backfuture_connector.core.failures import Answer, VenueError, local_failure
from backfuture_connector.core.order_outcomes import placing_outcome

from tests.unit.connector.corpus import CORPUS, Case

CERTAIN_CLASSES = (
    "InsufficientFunds",
    "InvalidOrder",
    "BadRequest",
    "BadSymbol",
    "AuthenticationError",
    "PermissionDenied",
    "RateLimitExceeded",
    "ArgumentsRequired",
)
ANCESTORS = {
    "BadSymbol": {"BadRequest"},
    "PermissionDenied": {"AuthenticationError"},
    "DuplicateOrderId": {"InvalidOrder"},
    "OrderNotFound": {"InvalidOrder"},
    "RequestTimeout": {"NetworkError"},
    "ExchangeNotAvailable": {"NetworkError"},
    "InvalidNonce": {"NetworkError"},
}


def answer(
    error_class: str, *, status: int | None = 400, code: str | None = "123456789", sent: bool = True, text: str = ""
) -> Answer:
    return Answer(
        sent=sent,
        http_status=status,
        code=code,
        text=text,
        error_class=error_class,
        ancestors=frozenset(ANCESTORS.get(error_class, set())),
    )


CODED = [case for case in CORPUS if isinstance(case.body, dict) and "code" in case.body and case.kind != "bad_request"]


@pytest.mark.parametrize("case", CODED, ids=lambda case: case.name)
def test_the_code_decides_whatever_class_ccxt_gives(case: Case) -> None:
    assert isinstance(case.body, dict)
    text = str(case.body.get("msg") or case.body.get("message"))
    for error_class in ("ExchangeError", "AuthenticationError", "NetworkError"):
        raw = answer(error_class, status=case.status, code=str(case.body["code"]), text=text)
        if case.kind == "unrecognised" and error_class != "ExchangeError":
            continue
        assert classify(case.venue, raw).kind == case.kind


def test_the_address_the_venue_saw_is_told() -> None:
    raw = answer("AuthenticationError", code="400006", text="the current clientIp is:198.51.100.23")
    assert classify("kucoin", raw).seen_address == "198.51.100.23"


@pytest.mark.parametrize("error_class", CERTAIN_CLASSES)
def test_an_unknown_code_of_a_certain_class_refuses_the_order(error_class: str) -> None:
    assert placing_outcome(classify("mexc", answer(error_class))) == "refused"


@pytest.mark.parametrize(
    "error_class", ["ExchangeError", "DuplicateOrderId", "OrderNotFound", "NetworkError", "RequestTimeout", "KeyError"]
)
def test_every_other_class_leaves_the_order_unknown(error_class: str) -> None:
    assert placing_outcome(classify("mexc", answer(error_class))) == "unknown"


@pytest.mark.parametrize("error_class", [*CERTAIN_CLASSES, "ExchangeError"])
@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_server_error_leaves_the_order_unknown_whatever_it_says(error_class: str, status: int) -> None:
    failure = classify("kucoin", answer(error_class, status=status, code="200004", text="Balance insufficient!"))
    assert placing_outcome(failure) == "unknown"


@pytest.mark.parametrize("error_class", CERTAIN_CLASSES)
def test_without_the_venues_own_words_the_order_is_unknown(error_class: str) -> None:
    assert placing_outcome(classify("kucoin", answer(error_class, code=None, status=403))) == "unknown"


def test_a_connection_cut_after_sending_leaves_the_order_unknown() -> None:
    raw = answer("ExchangeNotAvailable", status=None, code=None)
    failure = classify("kucoin", raw)
    assert (failure.kind, placing_outcome(failure)) == ("network", "unknown")


def test_what_never_left_was_not_sent() -> None:
    assert placing_outcome(local_failure("signer_unavailable", "KeyVaultUnreachable")) == "not_sent"


def test_the_text_of_a_failure_never_holds_the_raw_answer() -> None:
    raw = answer("AuthenticationError", code="400005", text="Invalid KC-API-SIGN signature=abc")
    assert "abc" not in str(VenueError(classify("kucoin", raw)))
