"""Prices and instruments as the engine gets them: newest, not too often, repeated while they can be trusted."""

import asyncio
import itertools

from backfuture_common.domain.ids import ExchangeId, Symbol
from backfuture_common.messages.market import HEARTBEAT_MS, Instrument, Tick

from tests.integration.connector.stage import Connector, Stage, Topics, now_ms
from tests.unit.connector.build import BTC

ETH = Symbol("ETH/USDT")


def ticks(bus: Topics, exchange: ExchangeId, symbol: Symbol, since_ms: int) -> list[Tick]:
    return bus.of(
        Tick, lambda tick: (tick.exchange, tick.symbol) == (exchange, symbol) and tick.observed_ms >= since_ms
    )


async def first_tick(bus: Topics, exchange: ExchangeId, since_ms: int) -> None:
    await bus.until(Tick, lambda one: (one.exchange, one.symbol) == (exchange, BTC) and one.observed_ms >= since_ms, 20)


async def test_every_market_against_usdt_is_published_with_its_rules(
    stage: Stage, bus: Topics, exchange: ExchangeId, connector: Connector
) -> None:
    found = await bus.until(Instrument, lambda one: (one.exchange, one.symbol) == (exchange, BTC))
    assert found.active
    assert min(found.price_step, found.amount_step, found.cost_min, found.taker_fee) > 0


async def test_a_wanted_market_is_told_conflated_and_an_unwanted_one_falls_silent(
    stage: Stage, bus: Topics, exchange: ExchangeId, connector: Connector
) -> None:
    started_ms = now_ms()
    await bus.want(exchange, BTC)
    await first_tick(bus, exchange, started_ms)
    began_ms = now_ms()
    await asyncio.sleep(3)
    rate = len(ticks(bus, exchange, BTC, began_ms)) / 3
    assert 3 < rate <= 11, "the paper exchange moves twenty times a second"
    assert ticks(bus, exchange, ETH, started_ms) == []
    for tick in ticks(bus, exchange, BTC, began_ms):
        assert 0 < tick.bid <= tick.ask
    await bus.want(exchange, BTC, wanted=False)
    await asyncio.sleep(1)
    silent_ms = now_ms()
    await asyncio.sleep(2.5)
    assert ticks(bus, exchange, BTC, silent_ms) == []


async def test_a_standing_price_is_repeated_while_the_feed_is_healthy(
    stage: Stage, bus: Topics, exchange: ExchangeId, connector: Connector
) -> None:
    stage.paper.control("price", symbol="BTC/USDT", bid="60000", ask="60001")
    await bus.want(exchange, BTC)
    began_ms = now_ms() + 4_000
    await asyncio.sleep(10)
    beats = [tick.observed_ms for tick in ticks(bus, exchange, BTC, began_ms)]
    gaps = [later - earlier for earlier, later in itertools.pairwise(beats)]
    assert beats
    assert max(gaps) <= HEARTBEAT_MS + 300
    assert {str(tick.bid) for tick in ticks(bus, exchange, BTC, began_ms)} == {"60000"}


async def test_prices_go_on_after_the_exchange_drops_every_stream(
    stage: Stage, bus: Topics, exchange: ExchangeId, connector: Connector
) -> None:
    await bus.want(exchange, BTC)
    await first_tick(bus, exchange, 0)
    stage.paper.control("sessions/forget", venue=exchange[6:])
    stage.paper.control("streams", action="drop", venue=exchange[6:])
    await first_tick(bus, exchange, now_ms() + 500)
