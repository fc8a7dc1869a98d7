"""Prices in time: books, trades and candles of one path."""

import itertools
from decimal import Decimal
from pathlib import Path

import pytest
from backfuture_common.runtime.clock import ManualClock
from backfuture_common.runtime.health import Health
from backfuture_paper.core.instruments import kucoin_rules, mexc_rules
from backfuture_paper.core.path import PathSettings
from backfuture_paper.core.quotes import DepthSettings
from backfuture_paper.market import Market, Tick
from backfuture_paper.sources.generated import GeneratedPrices
from backfuture_paper.store import Store
from backfuture_paper.web.book_changes import BookChanges
from backfuture_paper.web.view import VenueView
from backfuture_paper.world import World

from tests.unit.paper.worlds import d

SYMBOL = "BTC/USDT"
MINUTE_MS = 60_000
TICK_MS = 1_000


class Setup:
    """A market over a clock that is moved by hand."""

    def __init__(self, folder: Path) -> None:
        self.clock = ManualClock(1_800_000_030_000)
        self.world = World(Store(folder / "m.sqlite3"), self.clock, [kucoin_rules(), mexc_rules()])
        self.source = GeneratedPrices(PathSettings(), 100)
        self.market = Market(self.world, self.source, tick_ms=TICK_MS, depth=DepthSettings(still_ms=3_600_000))
        self.health = Health()
        self.ticks: list[Tick] = []
        self.market.listen(self.ticks.append)

    def run(self, seconds: float) -> None:
        for _ in range(int(seconds * 1000 / TICK_MS)):
            self.clock.advance(TICK_MS / 1000)
            self.market.tick(self.health)


@pytest.fixture
def setup(tmp_path: Path) -> Setup:
    return Setup(tmp_path)


def test_every_tick_gives_both_venues_a_book_in_their_own_steps(setup: Setup) -> None:
    setup.run(1)

    for venue in ("kucoin", "mexc"):
        exchange = setup.world.exchange(venue)
        liquidity = exchange.liquidity(SYMBOL)
        assert liquidity is not None
        book, instrument = liquidity.book, exchange.instrument(SYMBOL)
        assert book.bid < book.ask
        for side, better in ((book.bids, 1), (book.asks, -1)):
            prices = [level.price for level in side]
            assert prices == sorted(prices, reverse=better == 1)
            assert all(level.price % instrument.price_step == 0 for level in side)
            assert all(level.amount > 0 and level.amount % instrument.amount_step == 0 for level in side)
    assert setup.health.ready


def test_trades_lie_at_the_quote_and_make_the_candles(setup: Setup) -> None:
    setup.run(90)

    trades = [trade for tick in setup.ticks if tick.quote.symbol == SYMBOL for trade in tick.trades]
    quotes = {tick.quote.at_ms: tick.quote for tick in setup.ticks if tick.quote.symbol == SYMBOL}
    for trade in trades:
        assert trade.price == (quotes[trade.at_ms].ask if trade.side == "buy" else quotes[trade.at_ms].bid)
    now_ms = setup.clock.now_ms()
    start_ms = now_ms - now_ms % MINUTE_MS - MINUTE_MS
    bar = setup.market.bars(SYMBOL, MINUTE_MS, start_ms, start_ms)[0]
    mine = [trade for trade in trades if start_ms <= trade.at_ms < start_ms + MINUTE_MS]
    assert (bar.open, bar.close) == (mine[0].price, mine[-1].price)
    assert (bar.low, bar.high) == (min(t.price for t in mine), max(t.price for t in mine))
    assert bar.volume == sum(t.amount for t in mine)


def test_candles_before_the_start_come_from_the_path_and_join_without_a_gap(setup: Setup) -> None:
    setup.run(150)

    now_ms = setup.clock.now_ms()
    bars = setup.market.bars(SYMBOL, MINUTE_MS, now_ms - 10 * MINUTE_MS, now_ms)

    starts = [bar.start_ms for bar in bars]
    assert starts == list(range(starts[0], now_ms + 1, MINUTE_MS))
    for earlier, later in itertools.pairwise(bars):
        assert abs(later.open / earlier.close - 1) < d("0.003")
    whole = setup.market.bars(SYMBOL, 60 * MINUTE_MS, now_ms - 60 * MINUTE_MS, now_ms)[-1]
    assert whole.high >= max(bar.high for bar in bars[-3:])


