"""Agenda, limiter, prices: the moving parts of the shell, in virtual time."""

import asyncio
import itertools
from decimal import Decimal

import pytest
from backfuture_common.bus import Incoming
from backfuture_common.domain.ids import ExchangeId, Symbol
from backfuture_common.messages.market import HEARTBEAT_MS, Instrument, Subscription, Tick
from backfuture_common.runtime.health import Health
from backfuture_common.topics import MARKET_SUBSCRIPTIONS
from backfuture_connector.core.budget import Priority
from backfuture_connector.core.facts import Top
from backfuture_connector.core.failures import VenueError
from backfuture_connector.shell.agenda import OVERDUE_S, Agenda
from backfuture_connector.shell.instruments import Instruments
from backfuture_connector.shell.limiter import Limiter
from backfuture_connector.shell.market import Market
from backfuture_connector.shell.quiet import QuietMarkets

from tests.property.connector.virtual_time import VirtualClock, run_virtual
from tests.unit.connector.build import BTC, EXCHANGE, instrument
from tests.unit.connector.fakes import FakeFeed, FakePublic, FakePublisher

ETH = Symbol("ETH/USDT")


class TestAgenda:
    def test_commands_keep_their_order_and_go_before_dates(self) -> None:
        async def story() -> list[str]:
            agenda: Agenda[str] = Agenda(VirtualClock())
            agenda.set("date", 0)
            for command in ("one", "two"):
                agenda.add(command)
            return [await agenda.next() for _ in range(3)]

        assert run_virtual(story()) == ["one", "two", "date"]

    def test_a_date_that_is_long_overdue_goes_before_commands(self) -> None:
        async def story() -> str:
            agenda: Agenda[str] = Agenda(VirtualClock())
            agenda.set("date", 0)
            agenda.add("command")
            await asyncio.sleep(OVERDUE_S + 1)
            return await agenda.next()

        assert run_virtual(story()) == "date"

    def test_the_next_date_is_waited_for_and_a_command_wakes_the_waiter(self) -> None:
        async def story() -> tuple[str, float, str, float]:
            clock = VirtualClock()
            agenda: Agenda[str] = Agenda(clock)
            agenda.set("late", 60)
            agenda.set("soon", 5)
            first, first_s = await agenda.next(), clock.monotonic_s()
            asyncio.get_running_loop().call_later(3, agenda.add, "command")
            return first, first_s, await agenda.next(), clock.monotonic_s()

        first, first_s, second, second_s = run_virtual(story())
        assert (first, round(first_s), second, round(second_s)) == ("soon", 5, "command", 8)

    def test_hastening_never_delays_and_clearing_drops(self) -> None:
        async def story() -> float:
            clock = VirtualClock()
            agenda: Agenda[str] = Agenda(clock)
            agenda.set("date", 2)
            agenda.hasten("date", 50)
            agenda.set("gone", 1)
            agenda.clear("gone")
            assert await agenda.next() == "date"
            return clock.monotonic_s()

        assert round(run_virtual(story())) == 2


