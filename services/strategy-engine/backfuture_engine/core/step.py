"""One event through one bot: the whole core as one function."""

from collections.abc import Iterable
from functools import reduce
from typing import NamedTuple

from backfuture_common.messages.bots import BotState
from backfuture_common.messages.journal import BotEvent, Context, Fact
from backfuture_common.messages.orders import OrderCommand
from msgspec.structs import replace

from backfuture_engine.core.commands import commands_for
from backfuture_engine.core.decide import decide, faulted
from backfuture_engine.core.evolve import evolve
from backfuture_engine.core.precision import exact
from backfuture_engine.core.wake import Wake, wake


class Step(NamedTuple):
    """What an event came to: the state after it, facts to journal, orders to send, prices to wait for from now on.

    No facts: nothing has changed, and ``wake`` is None.
    """

    state: BotState | None
    facts: tuple[Fact, ...]
    commands: tuple[OrderCommand, ...]
    wake: Wake | None


@exact
def step(state: BotState | None, event: BotEvent, ctx: Context) -> Step:
    """Take a bot through one event. Never raises for what a bot met: a bug in its rules faults that bot alone."""
    try:
        return _result(state, decide(state, event, ctx))
    except Exception as error:  # noqa: BLE001  # arch: catch-all - a bug stops one bot, visibly, and no other
        return _result(state, faulted(state, f"{type(error).__name__}: {error}"))


def _result(state: BotState | None, facts: tuple[Fact, ...]) -> Step:
    if not facts:
        return Step(state, (), (), None)
    after = apply(state, facts)
    return Step(after, facts, tuple(command for fact in facts for command in commands_for(fact)), wake(after))


def apply(state: BotState | None, facts: Iterable[Fact]) -> BotState:
    """Fold the facts of one journal record, which counts as one in the bot's sequence."""
    after = reduce(evolve, facts, state)
    if after is None:
        raise ValueError("a journal record has facts")
    return replace(after, seq=after.seq + 1)
