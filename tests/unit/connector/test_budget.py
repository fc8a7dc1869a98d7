"""The budget never exceeds what the venue allows, and what matters more never waits behind what matters less."""

import pytest
from backfuture_connector.core.budget import UNIT, Bucket, Limit, Priority
from backfuture_connector.core.facts import Venue
from backfuture_connector.core.limits import ACCOUNT, ADDRESS

PUBLISHED: list[tuple[Limit, int, int]] = [
    (ADDRESS["kucoin"], 2_000, 30),
    (ACCOUNT["kucoin"], 4_000, 30),
    (ADDRESS["mexc"], 300, 10),
    (ACCOUNT["mexc"], 500, 10),
]


@pytest.mark.parametrize(("limit", "published", "window_s"), PUBLISHED)
def test_no_window_holds_more_than_the_venue_published(limit: Limit, published: int, window_s: int) -> None:
    assert limit.capacity + limit.per_s * window_s <= published


@pytest.mark.parametrize("venue", ["kucoin", "mexc"])
def test_a_hungry_caller_gets_no_more_than_the_limit_in_a_window(venue: Venue) -> None:
    limit = ACCOUNT[venue]
    bucket, taken, now_ms = Bucket(limit, 0), 0, 0
    while now_ms < 10_000:
        wait_ms = bucket.wait_ms(UNIT, Priority.CANCEL, now_ms)
        if wait_ms == 0:
            bucket.take(UNIT, now_ms)
            taken += 1
        now_ms += wait_ms
    assert taken <= limit.capacity + limit.per_s * 10


def test_a_cancel_goes_at_once_when_polls_have_taken_all_they_may() -> None:
    bucket = Bucket(Limit(capacity=100, per_s=10), 0)
    polls = 0
    while bucket.wait_ms(UNIT, Priority.POLL, 0) == 0:
        bucket.take(UNIT, 0)
        polls += 1
    assert polls == 67
    assert bucket.wait_ms(UNIT, Priority.CANCEL, 0) == 0
    assert bucket.wait_ms(UNIT, Priority.ORDER, 0) == 0


@pytest.mark.parametrize("left", range(0, 101, 5))
def test_the_more_urgent_never_waits_longer(left: int) -> None:
    bucket = Bucket(Limit(capacity=100, per_s=10), 0)
    bucket.take((100 - left) * UNIT, 0)
    waits = [bucket.wait_ms(UNIT, priority, 0) for priority in Priority]
    assert waits == sorted(waits)


def test_after_the_wait_the_cost_may_be_taken() -> None:
    bucket = Bucket(Limit(capacity=100, per_s=7), 0)
    bucket.take(100 * UNIT, 0)
    wait_ms = bucket.wait_ms(3 * UNIT, Priority.CANCEL, 0)
    assert bucket.wait_ms(3 * UNIT, Priority.CANCEL, wait_ms - 1) > 0
    assert bucket.wait_ms(3 * UNIT, Priority.CANCEL, wait_ms) == 0


def test_a_cost_above_what_the_reserve_leaves_waits_for_a_full_bucket_only() -> None:
    bucket = Bucket(Limit(capacity=100, per_s=10), 0)
    assert bucket.wait_ms(90 * UNIT, Priority.POLL, 0) == 0


def test_while_the_venue_wants_silence_not_even_a_cancel_goes() -> None:
    bucket = Bucket(Limit(capacity=100, per_s=10), 0)
    bucket.block(5_000)
    assert bucket.wait_ms(UNIT, Priority.CANCEL, 4_000) == 1_000
    assert bucket.wait_ms(UNIT, Priority.CANCEL, 5_000) == 0
