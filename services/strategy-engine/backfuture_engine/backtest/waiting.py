"""What one bot waits for on its tapes, as the live engine would let it wait.

A bot that was woken by a level and could do nothing sleeps before the same level wakes it again: a second at first,
twice as long each time, at most sixteen. Anything that changes the bot or its account ends that.
"""

from typing import NamedTuple

from backfuture_common.domain.ids import Symbol
from backfuture_common.messages.bots import BotState, ReasonCode

from backfuture_engine.backtest.tape import Crossing, Direction, Spot, Tape
from backfuture_engine.core.wake import NOTHING, Wake, Watch

FIRST_SLEEP_MS = 1_000
LONGEST_SLEEP_MS = 16_000
FOR_EVER_MS = 2**62

UNPRICED = frozenset[ReasonCode]({"BALANCE", "MARGIN_BOT", "MARGIN_GROUP", "GROUP_LIMIT"})
"""Why an entry may be refused whatever the price and the time: only a change of the bot or its account can help."""


class Next(NamedTuple):
    """When to look at a watch again: because a level is reached there, or (``crossing`` None) a rest is over."""

    at_ms: int
    crossing: Crossing | None


class _Sleep(NamedTuple):
    until_ms: int
    length_ms: int


_AWAKE = _Sleep(0, 0)


class Waiting:
    """One bot's watches. ``armed`` names, by symbol, the newest ticket under which a watch is being waited for."""

    def __init__(self) -> None:
        self.wake: Wake = NOTHING
        self.armed: dict[Symbol, tuple[Watch, int]] = {}
        self.timer_ms: int | None = None
        self._sleeps: dict[tuple[Symbol, Direction], _Sleep] = {}

    def follow(self, wake: Wake) -> None:
        """Wait for this from now on, and for nothing else."""
        self.wake = wake
        kept = {watch.symbol: watch for watch in wake.watches}
        self.armed = {symbol: armed for symbol, armed in self.armed.items() if kept.get(symbol) == armed[0]}

    def put_to_sleep(self, symbol: Symbol, direction: Direction, state: BotState, now_ms: int) -> None:
        """Do not react to this level for a while."""
        length_ms = min(self._sleeps.get((symbol, direction), _AWAKE).length_ms * 2, LONGEST_SLEEP_MS)
        length_ms = length_ms or FIRST_SLEEP_MS
        until_ms = FOR_EVER_MS if _no_price_helps(state, symbol) else now_ms + length_ms
        self._sleeps[symbol, direction] = _Sleep(until_ms, length_ms)

    def wake_up(self) -> None:
        """End all sleeps: something has changed."""
        for symbol, _ in self._sleeps:
            self.armed.pop(symbol, None)
        self._sleeps.clear()

    def next(self, watch: Watch, tape: Tape, spot: Spot, now_ms: int) -> Next | None:
        """Return when to look at a watch next, from ``spot`` on, the price of now."""
        buy_ms, sell_ms = self._due(watch, "buy"), self._due(watch, "sell")
        buy = tape.buy_level(watch.buy_at) if watch.buy_at is not None and buy_ms <= now_ms else None
        sell = tape.sell_level(watch.sell_at) if watch.sell_at is not None and sell_ms <= now_ms else None
        found = tape.crossing(spot, buy, sell) if buy is not None or sell is not None else None
        waits = [
            due_ms
            for due_ms, level in ((buy_ms, watch.buy_at), (sell_ms, watch.sell_at))
            if level is not None and now_ms < due_ms < FOR_EVER_MS
        ]
        if waits and (found is None or min(waits) < found.spot.at_ms):
            return Next(min(waits), None)
        return Next(found.spot.at_ms, found) if found is not None else None

    def _due(self, watch: Watch, direction: Direction) -> int:
        return max(watch.not_before_ms, self._sleeps.get((watch.symbol, direction), _AWAKE).until_ms)


def _no_price_helps(state: BotState, symbol: Symbol) -> bool:
    if any(group.symbol == symbol for group in state.groups):
        return False
    reasons = next((reasons for blocked, reasons in state.last_blocks if blocked == symbol), ())
    return bool(reasons) and UNPRICED.issuperset(reasons)
