"""Faults planted on purpose: each takes out one thing that keeps orders from being lost or doubled.

A harness that does not catch them proves nothing.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from unittest import mock

from backfuture_common.messages.orders import LedgerEntry
from backfuture_connector.core.failures import Failure
from backfuture_connector.core.order_outcomes import placing_outcome
from backfuture_connector.shell import orders
from backfuture_connector.shell.ledger import Ledger
from backfuture_connector.shell.sending import Sender

from tests.simulation.clients import SimCommitter

Plant = Callable[[], Any]


@contextmanager
def skip_the_ledger() -> Iterator[None]:
    """Send an order without having written it down: only what became of it is recorded."""
    record = Ledger.record

    async def forgetful(ledger: Ledger, entry: LedgerEntry) -> LedgerEntry:
        if entry.update.status != "submitting":
            return await record(ledger, entry)
        ledger.keep(entry)
        return entry

    with mock.patch.object(Ledger, "record", forgetful):
        yield


@contextmanager
def ignore_fencing() -> Iterator[None]:
    """Let stale owners write on: the broker does not look at epochs."""
    enter = SimCommitter.__aenter__

    async def unfenced(committer: SimCommitter) -> SimCommitter:
        committer._broker.fencing = False
        return await enter(committer)

    with mock.patch.object(SimCommitter, "__aenter__", unfenced):
        yield


@contextmanager
def resend_blindly() -> Iterator[None]:
    """Send once more when the answer does not tell, as most bots do."""
    send = Sender.send

    async def stubborn(sender: Sender, entry: LedgerEntry, venue: Any, started_s: float) -> Failure | None:
        failure = await send(sender, entry, venue, started_s)
        if failure is not None and placing_outcome(failure) == "unknown":
            failure = await send(sender, entry, venue, sender._clock.monotonic_s())
        return failure

    with mock.patch.object(Sender, "send", stubborn):
        yield


@contextmanager
def trust_the_last_status() -> Iterator[None]:
    """Take a failed answer for the truth: what was not confirmed was not placed."""
    with mock.patch.object(orders, "placing_outcome", return_value="refused"):
        yield


PLANTED: Sequence[Plant] = (skip_the_ledger, ignore_fencing, resend_blindly, trust_the_last_status)