def test_a_candle_is_never_of_the_future_and_never_more_than_asked_for(setup: Setup) -> None:
    setup.run(1)
    now_ms = setup.clock.now_ms()

    assert len(setup.market.bars(SYMBOL, MINUTE_MS, 0, 2**60, limit=7)) <= 8
    assert all(bar.start_ms <= now_ms for bar in setup.market.bars(SYMBOL, MINUTE_MS, now_ms - MINUTE_MS, 2**60))


def test_prices_by_hand_go_first_and_the_source_comes_back(setup: Setup) -> None:
    setup.run(1)

    setup.market.by_hand[SYMBOL] = (d(50), d(51))
    setup.market.requote(SYMBOL)
    assert setup.market.quotes()[SYMBOL].ask == 51
    del setup.market.by_hand[SYMBOL]
    setup.run(1)

    assert setup.market.quotes()[SYMBOL] == setup.source.quote(SYMBOL, setup.clock.now_ms())


def test_paused_prices_stand_still_and_make_the_part_unhealthy(setup: Setup) -> None:
    setup.run(1)
    before = dict(setup.market.quotes())

    setup.market.paused = True
    setup.run(1)

    assert not setup.health.ready
    assert setup.market.quotes() == before


def test_a_wrong_venue_clock_does_not_move_the_prices(setup: Setup) -> None:
    setup.world.clock_offset_ms = 3_600_000

    setup.run(1)

    assert setup.market.quotes()[SYMBOL].at_ms == setup.clock.now_ms()


def test_the_venues_view_is_in_the_venues_steps(setup: Setup) -> None:
    setup.run(70)
    view = VenueView(setup.world, setup.market, "mexc")
    step = view.instrument(SYMBOL).price_step

    day, bars = view.day(SYMBOL), view.bars(SYMBOL, MINUTE_MS, 0, 2**60, 3)

    assert day is not None
    prices = [trade.price for trade in view.trades(SYMBOL, 10)]
    prices += [price for bar in [day, *bars] for price in (bar.open, bar.high, bar.low, bar.close)]
    assert all(price % step == 0 for price in prices)
    assert view.last_price(SYMBOL) == view.trades(SYMBOL, 1)[0].price


def test_book_changes_lead_from_one_book_to_the_next(setup: Setup) -> None:
    exchange = setup.world.exchange("kucoin")
    changes = BookChanges(exchange)
    setup.run(1)
    liquidity = exchange.liquidity(SYMBOL)
    assert liquidity is not None
    assert changes.since_last(SYMBOL) is None
    mine = {level.price: level.amount for level in liquidity.bids}
    previous = liquidity.book.sequence

    for _ in range(20):
        setup.run(1)
        change = changes.since_last(SYMBOL)
        assert change is not None
        assert change.previous == previous
        previous = change.sequence
        mine.update({level.price: level.amount for level in change.bids})
        mine = {price: amount for price, amount in mine.items() if amount}

    liquidity = exchange.liquidity(SYMBOL)
    assert liquidity is not None
    assert mine == {level.price: level.amount for level in liquidity.bids}
    assert changes.since_last(SYMBOL) is None


def test_a_level_that_was_taken_and_came_back_is_told_again(setup: Setup) -> None:
    setup.market.by_hand[SYMBOL] = (d(65_000), d(65_001))
    exchange = setup.world.exchange("kucoin")
    changes = BookChanges(exchange)
    setup.run(1)
    changes.since_last(SYMBOL)
    liquidity = exchange.liquidity(SYMBOL)
    assert liquidity is not None
    liquidity.take("buy", liquidity.for_amount("buy", Decimal("0.001")))

    setup.run(1)
    change = changes.since_last(SYMBOL)

    assert change is not None
    assert [level.price for level in change.asks] == [d(65_001)]
