"""The generated market: the same everywhere, bounded, smooth, and lively enough to show a bot at work."""

import random
from dataclasses import dataclass
from decimal import Decimal

import hypothesis.strategies as st
import pytest
from backfuture_common.domain.money import ONE, ZERO, divide
from backfuture_paper.core.instruments import REFERENCE_PRICES, kucoin_rules
from backfuture_paper.core.path import PathSettings, price_at
from backfuture_paper.sources.generated import GeneratedPrices
from hypothesis import given, settings

START_MS = 1_795_000_000_000
SYMBOLS = sorted(REFERENCE_PRICES)
SPREAD_PPM = 100


@given(seed=st.integers(0, 10**9), symbol=st.sampled_from(SYMBOLS), at_ms=st.integers(0, 2 * START_MS))
def test_the_price_stays_around_its_reference(seed: int, symbol: str, at_ms: int) -> None:
    path = PathSettings(seed=seed)
    reach = Decimal(path.swing_ppm + 2 * path.noise_ppm + 5 * path.drift_ppm).scaleb(-6)

    ratio = price_at(REFERENCE_PRICES[symbol], symbol, at_ms, path) / REFERENCE_PRICES[symbol]

    assert ONE - reach <= ratio <= ONE + reach


@given(seed=st.integers(0, 10**9), symbol=st.sampled_from(SYMBOLS), at_ms=st.integers(START_MS, 2 * START_MS))
def test_the_price_does_not_jump_from_tick_to_tick(seed: int, symbol: str, at_ms: int) -> None:
    path = PathSettings(seed=seed)
    now, then = (price_at(Decimal(1), symbol, moment, path) for moment in (at_ms, at_ms + 250))

    assert abs(then - now) < Decimal("0.0007")


@given(seed=st.integers(0, 10**9), at_ms=st.integers(START_MS, 2 * START_MS))
def test_equal_settings_make_equal_quotes_and_other_seeds_other_ones(seed: int, at_ms: int) -> None:
    one, two, other = (GeneratedPrices(PathSettings(seed=number), SPREAD_PPM) for number in (seed, seed, seed + 1))

    assert [one.quote(symbol, at_ms) for symbol in SYMBOLS] == [two.quote(symbol, at_ms) for symbol in SYMBOLS]
    assert [one.quote(symbol, at_ms) for symbol in SYMBOLS] != [other.quote(symbol, at_ms) for symbol in SYMBOLS]


def test_the_path_of_a_seed_never_changes() -> None:
    """A restart after an update has to continue the same market: these numbers are kept on purpose."""
    path = PathSettings(seed=7)

    assert str(price_at(Decimal(65_000), "BTC/USDT", START_MS, path)) == EXPECTED["BTC/USDT"]
    assert str(price_at(Decimal(3_200), "ETH/USDT", START_MS + 77_777, path)) == EXPECTED["ETH/USDT"]


EXPECTED = {"BTC/USDT": "65528.937955000", "ETH/USDT": "3222.215644800"}


@given(seed=st.integers(0, 10**9), symbol=st.sampled_from(SYMBOLS))
@settings(max_examples=60)
def test_within_two_minutes_the_price_moves_by_more_than_one_per_cent(seed: int, symbol: str) -> None:
    path = PathSettings(seed=seed)
    prices = [price_at(Decimal(1), symbol, START_MS + seed + 1_000 * second, path) for second in range(120)]

    assert Decimal("0.012") < max(prices) / min(prices) - 1 < Decimal("0.035")


@dataclass
class Group:
    """A DCA group: add-ons 0.4 % apart, each 1.25 times the one before, out 0.5 % above break-even after fees."""

    entry: Decimal
    amount: Decimal
    cost: Decimal
    add_ons: int = 0

    FEE = kucoin_rules().taker_fee
    STEP = Decimal("0.004")
    TARGET = Decimal("1.005")
    MOST = 4
    GROWTH = Decimal("1.25")

    @classmethod
    def open(cls, ask: Decimal) -> "Group":
        return cls(entry=ask, amount=divide(ONE, ask), cost=ONE + cls.FEE)

    def add_on(self, ask: Decimal) -> None:
        if self.add_ons < self.MOST and ask <= self.entry * (ONE - self.STEP * (self.add_ons + 1)):
            self.add_ons += 1
            money = self.GROWTH**self.add_ons
            self.amount += divide(money, ask)
            self.cost += money * (ONE + self.FEE)

    def is_at_target(self, bid: Decimal) -> bool:
        return bid * self.amount * (ONE - self.FEE) >= self.cost * self.TARGET


def first_closed_with_an_add_on(seed: int, symbol: str, start_ms: int, within_s: int) -> int | None:
    """Run a bot that opens again whenever its group closed; return after how many seconds it has shown everything."""
    source = GeneratedPrices(PathSettings(seed=seed), SPREAD_PPM)
    group: Group | None = None
    for second in range(within_s):
        quote = source.quote(symbol, start_ms + 1_000 * second)
        assert quote is not None
        if group is None:
            group = Group.open(quote.ask)
        elif group.is_at_target(quote.bid):
            if group.add_ons:
                return second
            group = None
        else:
            group.add_on(quote.ask)
    return None


@pytest.mark.parametrize("symbol", ["BTC/USDT", "ETH/USDT", "SOL/USDT"])
def test_a_dca_bot_opens_adds_on_and_closes_within_five_minutes_whenever_it_starts(symbol: str) -> None:
    chance = random.Random(2026)  # noqa: S311 - chance, not secrecy
    late = [
        (seed, start_ms)
        for seed in range(100)
        if first_closed_with_an_add_on(seed, symbol, start_ms := START_MS + chance.randrange(10**9), 300) is None
    ]

    assert late == []


def test_the_default_seed_shows_everything_within_five_minutes_at_any_time_of_a_day() -> None:
    starts = [START_MS + hour * 3_600_000 + hour * 7_919 for hour in range(24)]

    assert all(first_closed_with_an_add_on(PathSettings().seed, "BTC/USDT", start, 300) for start in starts)


def test_a_path_without_swing_noise_and_drift_is_a_constant() -> None:
    still = PathSettings(swing_ppm=0, noise_ppm=0, drift_ppm=0)

    assert {price_at(Decimal(5), "BTC/USDT", START_MS + moment, still) - 5 for moment in range(0, 10**6, 777)} == {ZERO}
