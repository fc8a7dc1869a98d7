"""Each kind of fact, folded: what it changes, and that it leaves the rest alone."""

from collections.abc import Callable
from typing import get_args

import pytest
from backfuture_common.domain.ids import CommandId, DecisionId, GroupId, Symbol
from backfuture_common.messages.bots import BotState, CloseReason, Decision, ReasonCode, Verdict
from backfuture_common.messages.journal import (
    BotCreated,
    BotDeleted,
    BotFaulted,
    BotStarted,
    BotStopped,
    BotUpdated,
    CloseRequested,
    CommandRefused,
    Decided,
    Fact,
    GroupClosed,
    GroupOpened,
    OrderIntended,
    OrderProgressed,
    SignalEnded,
    SignalHeard,
)
from backfuture_engine.core.evolve import evolve
from msgspec.structs import asdict, replace

from tests.unit.engine.build import ETH, START_MS, D, bot_with_group, fills, idea, running_bot, spec, strategy

RUNNING = replace(running_bot().bot, cooldowns=((ETH, START_MS + 5),), last_blocks=((ETH, ("BALANCE",)),))
OPENED = bot_with_group().bot
GROUP = OPENED.groups[0]
PENDING_LIFE = bot_with_group()
ORDER = PENDING_LIFE.order_at(2850)
PENDING = PENDING_LIFE.bot
BEFORE_ORDER = replace(PENDING, groups=(replace(PENDING.groups[0], pending=None),), unacknowledged=())


def decision(verdict: Verdict, *reasons: ReasonCode) -> Decided:
    return Decided(
        decision=Decision(
            decision_id=DecisionId("bot_a-d9"),
            verdict=verdict,
            symbol=ETH,
            group_id=None,
            reasons=reasons,
            numbers=(),
            at_ms=START_MS,
        )
    )


def closing(reason: CloseReason) -> GroupClosed:
    return GroupClosed(
        group_id=GROUP.group_id,
        reason=reason,
        realised_quote=D("2.5"),
        dust_base=D(0),
        at_ms=START_MS + 10,
    )


Case = tuple[BotState | None, Fact, set[str], Callable[[BotState], bool]]

CASES: dict[type, Case] = {
    BotCreated: (None, BotCreated(spec=spec()), set(), lambda s: not s.running and s.seq == 0 and s.spec == spec()),
    BotUpdated: (OPENED, BotUpdated(spec=spec(name="new")), {"spec"}, lambda s: s.spec.name == "new"),
    BotStarted: (
        replace(RUNNING, running=False, fault="bug"),
        BotStarted(),
        {"running", "fault", "last_blocks"},
        lambda s: s.running and s.fault is None and s.last_blocks == (),
    ),
    BotStopped: (RUNNING, BotStopped(), {"running"}, lambda s: not s.running),
    BotDeleted: (
        RUNNING,
        BotDeleted(),
        {"running", "deleted", "cooldowns", "last_blocks"},
        lambda s: s.deleted and not s.running,
    ),
    BotFaulted: (OPENED, BotFaulted(reason="bug"), {"fault"}, lambda s: s.fault == "bug"),
    CommandRefused: (
        OPENED,
        CommandRefused(command_id=CommandId("c"), reason="no"),
        {"last_refused"},
        lambda s: s.last_refused == "c",
    ),
    Decided: (
        OPENED,
        decision("BLOCK", "BALANCE"),
        {"decisions", "last_blocks"},
        lambda s: s.last_blocks == ((ETH, ("BALANCE",)),) and s.decisions == OPENED.decisions + 1,
    ),
    SignalHeard: (
        OPENED,
        SignalHeard(signal=idea(), kept=True),
        {"signals", "seen_signals"},
        lambda s: s.signals == (idea(),) and s.seen_signals[-1].signal_id == idea().signal_id,
    ),
    SignalEnded: (
        replace(OPENED, signals=(idea(),)),
        SignalEnded(command_id=idea().command_id),
        {"signals"},
        lambda s: s.signals == (),
    ),
    GroupOpened: (
        running_bot().bot,
        GroupOpened(group_id=GroupId("bot_a-g1"), symbol=ETH, strategy=strategy(), at_ms=1, taker_fee=D("0.002")),
        {"groups", "groups_opened"},
        lambda s: s.groups[0].status == "entry_pending" and s.groups[0].taker_fee == D("0.002"),
    ),
    OrderIntended: (
        BEFORE_ORDER,
        OrderIntended(command=ORDER, zone=1),
        {"groups", "unacknowledged"},
        lambda s: s.groups[0].pending is not None and s.groups[0].pending.zone == 1 and s.unacknowledged == (ORDER,),
    ),
    OrderProgressed: (
        PENDING,
        OrderProgressed(
            client_order_id=ORDER.client_order_id,
            group_id=GROUP.group_id,
            status="filled",
            fills=fills(ORDER.amount, D(2850)),
            error=None,
            at_ms=START_MS + 7,
        ),
        {"groups", "unacknowledged"},
        lambda s: s.groups[0].last_fill_price == D(2850) and s.groups[0].last_fill_ms == START_MS + 7,
    ),
    CloseRequested: (
        OPENED,
        CloseRequested(group_id=GROUP.group_id),
        {"groups"},
        lambda s: s.groups[0].close_requested,
    ),
    GroupClosed: (
        OPENED,
        closing("take_profit"),
        {"groups", "groups_closed", "realised_quote"},
        lambda s: s.groups == () and s.groups_closed == 1 and s.realised_quote == D("2.5"),
    ),
}


