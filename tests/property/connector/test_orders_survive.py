"""However sends, answers and processes fail: an order is accepted at most once, and its end is found out."""

import asyncio

import pytest
from backfuture_common.messages.orders import FINAL_STATUSES, PlaceOrder
from backfuture_connector.core.recovery import Rules
from backfuture_connector.shell.sending import SEND_WINDOW_S
from backfuture_connector.shell.steady import MAX_MOVE_MS
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from tests.property.connector.virtual_time import START_MS, run_virtual
from tests.property.connector.world import (
    MAX_LAG_S,
    SENDING_TROUBLES,
    VENUE_WINDOW_S,
    CrashError,
    Fate,
    Script,
    World,
    live,
)
from tests.unit.connector.build import command

RULES = Rules()
MAX_LIVES = 30
FATES = st.builds(Fate, st.binary(min_size=300, max_size=300), st.integers(0, 12))


async def whole_story(world: World, order: PlaceOrder) -> None:
    """Live until the process ends without dying."""
    for _ in range(MAX_LIVES):
        if not await dies(world, order):
            return
        await asyncio.sleep(world.fate.amount("downtime", 20))
    raise AssertionError("it died more often than it had troubles")


async def dies(world: World, order: PlaceOrder) -> bool:
    died = False
    try:
        await live(world, order, RULES, for_s=600)
    except* CrashError:
        died = True
    return died


def test_the_grace_outlasts_everything_that_can_still_arrive() -> None:
    """What the rules rest on: the last sending, its way, and the venue's own delay all end before a denial counts."""
    assert RULES.grace_ms >= (SEND_WINDOW_S + VENUE_WINDOW_S + MAX_LAG_S) * 1000 + MAX_MOVE_MS


@given(fate=FATES, life_s=st.sampled_from([5, 20, 60, 300]))
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_an_order_is_accepted_at_most_once_and_its_end_is_known(fate: Fate, life_s: int) -> None:
    world = World(fate)
    order = command(issued_ms=START_MS, life_ms=life_s * 1000)
    run_virtual(whole_story(world, order))
    note(f"what went wrong: {fate.told}")
    entry = world.ledger[order.client_order_id]
    assert len(world.book) <= 1, "the venue accepted it twice"
    assert entry.update.status in FINAL_STATUSES
    assert world.events[-1] == entry.update, "the newest news is not what the ledger says"
    if world.book:
        (accepted,) = world.book
        assert entry.update.status in {"filled", "canceled"}
        assert entry.update.fills.amount == accepted.filled
        assert entry.update.fills.cost == accepted.filled * order.limit_price
        assert entry.update.fills.fee_quote == accepted.filled / 10
    else:
        assert entry.update.status in {"rejected", "expired"}
        assert entry.update.fills.amount == 0


@given(fate=FATES)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_fills_that_are_told_never_shrink(fate: Fate) -> None:
    world = World(fate)
    order = command(issued_ms=START_MS)
    run_virtual(whole_story(world, order))
    amounts = [update.fills.amount for update in world.events]
    assert amounts == sorted(amounts)


def test_without_troubles_one_request_and_two_updates_are_enough() -> None:
    world = World(Fate(b"", 0))
    order = command(issued_ms=START_MS)
    run_virtual(whole_story(world, order))
    assert (world.sent, len(world.book)) == (1, 1)
    assert [update.status for update in world.events] == ["submitting", "filled"]


@pytest.mark.parametrize("downtime", [0.0, 6.0])
@pytest.mark.parametrize("crash", ["no", "after"])
@pytest.mark.parametrize("flight", [0.5, 1.5, 2.5, 3.5, 4.5, 5.0])
def test_a_request_that_arrives_as_late_as_it_can_is_not_doubled(flight: float, crash: str, downtime: float) -> None:
    troubles = {"sending": "late", "hides": True, "crash at commit": crash}
    amounts = {"flight": flight, "time-out": 0.1, "lag": MAX_LAG_S, "list lag": MAX_LAG_S, "downtime": downtime}
    world = World(Script(troubles, amounts))
    order = command(issued_ms=START_MS, life_ms=60_000)
    run_virtual(whole_story(world, order))
    assert len(world.book) == 1
    assert world.ledger[order.client_order_id].update.status == "filled"


@pytest.mark.parametrize("trouble", SENDING_TROUBLES)
@pytest.mark.parametrize("crash", ["no", "before", "after"])
def test_every_trouble_with_sending_ends_well(trouble: str, crash: str) -> None:
    amounts = {"flight": 3.0, "time-out": 1.0, "stall": 5.0, "left": 30.0, "lag": 1.0, "downtime": 3.0}
    world = World(Script({"sending": trouble, "crash at commit": crash}, amounts))
    order = command(issued_ms=START_MS, life_ms=60_000)
    run_virtual(whole_story(world, order))
    status = world.ledger[order.client_order_id].update.status
    assert len(world.book) <= 1
    assert status == ("filled" if world.book else "rejected")


def test_an_order_that_got_lost_is_sent_again_before_it_expires_and_not_after() -> None:
    for life_s, status, sendings in ((60, "filled", 2), (5, "expired", 1)):
        world = World(Script({"sending": "lost"}, {}))
        order = command(issued_ms=START_MS, life_ms=life_s * 1000)
        run_virtual(whole_story(world, order))
        assert (world.ledger[order.client_order_id].update.status, world.sent) == (status, sendings)
