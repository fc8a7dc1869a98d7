"""The event stream: ids, owners, resuming, slow clients."""

import pytest
from backfuture_common.runtime.clock import ManualClock
from backfuture_gateway.events.stream import (
    MOST_STREAMS_PER_USER,
    MOST_WAITING,
    REMEMBERED,
    Broadcaster,
    Event,
    Listener,
)
from backfuture_gateway.http.errors import TooMany


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def broadcaster(clock: ManualClock) -> Broadcaster:
    return Broadcaster(clock)


async def _all(listener: Listener) -> list[Event]:
    return await listener.next(0.01)


async def test_each_owner_gets_his_own_events_in_order_with_growing_ids(broadcaster: Broadcaster) -> None:
    ana, bob = broadcaster.listen("ana", None), broadcaster.listen("bob", None)

    for number in range(3):
        broadcaster.publish("ana", "bot", str(number))
    broadcaster.publish("bob", "bot", "bob's")
    broadcaster.publish(None, "reset", "{}")

    events = await _all(ana)
    ids = [event.id or 0 for event in events]
    assert [event.data for event in events] == ["0", "1", "2", "{}"]
    assert ids == sorted(set(ids))
    assert [event.data for event in await _all(bob)] == ["bob's", "{}"]


async def test_a_client_resumes_after_its_last_event_without_gap_or_repeat(broadcaster: Broadcaster) -> None:
    first = broadcaster.listen("ana", None)
    broadcaster.publish("ana", "bot", "seen")
    (seen,) = await _all(first)
    broadcaster.leave(first)
    broadcaster.publish("ana", "bot", "missed 1")
    broadcaster.publish("bob", "bot", "not hers")
    broadcaster.publish("ana", "bot", "missed 2")

    again = broadcaster.listen("ana", seen.id)
    broadcaster.publish("ana", "bot", "live")

    assert [event.data for event in await _all(again)] == ["missed 1", "missed 2", "live"]


async def test_who_missed_too_much_is_told_to_read_anew(broadcaster: Broadcaster) -> None:
    listener = broadcaster.listen("ana", None)
    broadcaster.publish("ana", "bot", "0")
    (seen,) = await _all(listener)
    broadcaster.leave(listener)
    for number in range(REMEMBERED + 1):
        broadcaster.publish("ana", "bot", str(number))

    again = broadcaster.listen("ana", seen.id)

    (reset,) = await _all(again)
    assert reset.kind == "reset"
    broadcaster.publish("ana", "bot", "next")
    assert (await _all(again))[0].id == (reset.id or 0) + 1


async def test_ids_grow_over_a_restart_and_an_old_one_means_reset(clock: ManualClock, broadcaster: Broadcaster) -> None:
    listener = broadcaster.listen("ana", None)
    broadcaster.publish("ana", "bot", "before")
    (before,) = await _all(listener)

    clock.advance(0.01)
    restarted = Broadcaster(clock)
    again = restarted.listen("ana", before.id)
    restarted.publish("ana", "bot", "after")

    reset, after = await _all(again)
    assert reset.kind == "reset"
    assert (after.id or 0) > (before.id or 0)


async def test_an_id_from_the_future_means_reset(broadcaster: Broadcaster) -> None:
    (event,) = await _all(broadcaster.listen("ana", 10**18 - 1))

    assert event.kind == "reset"


async def test_a_slow_client_is_dropped_and_the_others_go_on(broadcaster: Broadcaster) -> None:
    slow, quick = broadcaster.listen("ana", None), broadcaster.listen("ana", None)
    got = 0
    for number in range(MOST_WAITING + 1):
        broadcaster.publish("ana", "bot", str(number))
        got += len(await _all(quick))

    assert slow.ended == "too slow"
    assert await _all(slow) == []
    assert quick.ended is None
    assert got == MOST_WAITING + 1


async def test_only_the_newest_price_of_a_market_waits_and_it_is_not_resumable(broadcaster: Broadcaster) -> None:
    listener = broadcaster.listen("ana", None)

    for price in range(5_000):
        broadcaster.publish_price("paper-mexc:BTC/USDT", str(price))
    broadcaster.publish_price("paper-mexc:ETH/USDT", "1")

    events = await _all(listener)
    assert [(event.kind, event.id, event.data) for event in events] == [("price", None, "4999"), ("price", None, "1")]
    assert listener.ended is None


async def test_streams_per_user_are_limited_and_given_back(broadcaster: Broadcaster) -> None:
    open_ = [broadcaster.listen("ana", None) for _ in range(MOST_STREAMS_PER_USER)]

    with pytest.raises(TooMany):
        broadcaster.listen("ana", None)
    broadcaster.listen("bob", None)
    broadcaster.leave(open_[0])
    broadcaster.listen("ana", None)


async def test_closing_ends_all_streams_and_later_ones(broadcaster: Broadcaster) -> None:
    listener = broadcaster.listen("ana", None)

    broadcaster.close()

    assert listener.ended
    assert broadcaster.listen("ana", None).ended
