"""Signals: ideas that the bot judges by the same rules as prices, and keeps while what stands against them may pass."""

from backfuture_common.messages.bots import BotState, ReasonCode, Signal
from backfuture_common.messages.journal import Context, PriceObserved

from backfuture_engine.core.groups import by_symbol
from backfuture_engine.core.precision import exact
from backfuture_engine.core.rules.add_on import judge_add_on
from backfuture_engine.core.rules.checks import signal_checks, user_checks
from backfuture_engine.core.rules.entry import judge_entry
from backfuture_engine.core.ruling import Ruling, Subject, failing, refuse


def heard(state: BotState, signal: Signal) -> bool:
    """Say whether this very command has been judged before."""
    return any(seen.command_id == signal.command_id for seen in state.seen_signals)


@exact
def judge_signal(state: BotState, signal: Signal, price: PriceObserved | None, ctx: Context) -> Ruling:
    """Rule OPEN or ADD_ON as the signal asks, or BLOCK or WAIT with every reason."""
    group = by_symbol(state, signal.symbol)
    if price is None:
        return _refuse(state, signal, ctx, "PRICE_STALE")
    if signal.intent == "entry" or (signal.intent == "auto" and group is None):
        return judge_entry(state, price, ctx, signal)
    if group is None:
        return _refuse(state, signal, ctx, "NO_GROUP")
    if group.average is None:
        return _refuse(state, signal, ctx, "GROUP_BUSY")
    return judge_add_on(state, group, price, ctx, signal)


def _refuse(state: BotState, signal: Signal, ctx: Context, code: ReasonCode) -> Ruling:
    """Refuse before the price can be looked at, with everything that stands against the signal so far."""
    checks = (
        *signal_checks(state, signal, ctx.now_ms),
        *user_checks(state, signal.symbol, state.spec.exchange, signal, ctx),
        (code, True),
    )
    group = by_symbol(state, signal.symbol)
    subject = Subject(state, signal.symbol, group.group_id if group else None, ctx.now_ms, signal)
    return refuse(subject, failing(checks), {"lag_ms": ctx.now_ms - signal.sent_ms})
