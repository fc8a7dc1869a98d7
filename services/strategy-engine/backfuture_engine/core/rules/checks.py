"""The checks that every order has in common, stage by stage. Each is a code and whether it failed."""

from collections.abc import Iterable

from backfuture_common.domain.ids import ExchangeId, Symbol
from backfuture_common.messages.bots import BotState, Group, ReasonCode, Signal
from backfuture_common.messages.journal import Context
from backfuture_common.messages.orders import Side

from backfuture_engine.core.groups import by_symbol

Check = tuple[ReasonCode, bool]

_CONNECTION_CODES: dict[str, ReasonCode] = {
    "TRADE_RIGHT_MISSING": "PERM_TRADE",
    "WITHDRAW_ENABLED": "PERM_WITHDRAW",
    "TRANSFER_ENABLED": "PERM_WITHDRAW",
    "VENUE_DOWN": "EXCH_DOWN",
    "NETWORK": "EXCH_DOWN",
}
"""What a connection's test says more exactly than that it is not online."""
_CLOCKS_MAY_DIFFER_MS = 60_000


def signal_checks(state: BotState, signal: Signal | None, now_ms: int) -> tuple[Check, ...]:
    """Stage 1: is the signal fresh, and the first of its kind? A kept one that is judged again is no repetition."""
    if signal is None:
        return ()
    lag_ms = now_ms - signal.sent_ms
    twins = (seen for seen in state.seen_signals if seen.signal_id == signal.signal_id)
    return (
        ("SIG_STALE", not -_CLOCKS_MAY_DIFFER_MS <= lag_ms <= state.spec.signal_max_lag_ms),
        ("SIG_DUP", any(seen.command_id != signal.command_id for seen in twins)),
    )


def user_checks(
    state: BotState, symbol: Symbol, exchange: ExchangeId, signal: Signal | None, ctx: Context
) -> Iterable[Check]:
    """Stage 2: is this bot to buy this market, on this connection? A live group is managed to its end."""
    yield "BOT_OFF", not state.running or state.fault is not None
    yield "PAIR_OFF", symbol not in state.spec.symbols and by_symbol(state, symbol) is None
    yield "SIDE_OFF", signal is not None and signal.side != "long"
    yield from connection_checks(ctx, foreign=exchange != state.spec.exchange)
    yield "SYMBOL_UNKNOWN", ctx.instrument is None or not ctx.instrument.active


def connection_checks(ctx: Context, *, foreign: bool) -> tuple[Check, ...]:
    """Is the connection usable, and the bot's own? ``foreign``: the price is of another exchange."""
    offline: ReasonCode = _CONNECTION_CODES.get(ctx.connection_code or "", "CONN_OFFLINE")
    return ((offline, not ctx.connection_online), ("CONN_MISMATCH", not ctx.connection_matches or foreign))


def busy_check(group: Group, side: Side, now_ms: int) -> Check:
    """Is the group free for an order of this side?"""
    refused = bool(group.finished) and group.finished[-1].status == "rejected"
    if refused and group.pending is None and now_ms < group.retry_after_ms:
        return "EXCH_REJECT", True
    leaving = side == "buy" and group.close_requested
    return "GROUP_BUSY", group.pending is not None or leaving or now_ms < group.retry_after_ms