class TestLimiter:
    def test_what_cannot_be_granted_in_time_is_refused_without_waiting_and_without_charge(self) -> None:
        async def story() -> None:
            clock = VirtualClock()
            limiter = Limiter("mexc", clock)
            await limiter.take(60, Priority.CANCEL, None, before_s=1)
            with pytest.raises(VenueError) as caught:
                await limiter.take(48, Priority.CANCEL, None, before_s=1)
            assert clock.monotonic_s() < 0.001
            assert (caught.value.failure.kind, caught.value.failure.answer.sent) == ("rate_limited", False)
            await limiter.take(24, Priority.CANCEL, None, before_s=1.5)
            assert round(clock.monotonic_s()) == 1

        run_virtual(story())

    def test_a_cancel_passes_waiting_polls(self) -> None:
        async def story() -> list[str]:
            limiter, done = Limiter("mexc", VirtualClock()), []

            async def take(name: str, priority: Priority) -> None:
                await limiter.take(10, priority, "conn_1", before_s=60)
                done.append(name)

            async with asyncio.TaskGroup() as group:
                for number in range(8):
                    group.create_task(take(f"poll{number}", Priority.POLL))
                await asyncio.sleep(0.01)
                group.create_task(take("cancel", Priority.CANCEL))
            return done

        done = run_virtual(story())
        assert done.index("cancel") <= 4

    def test_accounts_have_budgets_of_their_own_and_share_the_address_where_the_venue_counts_so(self) -> None:
        async def story(venue: str) -> int:
            limiter, served = Limiter(venue, VirtualClock()), 0  # type: ignore[arg-type]  # one of the two
            for account in range(50):
                try:
                    await limiter.take(30, Priority.CANCEL, f"conn_{account}", before_s=0)
                except VenueError:
                    break
                served += 1
            return served

        assert run_virtual(story("kucoin")) == 50
        assert run_virtual(story("mexc")) == 2

    def test_after_the_venue_asked_for_silence_the_account_is_silent(self) -> None:
        async def story() -> float:
            clock = VirtualClock()
            limiter = Limiter("kucoin", clock)
            limiter.pause("conn_1", 4_000)
            await limiter.take(1, Priority.CANCEL, "conn_2", before_s=1)
            await limiter.take(1, Priority.CANCEL, "conn_1", before_s=10)
            return clock.monotonic_s()

        assert run_virtual(story()) >= 4


class PriceScene:
    """A market shell with fakes around it."""

    def __init__(self) -> None:
        clock = VirtualClock()
        self.published = FakePublisher()
        self.public = FakePublic()
        self.feeds: list[FakeFeed] = []
        self.health = Health()

        async def load() -> tuple[Instrument, ...]:
            return (instrument(), instrument(symbol=ETH))

        def open_feed(on_top: object, on_lost: object) -> FakeFeed:
            self.feeds.append(FakeFeed(on_top, on_lost))  # type: ignore[arg-type]  # the port's callables
            return self.feeds[-1]

        self.instruments = Instruments(load, self.published, clock, self.health, 3600)  # type: ignore[arg-type]
        self.market = Market(
            EXCHANGE,
            open_feed=open_feed,
            per_feed=1,
            publisher=self.published,  # type: ignore[arg-type]  # the method it needs
            instruments=self.instruments,
            clock=clock,
            health=self.health,
        )
        self.quiet = QuietMarkets(self.market, self.public, clock)

    def want(self, symbol: Symbol, *, wanted: bool = True) -> None:
        wish = Subscription(exchange=EXCHANGE, symbol=symbol, partition=0, wanted=wanted)
        self.market.on_wish(Incoming(MARKET_SUBSCRIPTIONS, 0, 0, f"{EXCHANGE}:{symbol}:0", wish, 0))

    def ticks(self, symbol: Symbol = BTC) -> list[Tick]:
        return [one for one in self.published.messages() if isinstance(one, Tick) and one.symbol == symbol]

    async def __aenter__(self) -> "PriceScene":
        await self.instruments.first_load()
        self._tasks = [asyncio.ensure_future(self.market.run()), asyncio.ensure_future(self.quiet.run())]
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks)


def top(bid: int) -> Top:
    return Top(Decimal(bid), Decimal(bid + 1), 5)


