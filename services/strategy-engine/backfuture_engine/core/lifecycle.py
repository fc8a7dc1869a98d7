"""A user's commands. Each may arrive twice: what is so already brings no facts."""

from typing import assert_never

from backfuture_common.messages.bots import (
    BotState,
    CloseGroup,
    CreateBot,
    DeleteBot,
    OwnerCommand,
    StartBot,
    StopBot,
    UpdateBot,
)
from backfuture_common.messages.journal import (
    BotCreated,
    BotDeleted,
    BotFaulted,
    BotStarted,
    BotStopped,
    BotUpdated,
    CloseRequested,
    CommandRefused,
    Fact,
)

from backfuture_engine.core.groups import by_id
from backfuture_engine.core.margin import refusal


def obey(state: BotState | None, command: OwnerCommand) -> tuple[Fact, ...]:
    """Return the facts a command brings; none when it asks for what is so, or is not for this bot or its owner."""
    if isinstance(command, CreateBot):
        return _create(command) if state is None else ()
    if state is None or state.deleted or _owner(command) != state.spec.owner:
        return ()
    return _obey(state, command)


def _obey(state: BotState, command: UpdateBot | StartBot | StopBot | DeleteBot | CloseGroup) -> tuple[Fact, ...]:
    facts: tuple[Fact, ...]
    match command:
        case UpdateBot():
            facts = _update(state, command)
        case StartBot():
            facts = _start(state, command)
        case StopBot():
            facts = (BotStopped(),) if state.running or state.fault is not None else ()
        case DeleteBot():
            facts = _refused(state, command, "it has a live group; close it first") if state.groups else (BotDeleted(),)
        case CloseGroup():
            group = by_id(state, command.group_id)
            facts = (CloseRequested(group_id=group.group_id),) if group and not group.close_requested else ()
        case _:
            assert_never(command)
    return facts


def _owner(command: UpdateBot | StartBot | StopBot | DeleteBot | CloseGroup) -> str:
    return command.spec.owner if isinstance(command, UpdateBot) else command.owner


def _create(command: CreateBot) -> tuple[Fact, ...]:
    created = BotCreated(spec=command.spec)
    reason = refusal(command.spec)
    return (created,) if reason is None else (created, BotFaulted(reason=reason))


def _update(state: BotState, command: UpdateBot) -> tuple[Fact, ...]:
    old, new = state.spec, command.spec
    if new.version <= old.version:
        return ()
    reason = refusal(new)
    if reason is not None:
        return _refused(state, command, reason)
    moves = (new.connection_id, new.exchange) != (old.connection_id, old.exchange)
    if moves and state.groups:
        return _refused(state, command, "a bot with a live group stays on its connection")
    return (BotUpdated(spec=new),)


def _start(state: BotState, command: StartBot) -> tuple[Fact, ...]:
    if state.running and state.fault is None:
        return ()
    reason = refusal(state.spec)
    return (BotStarted(),) if reason is None else _refused(state, command, reason)


def _refused(state: BotState, command: UpdateBot | StartBot | DeleteBot, reason: str) -> tuple[Fact, ...]:
    if state.last_refused == command.command_id:
        return ()
    return (CommandRefused(command_id=command.command_id, reason=reason),)
