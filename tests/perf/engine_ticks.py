"""How fast one partition of the engine is: ``python -m tests.perf.engine_ticks [bots]``. Measures, asserts nothing.

quiet      ticks that wake nobody, decoded from their bytes, with all bots in a group of their own
decisions  one tick that wakes every bot, until the last order stands in its transaction
fills      the answers to those orders
"""

import gc
import random
import sys
import time
from collections.abc import Callable

from backfuture_common.domain.ids import BotId, ConnectionId
from backfuture_common.messages.codec import Decoder, encode
from backfuture_common.messages.market import Tick, market_key
from backfuture_common.messages.orders import PlaceOrder

from tests.unit.engine.build import ETH, EXCHANGE, START_MS, D, spec
from tests.unit.engine.world import Theatre, money

QUIET_TICKS = 200_000


def timed(what: str, count: int, work: Callable[[], object]) -> None:
    started_s = time.process_time()
    work()
    took_s = time.process_time() - started_s
    sys.stdout.write(f"{what:<34}{count:>8} in {took_s:7.3f} s of CPU  {took_s / count * 1e6:9.2f} us each\n")


def full_house(bots: int) -> Theatre:
    theatre = Theatre()
    for number in range(bots):
        connection = ConnectionId(f"con_{number}")
        theatre.world.connections[connection] = theatre.world.connections[ConnectionId("con_a")]
        theatre.world.money[connection] = money(100_000)
        theatre.start(spec(bot_id=BotId(f"bot_{number}"), connection_id=connection))
    theatre.commit()
    return theatre


def quiet_ticks(theatre: Theatre) -> None:
    decoder, market = Decoder(Tick), market_key(EXCHANGE, ETH)
    walk = random.Random(1)  # noqa: S311  (a price, no secret)
    raw = []
    for _ in range(QUIET_TICKS):
        bid = D(walk.randrange(285_100, 303_000)) / 100
        tick = Tick(exchange=EXCHANGE, symbol=ETH, bid=bid, ask=bid + D("0.01"), exchange_ms=0, observed_ms=START_MS)
        raw.append(encode(tick))

    def show_all() -> None:
        for data in raw:
            tick = decoder.decode(data)
            theatre.worker.on_price(market, tick.bid, tick.ask)
        theatre.turns()

    timed("quiet ticks", QUIET_TICKS, show_all)
    if theatre.worker.urgent:
        sys.stdout.write("a quiet tick was not quiet\n")


def main(bots: int) -> None:
    """Measure with this many bots on one symbol."""
    theatre = full_house(bots)
    gc.collect()
    gc.freeze()
    orders: list[PlaceOrder] = []

    def one_tick(ask: int) -> None:
        theatre.see(ask)
        orders[:] = theatre.orders()

    def their_fills() -> None:
        theatre.answer(orders)
        theatre.commit()

    timed("one tick: all enter", bots, lambda: one_tick(3000))
    timed("their fills", bots, their_fills)
    quiet_ticks(theatre)
    timed("one tick: all add on", bots, lambda: one_tick(2850))
    timed("their fills", bots, their_fills)
    timed("one tick: all exit", bots, lambda: one_tick(3100))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
