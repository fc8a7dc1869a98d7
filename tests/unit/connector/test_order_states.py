"""The life of an order is one table; whatever is not in it is a bug that stops the process."""

from decimal import Decimal
from typing import get_args

import pytest
from backfuture_common.errors import Fatal
from backfuture_common.messages.orders import FINAL_STATUSES, Fills, OrderStatus
from backfuture_connector.core.order_states import TABLE, Trigger, advance, first_entry, with_cancel_requested

from tests.unit.connector.build import NOW_MS, command, entry

STATUSES: tuple[OrderStatus, ...] = get_args(OrderStatus)
TRIGGERS: tuple[Trigger, ...] = get_args(Trigger)


@pytest.mark.parametrize("trigger", TRIGGERS)
@pytest.mark.parametrize("status", STATUSES)
def test_every_pair_is_either_in_the_table_or_fatal(status: OrderStatus, trigger: Trigger) -> None:
    expected = TABLE.get((status, trigger))
    if expected is None:
        with pytest.raises(Fatal, match=r"order\.transition"):
            advance(entry(status), trigger, NOW_MS)
    else:
        assert advance(entry(status), trigger, NOW_MS).update.status == expected


def test_only_orders_whose_fate_is_open_can_be_sent() -> None:
    assert {status for status, trigger in TABLE if trigger == "sent"} == {"submitting", "unknown"}


def test_every_unfinished_status_has_a_way_to_an_end() -> None:
    for status in set(STATUSES) - FINAL_STATUSES:
        assert {TABLE.get((status, trigger)) for trigger in TRIGGERS} & FINAL_STATUSES


def test_an_ended_order_can_only_come_to_what_the_venue_shows_of_it() -> None:
    for status, trigger in TABLE:
        if status in FINAL_STATUSES:
            assert trigger in {"resting", "filled", "canceled"}


def test_sending_dates_the_entry_anew() -> None:
    assert advance(entry("unknown"), "sent", NOW_MS + 9_000).submitted_ms == NOW_MS + 9_000


def test_what_is_not_told_stays() -> None:
    fills = Fills(amount=Decimal(1), cost=Decimal(100), fee_base=Decimal(0), fee_quote=Decimal("0.1"))
    first = advance(entry(), "resting", NOW_MS + 1, exchange_order_id="x1", fills=fills)
    after = advance(first, "canceled", NOW_MS + 2)
    assert (after.update.exchange_order_id, after.update.fills) == ("x1", fills)
    assert after.update.error is None


def test_time_never_runs_backwards_in_updates() -> None:
    late = advance(entry(), "lost", NOW_MS + 5_000)
    assert advance(late, "filled", NOW_MS).update.at_ms == NOW_MS + 5_000


def test_an_order_that_was_not_let_through_was_never_submitted() -> None:
    assert first_entry(command(), "rejected", NOW_MS).submitted_ms is None


def test_a_wish_to_cancel_changes_nothing_else() -> None:
    before = entry("open")
    after = with_cancel_requested(before)
    assert after.cancel_requested
    assert after.update == before.update
