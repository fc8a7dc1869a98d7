"""Backtest and paper agree to the last digit.

The live engine's worker trades on the paper exchange's own matching and money; the backtester gets the same prices.
Both must come to the same facts: decisions with their numbers, orders, fills, fees, results.
"""

from collections.abc import Iterator

import numpy as np
import pytest
from backfuture_common.contracts.backtest import Assumptions, FeeCoin
from backfuture_common.messages.bots import BotSpec
from backfuture_common.messages.journal import JournalRecord, OrderProgressed
from backfuture_common.messages.market import Instrument
from backfuture_common.messages.orders import Fills, OrderStatus, OrderUpdate, PlaceOrder
from backfuture_engine.backtest.tape import Tape
from backfuture_paper.core.book import Book
from backfuture_paper.core.exchange import Exchange
from backfuture_paper.core.instruments import VenueRules, kucoin_rules, mexc_rules
from backfuture_paper.core.orders import OrderRequest
from backfuture_paper.core.path import PathSettings
from backfuture_paper.core.quotes import DepthSettings, build_book
from backfuture_paper.sources.generated import GeneratedPrices
from msgspec.structs import replace

from tests.unit.backtest.build import simulated
from tests.unit.engine.build import CONNECTION, ETH, START_MS, D, instrument, spec, strategy, update
from tests.unit.engine.world import Theatre, money
from tests.unit.paper.worlds import ME, an_exchange

TICK_MS = 250
HOURS = 1
OPENING = D(3_000)
VENUES: dict[str, tuple[VenueRules, FeeCoin]] = {
    "kucoin": (kucoin_rules(), "quote"),
    "mexc": (mexc_rules(), "received"),
}


def books(rules: VenueRules) -> Iterator[Book]:
    """Return what the paper exchange would show of its generated market, tick by tick."""
    source, market = GeneratedPrices(PathSettings(seed=11), spread_ppm=100), rules.instruments[ETH]
    for number in range(HOURS * 3_600_000 // TICK_MS):
        quote = source.quote(ETH, START_MS + number * TICK_MS)
        assert quote is not None
        yield build_book(quote, market, DepthSettings(levels=1), number)


def market_of(rules: VenueRules) -> Instrument:
    traded = rules.instruments[ETH]
    return instrument(
        price_step=traded.price_step,
        amount_step=traded.amount_step,
        amount_min=traded.amount_min,
        cost_min=traded.cost_min,
        taker_fee=rules.taker_fee,
        maker_fee=rules.maker_fee,
    )


def lively_bot() -> BotSpec:
    """Three add-ons close together, scaled, and a target that is often reached."""
    dca = strategy(
        base_order_quote=D(100),
        add_on_quote=D(120),
        volume_scale=D("1.3"),
        step_percent=D("0.4"),
        step_scale=D("1.2"),
        take_profit_percent=D("0.35"),
        min_improvement_percent=D("0.05"),
        min_gap_percent=D("0.2"),
        slippage_percent=D("0.1"),
        group_cooldown_ms=10_000,
    )
    return spec(dca, margin_limit_quote=D(1_000))


class Paper:
    """The live worker on the paper exchange, without the processes and topics between them."""

    def __init__(self, rules: VenueRules, bot: BotSpec) -> None:
        self.exchange: Exchange = an_exchange(rules, USDT=str(OPENING))
        self.theatre = Theatre()
        self.theatre.world.instruments = dict.fromkeys(self.theatre.world.instruments, market_of(rules))
        self._tell_balance()
        self.theatre.start(bot)
        self.records: list[JournalRecord] = []

    def tick(self, book: Book) -> None:
        self.exchange.on_book(book)
        self.theatre.world.now_ms = book.at_ms
        self.theatre.worker.on_time(book.at_ms)
        self.theatre.see(str(book.ask), str(book.bid))
        while orders := self._committed():
            for order in orders:
                self.theatre.news(self._placed(order))
            self._tell_balance()
            self.theatre.worker.on_change(book.at_ms, connection=CONNECTION)
            self.theatre.turns()

    def _committed(self) -> list[PlaceOrder]:
        values = [record.value for record in self.theatre.commit()]
        self.records += [value for value in values if isinstance(value, JournalRecord)]
        return [value for value in values if isinstance(value, PlaceOrder)]

    def _placed(self, order: PlaceOrder) -> OrderUpdate:
        request = OrderRequest(
            symbol=order.symbol, side=order.side, kind="limit", client_id=order.client_order_id, time_in_force="IOC",
            price=order.limit_price, amount=order.amount,
        )  # fmt: skip
        _, changes = self.exchange.place(ME, request, self.theatre.world.now_ms)
        final = changes.orders[-1].order
        fee_in_base = final.fee_coin == "ETH"
        filled = Fills(
            amount=final.filled,
            cost=final.filled_cost,
            fee_base=final.fee if fee_in_base else D(0),
            fee_quote=D(0) if fee_in_base else final.fee,
        )
        status: OrderStatus = "filled" if final.status == "filled" else "canceled"
        return replace(update(order, status, filled), at_ms=self.theatre.world.now_ms)

    def _tell_balance(self) -> None:
        free = self.exchange.ledger.balance(ME, "USDT").free
        self.theatre.world.money[CONNECTION] = money(str(free))


def tape_of(seen: list[Book], market: Instrument) -> Tape:
    return Tape(
        instrument=market,
        at_ms=np.array([book.at_ms for book in seen], dtype=np.int64),
        bid=np.array([int(book.bid / market.price_step) for book in seen], dtype=np.int64),
        ask=np.array([int(book.ask / market.price_step) for book in seen], dtype=np.int64),
        quiet_ms=60_000,
    )


@pytest.mark.parametrize("venue", sorted(VENUES))
def test_the_same_prices_give_the_same_facts(venue: str) -> None:
    rules, fee_coin = VENUES[venue]
    bot, seen, paper = lively_bot(), list(books(rules)), Paper(rules, lively_bot())
    for book in seen:
        paper.tick(book)
    assumed = Assumptions(balance_quote=OPENING, fee_coin=fee_coin)
    simulation, steps = simulated({ETH: tape_of(seen, market_of(rules))}, bot, assumptions=assumed)
    live = [record.facts for record in paper.records]
    assert [one.facts for one in steps] == live
    closed = simulation.states[bot.bot_id]
    assert closed is not None
    assert closed.groups_closed > 10
    assert sum(isinstance(fact, OrderProgressed) for facts in live for fact in facts) > 30
    assert simulation.venue.quote_free(CONNECTION) == paper.exchange.ledger.balance(ME, "USDT").free
    assert simulation.venue.balances(CONNECTION)["ETH"] == paper.exchange.ledger.balance(ME, "ETH").free