def test_every_fact_there_is_has_a_case() -> None:
    assert set(CASES) == set(get_args(Fact))


@pytest.mark.parametrize("kind", CASES, ids=lambda kind: kind.__name__)
def test_a_fact_changes_what_it_says_and_nothing_else(kind: type) -> None:
    before, fact, fields, holds = CASES[kind]
    after = evolve(before, fact)
    assert holds(after)
    if before is not None:
        old, new = asdict(before), asdict(after)
        assert {name for name in new if new[name] != old[name]} == fields


@pytest.mark.parametrize("kind", [kind for kind in CASES if kind is not BotCreated], ids=lambda kind: kind.__name__)
def test_no_fact_but_creation_begins_a_bot(kind: type) -> None:
    with pytest.raises(ValueError, match="never created"):
        evolve(None, CASES[kind][1])


@pytest.mark.parametrize("kind", [OrderIntended, OrderProgressed, CloseRequested, GroupClosed])
def test_a_fact_of_a_group_that_is_not_live_is_a_broken_journal(kind: type) -> None:
    with pytest.raises(ValueError, match="not live"):
        evolve(RUNNING, CASES[kind][1])


def test_a_second_order_of_a_group_is_a_broken_journal() -> None:
    with pytest.raises(ValueError, match="in flight"):
        evolve(PENDING, OrderIntended(command=ORDER, zone=1))


def test_progress_of_an_order_the_group_never_had_is_a_broken_journal() -> None:
    fact = CASES[OrderProgressed][1]
    with pytest.raises(ValueError, match="no order"):
        evolve(OPENED, fact)


def test_a_positive_verdict_forgets_the_refusals_of_its_symbol() -> None:
    assert evolve(RUNNING, decision("OPEN")).last_blocks == ()


def test_a_group_that_filled_nothing_is_not_counted_as_closed() -> None:
    assert evolve(OPENED, closing("nothing_filled")).groups_closed == 0


def test_rests_that_are_over_are_forgotten() -> None:
    resting = replace(OPENED, cooldowns=((Symbol("A/B"), START_MS), (Symbol("C/D"), START_MS + 99)))
    assert evolve(resting, closing("take_profit")).cooldowns == (("C/D", START_MS + 99),)
