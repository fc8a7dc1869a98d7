"""Decisions: verdicts, the codes of their reasons in the order of their stages, and both in words."""

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple, get_args

from backfuture_common.domain.ids import DecisionId, GroupId, Symbol
from backfuture_common.messages.codec import Part

Verdict = Literal["OPEN", "ADD_ON", "BLOCK", "WAIT", "EXIT"]
ReasonCode = Literal[
    "SIG_STALE",
    "SIG_DUP",
    "BOT_OFF",
    "PAIR_OFF",
    "SIDE_OFF",
    "CONN_OFFLINE",
    "EXCH_DOWN",
    "PERM_TRADE",
    "PERM_WITHDRAW",
    "CONN_MISMATCH",
    "SYMBOL_UNKNOWN",
    "PRICE_STALE",
    "GROUP_LIMIT",
    "NO_GROUP",
    "GROUP_BUSY",
    "EXCH_REJECT",
    "COOLDOWN",
    "OUT_OF_ZONE",
    "ZONE_USED",
    "AVG_WORSE",
    "GAIN_TOO_SMALL",
    "TOO_CLOSE",
    "ADDON_LIMIT",
    "MARGIN_CONN",
    "MARGIN_BOT",
    "MARGIN_SYMBOL",
    "MARGIN_GROUP",
    "BALANCE",
    "MIN_SIZE",
    "DUST",
    "TAKE_PROFIT",
    "MANUAL",
]
"""Why a verdict fell, in the order of the stages. BLOCK and WAIT carry every failing check; EXIT carries its cause."""

Stage = Literal["signal", "user and connection", "context", "risk and margin", "execution", "exit"]


class Decision(Part):
    """One verdict with all its reasons and the numbers it rests on (Decimals and integers as plain text).

    ``signal_id`` names the signal that asked for it, None when a price did.
    """

    decision_id: DecisionId
    verdict: Verdict
    symbol: Symbol
    group_id: GroupId | None
    reasons: tuple[ReasonCode, ...]
    numbers: tuple[tuple[str, str], ...]
    at_ms: int
    signal_id: str | None = None


class Reason(NamedTuple):
    """A reason code in words: the stage it belongs to, and the end of a sentence."""

    stage: Stage
    words: str


_SIGNAL: Stage = "signal"
_USER: Stage = "user and connection"
_CONTEXT: Stage = "context"
_RISK: Stage = "risk and margin"
_EXECUTION: Stage = "execution"
_EXIT: Stage = "exit"

REASONS: Mapping[ReasonCode, Reason] = {
    "SIG_STALE": Reason(_SIGNAL, "the signal is too old"),
    "SIG_DUP": Reason(_SIGNAL, "the same signal was heard before"),
    "BOT_OFF": Reason(_USER, "the bot is stopped"),
    "PAIR_OFF": Reason(_USER, "the bot does not trade this market"),
    "SIDE_OFF": Reason(_USER, "the bot does not trade in this direction"),
    "CONN_OFFLINE": Reason(_USER, "the connection is not online"),
    "EXCH_DOWN": Reason(_EXECUTION, "the exchange does not answer"),
    "PERM_TRADE": Reason(_USER, "the key may not trade"),
    "PERM_WITHDRAW": Reason(_USER, "the key can withdraw, so it is not used"),
    "CONN_MISMATCH": Reason(_USER, "the connection belongs to another exchange or user than the bot"),
    "SYMBOL_UNKNOWN": Reason(_USER, "the exchange does not trade this market"),
    "PRICE_STALE": Reason(_CONTEXT, "the newest price is too old to act on"),
    "GROUP_LIMIT": Reason(_CONTEXT, "as many groups are open as the bot may have"),
    "NO_GROUP": Reason(_CONTEXT, "there is no group to add on to"),
    "GROUP_BUSY": Reason(_CONTEXT, "an order of the group is under way"),
    "EXCH_REJECT": Reason(_EXECUTION, "the exchange refused the last order, the next try comes later"),
    "COOLDOWN": Reason(_CONTEXT, "the pause after the last deal is not over"),
    "OUT_OF_ZONE": Reason(_CONTEXT, "the price is in no zone for adding on"),
    "ZONE_USED": Reason(_CONTEXT, "this zone has had its add-on"),
    "AVG_WORSE": Reason(_CONTEXT, "buying here would worsen the average"),
    "GAIN_TOO_SMALL": Reason(_CONTEXT, "buying here would hardly improve the average"),
    "TOO_CLOSE": Reason(_CONTEXT, "the price is too close to the last fill"),
    "ADDON_LIMIT": Reason(_CONTEXT, "all planned add-ons are done"),
    "MARGIN_CONN": Reason(_RISK, "your bots would bind more on this connection than you allow"),
    "MARGIN_BOT": Reason(_RISK, "the bot's margin limit would be passed"),
    "MARGIN_SYMBOL": Reason(_RISK, "your bots would bind more in this market than you allow, over all connections"),
    "MARGIN_GROUP": Reason(_RISK, "the group's margin limit would be passed"),
    "BALANCE": Reason(_RISK, "there is not enough free money in the account"),
    "MIN_SIZE": Reason(_RISK, "the order would be smaller than the exchange allows"),
    "DUST": Reason(_EXIT, "what is left is too little to be sold"),
    "TAKE_PROFIT": Reason(_EXIT, "the target was reached"),
    "MANUAL": Reason(_EXIT, "you asked for it"),
}
"""Every reason code in words."""

PASSING: frozenset[ReasonCode] = frozenset(
    {"CONN_OFFLINE", "EXCH_DOWN", "EXCH_REJECT", "GROUP_BUSY", "COOLDOWN", "PRICE_STALE"}
)
"""Reasons that are expected to pass by themselves: alone they make the verdict WAIT instead of BLOCK."""

VERDICTS: Mapping[Verdict, str] = {
    "OPEN": "opens a group",
    "ADD_ON": "adds on",
    "EXIT": "closes the group",
    "BLOCK": "does not buy",
    "WAIT": "waits",
}
"""Every verdict in words, as the middle of a sentence."""


def reason_in_words(code: str) -> str:
    """Return a reason's words; a code that is new to this reader as it is."""
    return _WORDS.get(code, code)


def decision_in_words(verdict: str, symbol: str, reasons: Sequence[str], numbers: Mapping[str, str]) -> str:
    """Return one sentence: ``BTC/USDT at 60000: does not buy: this zone has had its add-on``."""
    price = numbers.get("bid" if verdict == "EXIT" else "ask", "")
    place = f"{symbol} at {price}" if price else symbol
    why = "; ".join(reason_in_words(reason) for reason in reasons)
    return f"{place}: {_VERDICT_WORDS.get(verdict, verdict)}{f': {why}' if why else ''}"


_WORDS: dict[str, str] = {code: reason.words for code, reason in REASONS.items()}
_VERDICT_WORDS: dict[str, str] = {str(verdict): words for verdict, words in VERDICTS.items()}

if set(REASONS) != set(get_args(ReasonCode)) or set(VERDICTS) != set(get_args(Verdict)):
    raise AssertionError("a code has no words")
