"""When is an order adopted, asked for again, sent again, given up? The rules, case by case."""

from dataclasses import replace

import msgspec
import pytest
from backfuture_common.errors import ErrorInfo
from backfuture_common.messages.orders import LedgerEntry
from backfuture_connector.core.evidence import Absent, Evidence, Finding, Found, NoAnswer, Suspect, Unclear, conclude
from backfuture_connector.core.recovery import (
    Adopt,
    AskAgain,
    CancelRest,
    End,
    GiveUp,
    Next,
    Rules,
    Search,
    SendAgain,
    next_step,
    remember,
)

from tests.unit.connector.build import NOW_MS, entry, order, trade

RULES = Rules()
AFTER_GRACE_MS = NOW_MS + RULES.grace_ms


def step(
    finding: Finding,
    *,
    about: LedgerEntry | None = None,
    absences: int = 2,
    asked_ms: int = AFTER_GRACE_MS,
    **search: object,
) -> Next:
    memory = replace(Search(began_ms=NOW_MS, absences=absences), **search)  # type: ignore[arg-type]  # fields of it
    known = about or entry()
    expired = asked_ms >= known.command.expires_ms
    return next_step(known, memory, finding, asked_ms=asked_ms, now_ms=asked_ms, expired=expired, rules=RULES)


def test_an_order_that_has_ended_is_adopted() -> None:
    found = order("canceled", filled="0.4", cost="40")
    assert step(Found(found)) == Adopt(found)


def test_an_order_that_the_venue_denies_after_the_grace_is_sent_again() -> None:
    assert step(Absent()) == SendAgain()


def test_before_the_grace_has_passed_a_denial_is_not_believed() -> None:
    assert isinstance(step(Absent(), asked_ms=AFTER_GRACE_MS - 1), AskAgain)


def test_the_grace_counts_from_the_last_sending_of_this_process_or_from_the_searchs_beginning() -> None:
    assert isinstance(step(Absent(), sent_ms=NOW_MS + 1), AskAgain)
    assert step(Absent(), began_ms=NOW_MS + 5_000, sent_ms=NOW_MS) == SendAgain()
    assert isinstance(step(Absent(), began_ms=NOW_MS + 1), AskAgain), "an earlier process may have sent it just now"


def test_one_denial_is_not_enough() -> None:
    assert isinstance(step(Absent(), absences=1), AskAgain)


def test_denials_count_only_in_a_row() -> None:
    search = Search(began_ms=NOW_MS)
    for finding in (Absent(), Unclear("network"), Absent()):
        search = remember(search, finding, NOW_MS)
    assert search.absences == 1


@pytest.mark.parametrize("finding", [Unclear("network"), Suspect("trade t1 could be of it")])
def test_without_a_clear_denial_nothing_is_sent_however_long_it_takes(finding: Finding) -> None:
    for asked_ms in range(NOW_MS, NOW_MS + 10 * RULES.give_up_ms, 5_000):
        assert not isinstance(step(finding, asked_ms=asked_ms), SendAgain | End)


@pytest.mark.parametrize("finding", [Unclear("network"), Suspect("it")])
def test_after_too_long_a_person_is_asked(finding: Finding) -> None:
    assert isinstance(step(finding, asked_ms=NOW_MS + RULES.give_up_ms), GiveUp)


def test_an_expired_order_is_not_sent_again() -> None:
    old = entry()
    assert step(Absent(), about=old, asked_ms=old.command.expires_ms) == End(None)


def test_an_order_that_is_to_be_cancelled_is_not_sent_again() -> None:
    doomed = msgspec.structs.replace(entry(), cancel_requested=True)
    assert step(Absent(), about=doomed) == End(None)


def test_an_order_a_person_was_asked_about_is_never_sent_again() -> None:
    assert step(Absent(), about=entry("needs_operator")) == End(None)


def test_a_refusal_of_the_second_sending_counts_once_the_venue_denies_the_first() -> None:
    refusal = ErrorInfo(code="order.insufficient_funds", message="")
    assert step(Absent(), refusal=refusal) == End(refusal)
    assert isinstance(step(Absent(), refusal=refusal, asked_ms=AFTER_GRACE_MS - 1), AskAgain)


