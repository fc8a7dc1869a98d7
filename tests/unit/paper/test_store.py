"""What is written is read again, exactly, and a write that fails is fatal."""

from decimal import Decimal
from pathlib import Path

import pytest
from backfuture_common.errors import Fatal
from backfuture_common.runtime.clock import ManualClock
from backfuture_paper.core.instruments import kucoin_rules, mexc_rules
from backfuture_paper.core.keys import DAY_MS
from backfuture_paper.core.refusals import ExchangeRefusal
from backfuture_paper.records import Movement
from backfuture_paper.sessions import Sessions
from backfuture_paper.store import Store
from backfuture_paper.world import World

from tests.unit.paper.worlds import NORMAL_BOOK, SYMBOL, d, limit


def a_world(folder: Path) -> World:
    return World(Store(folder / "exchange.sqlite3"), ManualClock(), [kucoin_rules(), mexc_rules()])


def test_a_world_is_the_same_after_it_was_opened_again(tmp_path: Path) -> None:
    world = a_world(tmp_path)
    account = world.open_account("kucoin", {"USDT": d("1000.000000000001"), "BTC": d("0.00000001")})
    key = world.create_key(account, ["read", "trade"], ("127.0.0.1",), 5)
    world.on_book("kucoin", NORMAL_BOOK)
    filled = world.place("kucoin", account, limit("buy", "1", "100", client_id="one"))
    resting = world.place("kucoin", account, limit("buy", "1", "90", client_id="two"))

    again = a_world(tmp_path)

    assert again.keys == {key.api_key: key}
    assert again.balances(account) == world.balances(account)
    assert again.exchange("kucoin").open_orders(account) == [resting]
    assert again.store.order(account, filled.id) == filled
    assert again.store.order_by_client_id(account, "one") == filled
    assert again.store.order_by_client_id(account, "three") is None
    assert [fill.order_id for fill in again.store.fills(account)] == [filled.id]
    assert again.store.orders(account, SYMBOL) == [resting, filled]
    assert again.store.orders(account, "ETH/USDT") == []
    assert again.store.orders(account, since_ms=filled.created_ms + 1) == []
    assert again.place("kucoin", account, limit("buy", "0.1", "90")).number == resting.number + 1
    assert again.has_account("kucoin", account)
    assert not again.has_account("mexc", account)


def test_the_file_belongs_to_its_owner_alone(tmp_path: Path) -> None:
    a_world(tmp_path / "new")

    assert (tmp_path / "new" / "exchange.sqlite3").stat().st_mode & 0o077 == 0


def test_listeners_hear_of_a_change_after_it_was_written(tmp_path: Path) -> None:
    world = a_world(tmp_path)
    account = world.open_account("mexc", {"USDT": d(1_000)})
    heard: list[object] = []
    world.listen(lambda venue, changes: heard.append((venue, world.store.order(account, changes.orders[0].order.id))))

    order = world.place("mexc", account, limit("buy", "1", "90"))

    assert heard == [("mexc", order)]


async def test_a_failed_write_breaks_the_world(tmp_path: Path) -> None:
    world = a_world(tmp_path)
    account = world.open_account("mexc", {"USDT": d(1_000)})
    told: list[object] = []
    world.listen(lambda venue, _changes: told.append(venue))
    world.store.close()

    with pytest.raises(Fatal, match="store_failed"):
        world.place("mexc", account, limit("buy", "1", "90"))

    assert told == []
    with pytest.raises(Fatal):
        await world.until_broken()


def test_movements_are_recorded_and_never_overdraw(tmp_path: Path) -> None:
    world = a_world(tmp_path)
    account = world.open_account("mexc", {"USDT": d(10)})

    def withdraw(amount: str) -> None:
        world.move(Movement(account=account, kind="withdrawal", coin="USDT", amount=d(amount), at_ms=1))

    withdraw("-4")
    with pytest.raises(ExchangeRefusal, match="insufficient_funds"):
        withdraw("-7")

    assert [movement.amount for movement in world.store.movements(account)] == [10, -4]
    assert world.balances(account)["USDT"].free == Decimal(6)


def test_a_mexc_key_without_an_address_list_ends_after_ninety_days(tmp_path: Path) -> None:
    world = a_world(tmp_path)
    account = world.open_account("mexc", {})

    unbound, bound = world.create_key(account, ["read"]), world.create_key(account, ["read"], ("127.0.0.1",))

    assert unbound.expires_ms == world.now_ms() + 90 * DAY_MS
    assert bound.expires_ms is None
    assert world.create_key(world.open_account("kucoin", {}), ["read"]).expires_ms is None


def test_sessions_end_by_time_are_renewed_and_forgotten(tmp_path: Path) -> None:
    store = Store(tmp_path / "s.sqlite3")
    sessions = Sessions(store)
    mine = sessions.open("mexc", "a", 0, 100)
    public = sessions.open("kucoin", None, 0, 100)

    assert sessions.find("mexc", mine.token, 99) == mine
    assert sessions.find("mexc", mine.token, 100) is None
    assert sessions.find("kucoin", mine.token, 1) is None
    sessions.renew(mine, 50, 100)
    assert sessions.find("mexc", mine.token, 149) is not None
    assert Sessions(store).find("kucoin", public.token, 1) == public
    assert sessions.forget("mexc") == 1
    assert Sessions(store).find("mexc", mine.token, 60) is None
    assert sessions.find("kucoin", public.token, 60) == public
