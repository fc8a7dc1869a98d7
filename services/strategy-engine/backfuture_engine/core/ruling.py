"""What a rule answers: a decision with all its reasons, and the terms of the order that follows from it, if any."""

from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple

from backfuture_common.domain.ids import GroupId, Symbol, decision_id
from backfuture_common.domain.money import HUNDRED, divide, plain, round_down, round_up
from backfuture_common.messages.bots import BotState, Decision, ReasonCode, Signal, Verdict
from backfuture_common.messages.decisions import PASSING
from backfuture_common.messages.market import Instrument


class Terms(NamedTuple):
    """Amount (base) and limit (quote) of an order, both on the instrument's steps. Zero: too little for any order."""

    amount: Decimal
    limit_price: Decimal

    @property
    def cost(self) -> Decimal:
        """What the order costs or brings at its limit."""
        return self.amount * self.limit_price

    def too_small(self, instrument: Instrument) -> bool:
        """Say whether the venue would refuse the order for its size."""
        return not self.amount or self.amount < instrument.amount_min or self.cost < instrument.cost_min


class Ruling(NamedTuple):
    """A decision; ``terms`` are set when it is to be followed by an order, ``zones`` (deepest last) for an add-on."""

    decision: Decision
    terms: Terms | None = None
    zones: tuple[int, ...] = ()


class Subject(NamedTuple):
    """What a ruling is about."""

    state: BotState
    symbol: Symbol
    group_id: GroupId | None
    now_ms: int
    signal: Signal | None = None


def rule(
    subject: Subject,
    verdict: Verdict,
    reasons: Iterable[ReasonCode],
    numbers: dict[str, Decimal | int | None],
    *,
    terms: Terms | None = None,
    zones: tuple[int, ...] = (),
) -> Ruling:
    """Make the bot's next ruling. Numbers that are None are left out."""
    decision = Decision(
        decision_id=decision_id(subject.state.spec.bot_id, subject.state.decisions + 1),
        verdict=verdict,
        symbol=subject.symbol,
        group_id=subject.group_id,
        reasons=tuple(reasons),
        numbers=tuple(
            (name, plain(value) if isinstance(value, Decimal) else str(value))
            for name, value in numbers.items()
            if value is not None
        ),
        at_ms=subject.now_ms,
        signal_id=subject.signal.signal_id if subject.signal else None,
    )
    return Ruling(decision, terms, zones)


def refuse(subject: Subject, reasons: tuple[ReasonCode, ...], numbers: dict[str, Decimal | int | None]) -> Ruling:
    """Rule WAIT when every reason will pass by itself, else BLOCK."""
    return rule(subject, "WAIT" if PASSING.issuperset(reasons) else "BLOCK", reasons, numbers)


def failing(checks: Iterable[tuple[ReasonCode, bool]]) -> tuple[ReasonCode, ...]:
    """Return the codes of the checks that failed, in their order."""
    return tuple(code for code, failed in checks if failed)


def buy_terms(ask: Decimal, quote: Decimal, slippage_percent: Decimal, instrument: Instrument) -> Terms:
    """Return how to buy for at most ``quote`` now: never dearer than the ask plus slippage."""
    limit = round_down(ask * (HUNDRED + slippage_percent) / HUNDRED, instrument.price_step)
    amount = round_down(divide(quote, limit), instrument.amount_step) if limit else Decimal(0)
    return Terms(amount, limit)


def sell_terms(amount: Decimal, limit: Decimal, instrument: Instrument) -> Terms:
    """Return how to sell what can be sold of ``amount``, never cheaper than ``limit``."""
    return Terms(round_down(max(amount, Decimal(0)), instrument.amount_step), round_up(limit, instrument.price_step))
