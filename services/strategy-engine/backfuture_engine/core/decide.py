"""What a bot does about an event: the only place where its decisions fall."""

from typing import assert_never

from backfuture_common.domain.ids import GroupId, client_order_id, group_id
from backfuture_common.domain.money import ZERO
from backfuture_common.messages.bots import BotCommand, BotState, Decision, Signal
from backfuture_common.messages.journal import (
    BotEvent,
    BotFaulted,
    CommandReceived,
    Context,
    Decided,
    Fact,
    GroupOpened,
    OrderIntended,
    OrderUpdated,
    PriceObserved,
    SignalEnded,
    SignalHeard,
    TimerFired,
)
from backfuture_common.messages.orders import Leg, PlaceOrder

from backfuture_engine.core.groups import by_symbol, kept_for
from backfuture_engine.core.lifecycle import obey
from backfuture_engine.core.orders import IllegalEventError
from backfuture_engine.core.precision import exact
from backfuture_engine.core.rules.add_on import judge_add_on
from backfuture_engine.core.rules.entry import judge_entry
from backfuture_engine.core.rules.exit import judge_exit
from backfuture_engine.core.ruling import Ruling, Terms
from backfuture_engine.core.settle import closing, ended_by, settle
from backfuture_engine.core.signals import heard, judge_signal
from backfuture_engine.core.wake import Watch, watch_of

ORDER_LIFE_MS = 10_000
"""How old an order command may be when it is first sent to the exchange; later, the decision has to fall anew."""


@exact
def decide(state: BotState | None, event: BotEvent, ctx: Context) -> tuple[Fact, ...]:
    """Return the facts that follow from the event, none when it changes nothing.

    The same event twice, and an old order update, bring no facts. An event that cannot happen to this bot brings one:
    :class:`BotFaulted`.
    """
    try:
        return _decide(state, event, ctx)
    except IllegalEventError as error:
        return faulted(state, str(error))


def faulted(state: BotState | None, reason: str) -> tuple[Fact, ...]:
    """Return the fact that the bot stands still from now on; none when it does already."""
    return () if state is None or state.fault is not None else (BotFaulted(reason=reason),)


def _decide(state: BotState | None, event: BotEvent, ctx: Context) -> tuple[Fact, ...]:
    if isinstance(event, CommandReceived):
        return _on_command(state, event.command, ctx)
    if state is None or state.deleted:
        return ()
    match event:
        case PriceObserved():
            return _on_price(state, event, ctx)
        case OrderUpdated():
            return settle(state, event.update, ctx)
        case TimerFired():
            return ()  # Nothing hangs on time alone: what waits for a time waits for a price as well.
        case _:
            assert_never(event)


def _on_price(state: BotState, price: PriceObserved, ctx: Context) -> tuple[Fact, ...]:
    if price.exchange != state.spec.exchange or state.fault is not None:
        return ()
    if not 0 < price.bid <= price.ask:
        raise IllegalEventError(f"a price of {price.symbol} has bid {price.bid} and ask {price.ask}")
    watch = watch_of(state, price.symbol)
    if watch is None or ctx.now_ms < watch.not_before_ms:
        return ()
    ruling = _ruling(state, watch, price, ctx)
    if ruling is None or _repeats(state, ruling.decision):
        return ()
    kept = kept_for(state, price.symbol)
    ended = kept is not None and ruling.decision.signal_id == kept.signal_id and ruling.decision.verdict != "WAIT"
    end = (SignalEnded(command_id=kept.command_id),) if kept is not None and ended else ()
    return (Decided(decision=ruling.decision), *end, *_consequences(state, ruling, ctx))


def _ruling(state: BotState, watch: Watch, price: PriceObserved, ctx: Context) -> Ruling | None:
    group, kept = by_symbol(state, price.symbol), kept_for(state, price.symbol)
    if group is not None and watch.sell_at is not None and price.bid >= watch.sell_at:
        return judge_exit(state, group, price, ctx)
    if watch.buy_at is None or price.ask > watch.buy_at:
        return None
    if kept is not None:
        return judge_signal(state, kept, price, ctx)
    return judge_entry(state, price, ctx) if group is None else judge_add_on(state, group, price, ctx)


def _on_command(state: BotState | None, command: BotCommand, ctx: Context) -> tuple[Fact, ...]:
    if not isinstance(command, Signal):
        return obey(state, command)
    if state is None or state.deleted or command.owner != state.spec.owner or heard(state, command):
        return ()
    return _on_signal(state, command, ctx)


def _on_signal(state: BotState, signal: Signal, ctx: Context) -> tuple[Fact, ...]:
    ruling = judge_signal(state, signal, ctx.price, ctx)
    kept = ruling.decision.verdict == "WAIT"
    return (
        Decided(decision=ruling.decision),
        SignalHeard(signal=signal, kept=kept),
        *_consequences(state, ruling, ctx),
    )


def _repeats(state: BotState, decision: Decision) -> bool:
    """Say whether this is a refusal for the same reasons as the last one."""
    return decision.verdict in ("BLOCK", "WAIT") and (decision.symbol, decision.reasons) in state.last_blocks


def _consequences(state: BotState, ruling: Ruling, ctx: Context) -> tuple[Fact, ...]:
    group = by_symbol(state, ruling.decision.symbol)
    match ruling.decision.verdict:
        case "BLOCK" | "WAIT":
            return ()
        case "OPEN":
            return _open(state, ruling, ctx)
        case "ADD_ON" if group is not None:
            return (_intend(state, ruling, ctx, leg="add_on", group=group.group_id, attempt=group.attempts + 1),)
        case "EXIT" if group is not None and ruling.terms is not None:
            return (_intend(state, ruling, ctx, leg="exit", group=group.group_id, attempt=group.attempts + 1),)
        case "EXIT" if group is not None:
            return (closing(group, ended_by(group) if group.sold_amount else "dust", ctx.now_ms),)
        case _:
            raise ValueError(f"a verdict {ruling.decision.verdict} without a group")


def _open(state: BotState, ruling: Ruling, ctx: Context) -> tuple[Fact, ...]:
    opened = GroupOpened(
        group_id=group_id(state.spec.bot_id, state.groups_opened + 1),
        symbol=ruling.decision.symbol,
        strategy=state.spec.strategy,
        at_ms=ctx.now_ms,
        taker_fee=ctx.instrument.taker_fee if ctx.instrument else ZERO,
    )
    return (opened, _intend(state, ruling, ctx, leg="entry", group=opened.group_id, attempt=1))


def _intend(state: BotState, ruling: Ruling, ctx: Context, *, leg: Leg, group: GroupId, attempt: int) -> OrderIntended:
    spec, terms = state.spec, _terms(ruling)
    command = PlaceOrder(
        client_order_id=client_order_id(spec.bot_id, group, leg, attempt),
        connection_id=spec.connection_id,
        owner=spec.owner,
        bot_id=spec.bot_id,
        group_id=group,
        decision_id=ruling.decision.decision_id,
        exchange=spec.exchange,
        symbol=ruling.decision.symbol,
        side="sell" if leg == "exit" else "buy",
        leg=leg,
        kind="limit_ioc",
        amount=terms.amount,
        limit_price=terms.limit_price,
        issued_ms=ctx.now_ms,
        expires_ms=ctx.now_ms + ORDER_LIFE_MS,
    )
    zones = ruling.zones or (0,)
    return OrderIntended(command=command, zone=zones[-1], skipped=zones[:-1])


def _terms(ruling: Ruling) -> Terms:
    if ruling.terms is None:
        raise ValueError(f"a verdict {ruling.decision.verdict} without terms")
    return ruling.terms
