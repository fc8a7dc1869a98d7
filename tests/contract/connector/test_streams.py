"""Prices and hints survive whatever a stream connection can do: drops, silence, forgotten tokens."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from backfuture_common.domain.ids import Symbol
from backfuture_connector.adapters import ccxt_link
from backfuture_connector.adapters.ccxt_feed import CcxtFeed
from backfuture_connector.core.facts import Top

from tests.contract.connector.conftest import Bed
from tests.unit.connector.build import BTC, command

ETH, SOL = Symbol("ETH/USDT"), Symbol("SOL/USDT")


class Watcher:
    """A running feed and what it told."""

    def __init__(self, bed: Bed, *symbols: Symbol) -> None:
        self.prices: list[tuple[Symbol, Top]] = []
        self.lost: list[frozenset[Symbol]] = []
        self.feed: CcxtFeed = bed.factory.feed(lambda symbol, top: self.prices.append((symbol, top)), self.lost.append)
        self.feed.want(frozenset(symbols))

    def seen(self) -> set[Symbol]:
        return {symbol for symbol, _ in self.prices}

    async def __aenter__(self) -> "Watcher":
        self._task = asyncio.ensure_future(self.feed.run())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        await asyncio.wait({self._task})


async def until(true: Callable[[], bool], within_s: float = 10.0) -> None:
    """Wait until it is true."""
    for _ in range(round(within_s / 0.02)):
        if true():
            return
        await asyncio.sleep(0.02)
    raise AssertionError(f"not true within {within_s} s")


async def test_prices_of_all_wanted_markets_come_and_no_others(bed: Bed) -> None:
    async with Watcher(bed, BTC, ETH) as watcher:
        await until(lambda: watcher.seen() == {BTC, ETH})
        assert watcher.feed.healthy()
        watcher.feed.want(frozenset({ETH, SOL}))
        await until(lambda: SOL in watcher.seen())
        watcher.prices.clear()
        await until(lambda: watcher.seen() >= {ETH, SOL})
        assert BTC not in watcher.seen()


async def test_a_price_is_told_exactly(bed: Bed) -> None:
    async with Watcher(bed, BTC) as watcher:
        await until(lambda: bool(watcher.prices))
        bed.price("60123.4", "60123.5")
        await until(lambda: (str(watcher.prices[-1][1].bid), str(watcher.prices[-1][1].ask)) == ("60123.4", "60123.5"))


@pytest.mark.parametrize("action", ["drop", "close"])
async def test_a_lost_connection_is_told_and_comes_back(bed: Bed, action: str) -> None:
    async with Watcher(bed, BTC) as watcher:
        await until(lambda: bool(watcher.prices))
        bed.paper.control("streams", action=action, venue=bed.venue)
        await until(lambda: watcher.lost == [frozenset({BTC})])
        watcher.prices.clear()
        await until(lambda: bool(watcher.prices))


async def test_a_silent_connection_is_unhealthy_and_replaced(bed: Bed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ccxt_link, "SILENCE_S", 1.5)
    async with Watcher(bed, BTC) as watcher:
        await until(lambda: bool(watcher.prices))
        bed.paper.control("streams", action="mute", venue=bed.venue, what="all")
        await until(lambda: not watcher.feed.healthy())
        watcher.prices.clear()
        await until(lambda: bool(watcher.lost) and bool(watcher.prices))


async def test_a_feed_that_is_told_to_restarts(bed: Bed) -> None:
    async with Watcher(bed, BTC) as watcher:
        await until(lambda: bool(watcher.prices))
        watcher.feed.restart("StalePrice")
        await until(lambda: bool(watcher.lost))
        watcher.prices.clear()
        await until(lambda: bool(watcher.prices))


async def test_own_orders_are_hinted_at_by_their_id(bed: Bed) -> None:
    await with_hints(bed, None)


@pytest.mark.parametrize("action", ["drop", "close"])
async def test_hints_come_again_after_a_lost_connection(bed: Bed, action: str) -> None:
    async def lose() -> None:
        bed.paper.control("streams", action=action, venue=bed.venue, private=True)

    await with_hints(bed, lose)


async def test_hints_come_again_after_the_exchange_forgot_the_session(bed: Bed) -> None:
    async def forget() -> None:
        bed.paper.control("sessions/forget", venue=bed.venue)
        bed.paper.control("streams", action="drop", venue=bed.venue, private=True)

    await with_hints(bed, forget)


async def with_hints(bed: Bed, disturb: Callable[[], Awaitable[None]] | None) -> None:
    """Order until a hint comes; disturb; order until a hint comes again."""
    bed.price()
    account = bed.open(bed.paper.key(bed.venue))
    hints: list[str | None] = []
    gaps: list[int] = []
    stream = asyncio.ensure_future(account.watch_private(hints.append, lambda: gaps.append(1)))
    try:
        await order_until_hinted(bed, account, hints, "one")
        if disturb is not None:
            await disturb()
            await until(lambda: bool(gaps))
            await order_until_hinted(bed, account, hints, "two")
    finally:
        stream.cancel()
        await asyncio.wait({stream})


async def order_until_hinted(bed: Bed, account: object, hints: list[str | None], name: str) -> None:
    for number in range(40):
        order = command(f"b{name}{number}{bed.venue}{bed.clock.now_ms()}", amount="0.001", price="60001")
        await account.place(order, within_s=5)  # type: ignore[attr-defined]  # an account
        await asyncio.sleep(0.25)
        if order.client_order_id in hints:
            return
    raise AssertionError("no hint came")
