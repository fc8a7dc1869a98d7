"""Fold one fact into a bot's state. Facts are never questioned here: they have happened."""

from typing import assert_never

from backfuture_common.domain.ids import GroupId, Symbol
from backfuture_common.messages.bots import BotState, Decision, Group, GroupStatus, PendingOrder, ReasonCode, SeenSignal
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
from backfuture_common.messages.orders import NO_FILLS, Leg
from msgspec.structs import replace

from backfuture_engine.core.groups import by_id
from backfuture_engine.core.precision import exact
from backfuture_engine.core.progress import progressed, rest_after

REMEMBERED_MS = 86_400_000
MOST_REMEMBERED = 200
"""How long, and how many, signals are remembered as heard."""

BotFact = (
    BotUpdated
    | BotStarted
    | BotStopped
    | BotDeleted
    | BotFaulted
    | CommandRefused
    | Decided
    | SignalHeard
    | SignalEnded
)
GroupFact = GroupOpened | OrderIntended | OrderProgressed | CloseRequested | GroupClosed


@exact
def evolve(state: BotState | None, fact: Fact) -> BotState:
    """Return the state after the fact. ValueError when the fact cannot belong to this state: a broken journal."""
    if isinstance(fact, BotCreated):
        return BotState(spec=fact.spec, running=False)
    if state is None:
        raise ValueError(f"{type(fact).__name__} of a bot that was never created")
    if isinstance(fact, BotFact):
        return _evolve_bot(state, fact)
    return _evolve_group(state, fact)


def _evolve_bot(state: BotState, fact: BotFact) -> BotState:
    match fact:
        case BotUpdated():
            after = replace(state, spec=fact.spec)
        case BotStarted():
            after = replace(state, running=True, fault=None, last_blocks=())
        case BotStopped():
            after = replace(state, running=False, fault=None, signals=())
        case BotDeleted():
            after = replace(
                state, deleted=True, running=False, cooldowns=(), last_blocks=(), signals=(), seen_signals=()
            )
        case BotFaulted():
            after = replace(state, fault=fact.reason)
        case CommandRefused():
            after = replace(state, last_refused=fact.command_id)
        case Decided():
            after = _decided(state, fact.decision)
        case SignalHeard():
            after = _heard(state, fact)
        case SignalEnded():
            after = replace(state, signals=tuple(s for s in state.signals if s.command_id != fact.command_id))
        case _:
            assert_never(fact)
    return after


def _evolve_group(state: BotState, fact: GroupFact) -> BotState:
    match fact:
        case GroupOpened():
            return _opened(state, fact)
        case OrderIntended():
            return _intended(state, fact)
        case OrderProgressed():
            group = progressed(_live(state, fact.group_id), fact)
            waiting = tuple(c for c in state.unacknowledged if c.client_order_id != fact.client_order_id)
            return replace(_with(state, group), unacknowledged=waiting)
        case CloseRequested():
            return _with(state, replace(_live(state, fact.group_id), close_requested=True, retry_after_ms=0))
        case GroupClosed():
            return _closed(state, fact)
        case _:
            assert_never(fact)


def _decided(state: BotState, decision: Decision) -> BotState:
    blocked = decision.reasons if decision.verdict in ("BLOCK", "WAIT") else ()
    return replace(state, decisions=state.decisions + 1, last_blocks=_blocks(state, decision.symbol, blocked))


def _heard(state: BotState, fact: SignalHeard) -> BotState:
    signal = fact.signal
    fresh = (seen for seen in state.seen_signals if seen.at_ms > signal.at_ms - REMEMBERED_MS)
    seen = (*fresh, SeenSignal(command_id=signal.command_id, signal_id=signal.signal_id, at_ms=signal.at_ms))
    others = tuple(kept for kept in state.signals if kept.symbol != signal.symbol)
    signals = (*others, signal) if fact.kept else state.signals
    return replace(state, signals=signals, seen_signals=seen[-MOST_REMEMBERED:])


def _blocks(
    state: BotState, symbol: Symbol, reasons: tuple[ReasonCode, ...]
) -> tuple[tuple[Symbol, tuple[ReasonCode, ...]], ...]:
    others = tuple(block for block in state.last_blocks if block[0] != symbol)
    return (*others, (symbol, reasons)) if reasons else others


def _opened(state: BotState, fact: GroupOpened) -> BotState:
    group = Group(
        group_id=fact.group_id,
        symbol=fact.symbol,
        status="entry_pending",
        strategy=fact.strategy,
        opened_ms=fact.at_ms,
        taker_fee=fact.taker_fee,
    )
    return replace(state, groups=(*state.groups, group), groups_opened=state.groups_opened + 1)


def _intended(state: BotState, fact: OrderIntended) -> BotState:
    group = _live(state, fact.command.group_id)
    if group.pending is not None:
        raise ValueError(f"group {group.group_id} has an order in flight already")
    status = _PENDING_STATUS[fact.command.leg]
    pending = PendingOrder(
        command=fact.command, zone=fact.zone, status="submitting", fills=NO_FILLS, skipped=fact.skipped
    )
    group = replace(group, status=status, pending=pending, attempts=group.attempts + 1)
    return replace(_with(state, group), unacknowledged=(*state.unacknowledged, fact.command))


def _closed(state: BotState, fact: GroupClosed) -> BotState:
    group = _live(state, fact.group_id)
    rested = tuple(rest for rest in state.cooldowns if rest[0] != group.symbol and rest[1] > fact.at_ms)
    until_ms = fact.at_ms + rest_after(group, fact.reason)
    return replace(
        state,
        groups=tuple(other for other in state.groups if other.group_id != fact.group_id),
        groups_closed=state.groups_closed + (fact.reason != "nothing_filled"),
        realised_quote=state.realised_quote + fact.realised_quote,
        cooldowns=(*rested, (group.symbol, until_ms)) if until_ms > fact.at_ms else rested,
        last_blocks=_blocks(state, group.symbol, ()),
    )


_PENDING_STATUS: dict[Leg, GroupStatus] = {
    "entry": "entry_pending",
    "add_on": "add_on_pending",
    "exit": "exit_pending",
}


def _live(state: BotState, group_id: GroupId) -> Group:
    group = by_id(state, group_id)
    if group is None:
        raise ValueError(f"a fact of group {group_id}, which is not live")
    return group


def _with(state: BotState, group: Group) -> BotState:
    return replace(state, groups=tuple(group if other.group_id == group.group_id else other for other in state.groups))
