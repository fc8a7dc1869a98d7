"""What a user sees of a connection test: every step, one code, one plain sentence, one thing to do."""

from typing import get_args

import pytest
from backfuture_common.domain.ids import ExchangeId
from backfuture_common.messages.connections import TestCode
from backfuture_connector.core.failures import FailureKind
from backfuture_connector.core.guidance import guidance
from backfuture_connector.core.key_verdict import KeyVerdict
from backfuture_connector.core.report import STEPS, Report, Subject, removed, status_of, with_verdict
from backfuture_connector.core.step_codes import code_for, trial_order_code

from tests.unit.connector.build import CONNECTION, EXCHANGE, NOW_MS, OWNER, connection

CODES: tuple[TestCode, ...] = get_args(TestCode)
SUBJECT = Subject(connection_id=CONNECTION, owner=OWNER, exchange=EXCHANGE, test_id="test_9", credential_version=3)


def started() -> Report:
    return Report.start(SUBJECT, NOW_MS)


def test_a_running_test_never_allows_trading() -> None:
    report = started().begin("reachable", NOW_MS).end("reachable", "passed", NOW_MS + 20)
    state = report.begin("key", NOW_MS + 20).running(NOW_MS + 20)
    assert (state.status, state.code, state.trade_allowed) == ("testing", None, False)
    assert [step.status for step in state.steps[:3]] == ["passed", "running", "pending"]
    assert state.steps[0].took_ms == 20


def test_steps_that_did_not_run_are_skipped_at_the_end() -> None:
    report = started().begin("reachable", NOW_MS).end("reachable", "failed", NOW_MS)
    state = report.finished("NETWORK", NOW_MS)
    assert [step.status for step in state.steps] == ["failed", *["skipped"] * (len(STEPS) - 1)]
    assert (state.test_id, state.credential_version) == ("test_9", 3)


@pytest.mark.parametrize("code", CODES)
def test_trading_is_allowed_exactly_when_the_key_is_proven(code: TestCode) -> None:
    state = started().finished(code, NOW_MS)
    assert state.trade_allowed == code.startswith("OK")
    assert state.trade_allowed == (state.status == "online")
    assert (state.status == "refused") == (code == "WITHDRAW_ENABLED")


@pytest.mark.parametrize("exchange", ["kucoin", "mexc", "paper-kucoin", "paper-mexc"])
@pytest.mark.parametrize("code", CODES)
def test_every_code_has_a_message_and_whatever_fails_has_a_hint(code: TestCode, exchange: str) -> None:
    told = guidance(ExchangeId(exchange), code, why="400007")
    assert told.message.endswith(".")
    assert "{" not in told.message + told.hint
    if code != "OK":
        assert told.hint.endswith(".")


def test_the_refused_address_is_told() -> None:
    assert "198.51.100.23" in guidance(ExchangeId("kucoin"), "IP_NOT_ALLOWED", address="198.51.100.23").hint


def test_hints_use_the_exchanges_own_menu() -> None:
    assert "Withdrawal" in guidance(ExchangeId("paper-kucoin"), "WITHDRAW_ENABLED").hint
    assert "Spot: Trade" in guidance(ExchangeId("paper-mexc"), "TRADE_RIGHT_MISSING").hint


def test_a_missing_right_is_named_by_the_step_that_needed_it() -> None:
    assert code_for("no_permission", "key") == "READ_RIGHT_MISSING"
    assert code_for("no_permission", "trade_right") == "TRADE_RIGHT_MISSING"
    assert code_for("no_permission", "balance") == "READ_RIGHT_MISSING"


@pytest.mark.parametrize("kind", get_args(FailureKind))
def test_every_failure_ends_in_a_code_that_does_not_allow_trading(kind: FailureKind) -> None:
    for step in STEPS:
        assert status_of(code_for(kind, step)) != "online"


def test_what_nobody_knows_is_unverifiable() -> None:
    assert code_for("unrecognised", "key") == "PERMISSIONS_UNVERIFIABLE"


@pytest.mark.parametrize("kind", ["insufficient_funds", "below_minimum", "bad_request", "unrecognised"])
def test_a_test_order_refused_for_its_contents_leaves_the_right_proven(kind: FailureKind) -> None:
    assert trial_order_code(kind) is None


def test_a_test_order_refused_for_the_right_ends_the_test() -> None:
    assert trial_order_code("no_permission") == "TRADE_RIGHT_MISSING"


def test_a_removed_connection_allows_nothing_and_shows_nothing() -> None:
    state = removed(connection(), NOW_MS)
    assert (state.status, state.trade_allowed, state.rights, state.code) == ("removed", False, (), None)


def test_a_repeated_check_brings_the_rights_up_to_date() -> None:
    state = with_verdict(connection(), KeyVerdict(code="OK_WARN_NO_IP_LIST", rights=("General",)), NOW_MS)
    assert (state.status, state.code, state.rights) == ("online", "OK_WARN_NO_IP_LIST", ("General",))