class TestPrices:
    def test_instruments_are_published_once_and_again_only_when_they_change(self) -> None:
        async def story() -> None:
            scene = PriceScene()
            await scene.instruments.first_load()
            await scene.instruments.first_load()
            assert [one.symbol for one in scene.published.messages() if isinstance(one, Instrument)] == [BTC, ETH]

        run_virtual(story())

    def test_a_new_price_goes_at_once_and_a_flood_is_conflated(self) -> None:
        async def story() -> None:
            async with PriceScene() as scene:
                scene.want(BTC)
                await asyncio.sleep(0.1)
                scene.feeds[0].on_top(BTC, top(100))
                await asyncio.sleep(0.001)
                assert [tick.bid for tick in scene.ticks()] == [100]
                for bid in range(101, 301):
                    scene.feeds[0].on_top(BTC, top(bid))
                    await asyncio.sleep(0.005)
                await asyncio.sleep(0.3)
                assert len(scene.ticks()) <= 13
                assert scene.ticks()[-1].bid == 300

        run_virtual(story())

    def test_a_standing_price_is_repeated_in_time_and_only_while_the_feed_is_well(self) -> None:
        async def story() -> None:
            async with PriceScene() as scene:
                scene.want(BTC)
                await asyncio.sleep(0.1)
                scene.feeds[0].on_top(BTC, top(100))
                await asyncio.sleep(10)
                times = [tick.observed_ms for tick in scene.ticks()]
                assert max(b - a for a, b in itertools.pairwise(times)) <= HEARTBEAT_MS
                scene.feeds[0].well = False
                await asyncio.sleep(0.2)
                count = len(scene.ticks())
                await asyncio.sleep(30)
                assert len(scene.ticks()) == count
                assert not scene.health.ready

        run_virtual(story())

    def test_after_a_lost_connection_the_old_price_is_not_repeated(self) -> None:
        async def story() -> None:
            async with PriceScene() as scene:
                scene.want(BTC)
                await asyncio.sleep(0.1)
                scene.feeds[0].on_top(BTC, top(100))
                scene.feeds[0].on_lost(frozenset({BTC}))
                count = len(scene.ticks())
                await asyncio.sleep(1)
                assert len(scene.ticks()) == count
                scene.feeds[0].on_top(BTC, top(90))
                await asyncio.sleep(0.01)
                assert scene.ticks()[-1].bid == 90

        run_virtual(story())

    def test_each_connection_carries_no_more_markets_than_it_may(self) -> None:
        async def story() -> None:
            async with PriceScene() as scene:
                scene.want(BTC)
                scene.want(ETH)
                await asyncio.sleep(0.1)
                assert [feed.wanted for feed in scene.feeds] == [{BTC}, {ETH}]
                scene.want(BTC, wanted=False)
                await asyncio.sleep(0.1)
                assert [feed.wanted for feed in scene.feeds] == [frozenset(), {ETH}]

        run_virtual(story())

    def test_a_market_the_exchange_does_not_list_is_not_watched(self) -> None:
        async def story() -> None:
            async with PriceScene() as scene:
                scene.want(Symbol("NONE/USDT"))
                await asyncio.sleep(0.1)
                assert scene.market.wanted == frozenset()

        run_virtual(story())

    def test_wishes_for_other_exchanges_are_left_to_them(self) -> None:
        async def story() -> None:
            async with PriceScene() as scene:
                wish = Subscription(exchange=ExchangeId("mexc"), symbol=BTC, partition=0, wanted=True)
                scene.market.on_wish(Incoming(MARKET_SUBSCRIPTIONS, 0, 0, "k", wish, 0))
                await asyncio.sleep(0.1)
                assert scene.feeds == []

        run_virtual(story())


class TestQuietMarkets:
    def test_a_market_whose_stream_only_tells_changes_gets_its_first_price_by_asking(self) -> None:
        async def story() -> None:
            async with PriceScene() as scene:
                scene.public.tops[BTC] = top(77)
                scene.want(BTC)
                await asyncio.sleep(5)
                assert scene.ticks()[0].bid == 77

        run_virtual(story())

    def test_a_quiet_market_is_asked_about_seldom_and_left_alone_when_nothing_changed(self) -> None:
        async def story() -> None:
            async with PriceScene() as scene:
                scene.public.tops[BTC] = top(100)
                scene.want(BTC)
                await asyncio.sleep(0.1)
                scene.feeds[0].on_top(BTC, top(100))
                await asyncio.sleep(120)
                assert 2 <= len(scene.public.asked) <= 5
                assert scene.feeds[0].restarts == []

        run_virtual(story())

    def test_a_stream_that_has_forgotten_a_market_is_started_anew(self) -> None:
        async def story() -> None:
            async with PriceScene() as scene:
                scene.public.tops[BTC] = top(100)
                scene.want(BTC)
                await asyncio.sleep(0.1)
                scene.feeds[0].on_top(BTC, top(100))
                scene.public.tops[BTC] = top(150)
                await asyncio.sleep(60)
                assert "StalePrice" in scene.feeds[0].restarts

        run_virtual(story())