def test_an_order_the_venue_once_had_is_never_sent_again() -> None:
    known = entry("open")
    known = msgspec.structs.replace(known, update=msgspec.structs.replace(known.update, exchange_order_id="x1"))
    for asked_ms in range(NOW_MS, NOW_MS + 5 * RULES.give_up_ms, 5_000):
        assert not isinstance(step(Absent(), about=known, absences=99, asked_ms=asked_ms), SendAgain | End)


def test_an_immediate_order_that_rests_is_cancelled_after_a_moment() -> None:
    resting = order("open", filled="0", cost="0")
    search = remember(Search(began_ms=NOW_MS), Found(resting), NOW_MS)
    now_ms = NOW_MS + RULES.rest_patience_ms
    first = next_step(entry(), search, Found(resting), asked_ms=NOW_MS, now_ms=NOW_MS, expired=False, rules=RULES)
    later = next_step(entry(), search, Found(resting), asked_ms=now_ms, now_ms=now_ms, expired=False, rules=RULES)
    assert isinstance(first, AskAgain)
    assert later == CancelRest(resting)


def test_an_order_to_be_cancelled_is_cancelled_at_once() -> None:
    doomed = msgspec.structs.replace(entry(), cancel_requested=True)
    assert isinstance(step(Found(order("open")), about=doomed), CancelRest)


class TestEvidence:
    def test_the_venues_answer_to_the_id_is_enough(self) -> None:
        found = order()
        evidence = Evidence(by_id=found, open_orders=NoAnswer("network"), trades=NoAnswer("network"), asked_ms=NOW_MS)
        assert conclude(entry(), evidence, ()) == Found(found)

    def test_an_answer_about_another_order_is_no_answer(self) -> None:
        for other in (order(client_order_id="bother"), order(side="sell")):
            evidence = Evidence(by_id=other, open_orders=(), trades=(), asked_ms=NOW_MS)
            assert isinstance(conclude(entry(), evidence, ()), Unclear)

    def test_an_order_denied_by_id_is_found_among_the_open_ones(self) -> None:
        resting = order("open")
        evidence = Evidence(by_id=None, open_orders=(resting,), trades=(), asked_ms=NOW_MS)
        assert conclude(entry(), evidence, ()) == Found(resting)

    @pytest.mark.parametrize(
        "evidence",
        [
            Evidence(by_id=NoAnswer("network"), open_orders=(), trades=(), asked_ms=NOW_MS),
            Evidence(by_id=None, open_orders=NoAnswer("network"), trades=(), asked_ms=NOW_MS),
            Evidence(by_id=None, open_orders=(), trades=NoAnswer("network"), asked_ms=NOW_MS),
        ],
    )
    def test_one_missing_answer_leaves_it_unclear(self, evidence: Evidence) -> None:
        assert isinstance(conclude(entry(), evidence, ()), Unclear)

    def test_three_denials_make_it_absent(self) -> None:
        evidence = Evidence(by_id=None, open_orders=(), trades=(), asked_ms=NOW_MS)
        assert conclude(entry(), evidence, ()) == Absent()

    def test_a_nameless_open_order_like_it_is_suspect_unless_it_is_explained(self) -> None:
        nameless = order("open", client_order_id=None, exchange_order_id="x9")
        evidence = Evidence(by_id=None, open_orders=(nameless,), trades=(), asked_ms=NOW_MS)
        assert isinstance(conclude(entry(), evidence, ()), Suspect)
        assert conclude(entry(), evidence, {"x9"}) == Absent()

    def test_a_nameless_trade_that_could_be_of_it_is_suspect(self) -> None:
        evidence = Evidence(by_id=None, open_orders=(), trades=(trade(exchange_order_id="x9"),), asked_ms=NOW_MS)
        assert isinstance(conclude(entry(), evidence, ()), Suspect)
        assert conclude(entry(), evidence, {"x9"}) == Absent()

    @pytest.mark.parametrize(
        "other",
        [trade(side="sell"), trade(price="100.01"), trade(at_ms=NOW_MS - 60_000)],
        ids=["other side", "worse than its limit", "long before"],
    )
    def test_a_trade_that_cannot_be_of_it_is_no_suspect(self, other: object) -> None:
        evidence = Evidence(by_id=None, open_orders=(), trades=(other,), asked_ms=NOW_MS)  # type: ignore[arg-type]
        assert conclude(entry(), evidence, ()) == Absent()
