"""What to do next about an order whose end is not known: the rule that keeps orders from being lost or doubled.

A signed request older than the venue's time window is dead there. So when the venue denies an order at a moment that
is later than the last sending by that window (``grace_ms``), the denial is final, and only then may the order be sent
again - with the same id, before it expires, and unless its owner wants it cancelled.

All times here are of a clock that nobody can set: a wall clock that jumps must not shorten the grace period.
"""

from dataclasses import dataclass, replace

from backfuture_common.errors import ErrorInfo
from backfuture_common.messages.orders import LedgerEntry

from backfuture_connector.core.evidence import Absent, Finding, Found, Suspect
from backfuture_connector.core.facts import OrderFact


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Times of the search. ``grace_ms`` exceeds the venue's time window plus the send window."""

    grace_ms: int = 10_000
    ask_every_ms: int = 1_000
    rest_patience_ms: int = 1_500
    give_up_ms: int = 120_000
    absences: int = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """Memory of one search: when it began, how often in a row the venue denied, a refusal met while sending again.

    ``sent_ms`` is when this process sent the order last. None: an earlier one did, nobody knows how long ago; then the
    grace period runs from the beginning of the search.
    """

    began_ms: int
    sent_ms: int | None = None
    absences: int = 0
    open_since_ms: int | None = None
    refusal: ErrorInfo | None = None


@dataclass(frozen=True, slots=True)
class Adopt:
    """The order has ended at the venue: take its fills."""

    order: OrderFact


@dataclass(frozen=True, slots=True)
class CancelRest:
    """It rests though it should not, or is to be cancelled."""

    order: OrderFact


@dataclass(frozen=True, slots=True)
class AskAgain:
    after_ms: int
    order: OrderFact | None = None
    """The order as it rests now, None while nobody found it."""


@dataclass(frozen=True, slots=True)
class SendAgain:
    """It certainly does not exist: send it under the same id."""


@dataclass(frozen=True, slots=True)
class End:
    """It certainly does not exist and is not to be sent (any more). ``refusal`` when the venue said why."""

    refusal: ErrorInfo | None


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Nobody could tell for too long: a person decides, the search goes on slowly."""

    why: str


Next = Adopt | CancelRest | AskAgain | SendAgain | End | GiveUp


def remember(search: Search, finding: Finding, now_ms: int) -> Search:
    """Return the search after one more finding."""
    absences = search.absences + 1 if isinstance(finding, Absent) else 0
    resting = isinstance(finding, Found) and finding.order.state == "open"
    since_ms = (search.open_since_ms or now_ms) if resting else None
    return replace(search, absences=absences, open_since_ms=since_ms)


def next_step(
    entry: LedgerEntry, search: Search, finding: Finding, *, asked_ms: int, now_ms: int, expired: bool, rules: Rules
) -> Next:
    """Return what to do after ``finding`` (already remembered in ``search``), asked for at ``asked_ms``."""
    if isinstance(finding, Found):
        return _about_found(entry, search, finding.order, now_ms, rules)
    if isinstance(finding, Absent):
        step = _about_absent(entry, search, asked_ms, expired, rules)
        if step is not None:
            return step
    if now_ms - _begun_ms(search) >= rules.give_up_ms:
        return GiveUp(_why(finding))
    return AskAgain(rules.ask_every_ms)


def _about_found(entry: LedgerEntry, search: Search, order: OrderFact, now_ms: int, rules: Rules) -> Next:
    if order.state != "open":
        return Adopt(order)
    rested_ms = now_ms - (search.open_since_ms or now_ms)
    if entry.cancel_requested or rested_ms >= rules.rest_patience_ms:
        return CancelRest(order)
    return AskAgain(min(rules.ask_every_ms, rules.rest_patience_ms), order)


def _begun_ms(search: Search) -> int:
    return search.began_ms if search.sent_ms is None else search.sent_ms


def _about_absent(entry: LedgerEntry, search: Search, asked_ms: int, expired: bool, rules: Rules) -> Next | None:
    """Return None while the denial is not final."""
    if entry.update.exchange_order_id is not None:
        return None  # it was seen once: the venue is confused, not the order gone
    quiet_ms = asked_ms - _begun_ms(search)
    if entry.submitted_ms is None or quiet_ms < rules.grace_ms or search.absences < rules.absences:
        return None
    may_send = not entry.cancel_requested and not expired
    if entry.update.status == "needs_operator" or search.refusal is not None or not may_send:
        return End(search.refusal)
    return SendAgain()


def _why(finding: Finding) -> str:
    if isinstance(finding, Suspect):
        return finding.why
    if isinstance(finding, Absent):
        return "the exchange accepted it once and now does not find it"
    return getattr(finding, "why", "")
