"""Conflation of prices, positions of partitions, union of wishes."""

from decimal import Decimal

from backfuture_common.domain.ids import ExchangeId, Symbol
from backfuture_common.messages.market import Subscription
from backfuture_connector.core.conflation import Conflator
from backfuture_connector.core.facts import Top
from backfuture_connector.core.positions import Positions
from backfuture_connector.core.wanted import place, wanted_symbols

from tests.unit.connector.build import BTC

ETH = Symbol("ETH/USDT")


def top(bid: str = "100") -> Top:
    return Top(Decimal(bid), Decimal(bid) + 1, 0)


class TestConflation:
    def conflator(self) -> Conflator:
        return Conflator(min_gap_ms=100, heartbeat_ms=2_000)

    def test_the_first_price_and_each_change_after_the_gap_go_at_once(self) -> None:
        held = self.conflator()
        assert held.offer(BTC, top("100"), 1_000)
        held.published(BTC, top("100"), 1_000)
        assert held.offer(BTC, top("101"), 1_100)

    def test_a_price_inside_the_gap_waits_and_the_newest_is_published(self) -> None:
        held = self.conflator()
        held.published(BTC, top("100"), 1_000)
        held.offer(BTC, top("100"), 1_000)
        held.published(BTC, top("100"), 1_000)
        assert not held.offer(BTC, top("101"), 1_050)
        assert not held.offer(BTC, top("102"), 1_060)
        assert held.due(1_099, lambda _: True) == []
        assert held.due(1_100, lambda _: True) == [(BTC, top("102"))]

    def test_an_unchanged_price_is_not_published_again_before_its_heartbeat(self) -> None:
        held = self.conflator()
        held.offer(BTC, top(), 1_000)
        held.published(BTC, top(), 1_000)
        assert not held.offer(BTC, top(), 2_500)
        assert held.due(2_999, lambda _: True) == []
        assert held.due(3_000, lambda _: True) == [(BTC, top())]

    def test_an_unhealthy_feed_repeats_nothing(self) -> None:
        held = self.conflator()
        held.offer(BTC, top(), 1_000)
        held.published(BTC, top(), 1_000)
        assert held.due(60_000, lambda _: False) == []

    def test_a_forgotten_price_is_never_repeated_and_the_next_one_goes_at_once(self) -> None:
        held = self.conflator()
        held.offer(BTC, top(), 1_000)
        held.published(BTC, top(), 1_000)
        held.forget(BTC)
        assert held.due(60_000, lambda _: True) == []
        assert held.offer(BTC, top(), 60_000)


class TestPositions:
    def test_nothing_is_committable_before_anything_was_read(self) -> None:
        assert Positions().committable is None

    def test_the_oldest_open_record_holds_the_position(self) -> None:
        positions = Positions()
        for offset in (5, 6, 9):
            positions.take(offset)
        positions.done(6)
        positions.done(9)
        assert (positions.committable, positions.open) == (5, 3)
        positions.done(5)
        assert (positions.committable, positions.open) == (10, 0)


class TestWishes:
    def wish(
        self, symbol: Symbol, partition: int, *, wanted: bool = True, exchange: str = "paper-mexc"
    ) -> Subscription:
        return Subscription(exchange=ExchangeId(exchange), symbol=symbol, partition=partition, wanted=wanted)

    def test_a_market_is_watched_while_one_partition_wants_it(self) -> None:
        wishes = [self.wish(BTC, 0, wanted=False), self.wish(BTC, 1), self.wish(ETH, 0, wanted=False)]
        assert wanted_symbols(ExchangeId("paper-mexc"), wishes) == {BTC}

    def test_wishes_for_other_exchanges_are_not_ours(self) -> None:
        assert wanted_symbols(ExchangeId("mexc"), [self.wish(BTC, 0)]) == frozenset()

    def test_symbols_never_move_between_connections(self) -> None:
        first = place([Symbol(f"S{n}/USDT") for n in range(5)], [], 2)
        assert [len(shard) for shard in first] == [2, 2, 1]
        second = place([BTC, ETH, *(symbol for shard in first for symbol in shard)], first, 2)
        assert [len(shard) for shard in second] == [2, 2, 2, 1]
        for before, after in zip(first, second, strict=False):
            assert before <= after
