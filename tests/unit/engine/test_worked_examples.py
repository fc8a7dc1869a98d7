"""The worked examples of the product's description, to the cent."""

from decimal import Decimal

import pytest
from backfuture_common.domain.ids import Symbol
from backfuture_common.messages.bots import BotSpec
from backfuture_common.messages.journal import Exposure
from backfuture_engine.core.formulas import average, average_after, break_even, improvement_percent, target
from backfuture_engine.core.margin import group_cap, ladder, refusal
from backfuture_engine.core.rules.add_on import judge_add_on
from backfuture_engine.core.rules.entry import judge_entry
from msgspec.structs import replace

from tests.unit.engine.build import (
    D,
    Life,
    bot_with_group,
    context,
    price,
    running_bot,
    spec,
    strategy,
)

CENT = D("0.01")


def cents(value: Decimal | None) -> Decimal:
    assert value is not None
    return value.quantize(CENT)


class TestE1:
    """ETH/USDT long: 3,000 opens, 2,850 and 2,700 may add on, 2,900 may not."""

    def branch_a(self) -> Life:
        life = bot_with_group()
        life.fill(life.order_at(2850))
        return life

    def branch_b(self) -> Life:
        """As branch A, but only 800 are left for the group once it has opened: equity fell."""
        life = bot_with_group()
        life.state = replace(life.bot, spec=replace(life.bot.spec, group_limit_quote=D(800)))
        life.fill(life.order_at(2850))
        return life

    def judged(self, life: Life, ask: int) -> tuple[str, tuple[str, ...]]:
        ruling = judge_add_on(life.bot, life.group, price(ask), context(life.now_ms))
        return ruling.decision.verdict, ruling.decision.reasons

    def test_3000_opens_the_group(self) -> None:
        life = bot_with_group()
        assert (life.group.status, cents(life.group.average)) == ("active", D(3000))

    def test_2960_is_in_no_zone(self) -> None:
        assert self.judged(bot_with_group(), 2960) == ("BLOCK", ("OUT_OF_ZONE",))

    def test_2850_adds_on(self) -> None:
        life = self.branch_a()
        assert cents(life.group.average) == D("2923.08")
        assert life.group.zones_used == (1,)

    def test_2840_is_too_close_in_a_used_zone(self) -> None:
        assert self.judged(self.branch_a(), 2840) == ("BLOCK", ("ZONE_USED", "TOO_CLOSE"))

    def test_2700_adds_on_when_the_whole_ladder_is_allowed(self) -> None:
        life = self.branch_a()
        life.fill(life.order_at(2700))
        assert cents(life.group.average) == D("2844.73")
        assert (life.group.add_ons_done, life.group.zones_used) == (2, (1, 2))

    def test_2700_is_blocked_when_only_800_are_left(self) -> None:
        assert self.judged(self.branch_b(), 2700) == ("BLOCK", ("MARGIN_GROUP",))

    def test_2900_would_worsen_the_average_of_three(self) -> None:
        life = self.branch_a()
        life.fill(life.order_at(2700))
        assert self.judged(life, 2900) == ("BLOCK", ("OUT_OF_ZONE", "AVG_WORSE", "TOO_CLOSE"))

    def test_2900_would_gain_too_little_on_the_average_of_two(self) -> None:
        expected = ("OUT_OF_ZONE", "GAIN_TOO_SMALL", "TOO_CLOSE", "MARGIN_GROUP")
        assert self.judged(self.branch_b(), 2900) == ("BLOCK", expected)

    @pytest.mark.parametrize(
        ("before", "cost", "price_now", "after", "gain"),
        [
            ("3000.00", 300, 2960, "2979.87", "0.67"),
            ("3000.00", 300, 2850, "2923.08", "2.56"),
            ("2923.08", 600, 2840, "2894.85", "0.97"),
            ("2923.08", 600, 2700, "2844.73", "2.68"),
            ("2844.73", 900, 2900, "2858.35", "-0.48"),
            ("2923.08", 600, 2900, "2915.34", "0.26"),
        ],
    )
    def test_the_averages_of_the_table(self, before: str, cost: int, price_now: int, after: str, gain: str) -> None:
        fills = [3000, 2850, 2700][: cost // 300]
        amount = sum((D(300) / D(at) for at in fills), D(0))
        had = average(D(cost), amount)
        now = average_after(D(cost), amount, D(300), D(price_now))
        assert (cents(had), cents(now)) == (D(before), D(after))
        assert cents(improvement_percent(had, now)) == D(gain)

    def test_break_even_and_target_of_branch_a_after_2700(self) -> None:
        life = self.branch_a()
        life.fill(life.order_at(2700))
        assert (cents(life.group.break_even), cents(life.group.target)) == (D("2850.43"), D("2878.93"))


class TestE2:
    """Two fills, 3,000 and 2,850, 300 each, fee 0.1 % each way."""

    def test_the_prices(self) -> None:
        amount = D(300) / D(3000) + D(300) / D(2850)
        even = break_even(D(600), D("0.6"), amount, D("0.001"))
        assert cents(average(D(600), amount)) == D("2923.08")
        assert cents(even) == D("2928.93")
        assert cents(target(even, D(1))) == D("2958.22")
        assert cents(target(even, D("0.3"))) == D("2937.72")

    def test_a_group_comes_to_the_same(self) -> None:
        life = bot_with_group()
        life.fill(life.order_at(2850))
        assert cents(life.group.break_even) == D("2928.93")
        assert cents(life.group.target) == D("2958.22")

    def test_fees_taken_in_coins_come_to_nearly_the_same(self) -> None:
        life = bot_with_group(in_base=True)
        life.fill(life.order_at(2850), in_base=True)
        assert cents(life.group.break_even) == D("2928.93")
        assert life.group.bought_amount > life.group.bought_amount - life.group.fees_base > 0


class TestE3:
    """Bot limit 600, three groups, 300 for one of them; base 60, add-ons 60 * 1.5^k; strict reservation."""

    X, Y, Z = Symbol("X/USDT"), Symbol("Y/USDT"), Symbol("Z/USDT")

    def spec_with(self, add_ons: int, limit: int = 600) -> BotSpec:
        dca = strategy(
            base_order_quote=D(60), add_on_quote=D(60), volume_scale=D("1.5"), max_add_ons=add_ons, step_percent=D(5)
        )
        return spec(
            dca,
            symbols=(self.X, self.Y, self.Z),
            margin_limit_quote=D(limit),
            group_limit_quote=D(300),
            max_active_groups=3,
        )

    def test_two_add_ons_fit_and_three_do_not(self) -> None:
        two, three = self.spec_with(2), self.spec_with(3)
        assert (ladder(two.strategy), refusal(two)) == (D(210), None)
        assert ladder(three.strategy) == D(345)
        said = refusal(three)
        assert said is not None
        assert "345" in said
        assert "300" in said

    def test_the_third_group_would_promise_more_than_there_is(self) -> None:
        life = running_bot(self.spec_with(2))
        for symbol in (self.X, self.Y):
            life.fill(life.order_at(100, symbol=symbol))
        ruling = judge_entry(life.bot, price(100, symbol=self.Z), context())
        assert (ruling.decision.verdict, ruling.decision.reasons) == ("BLOCK", ("MARGIN_BOT",))
        assert dict(ruling.decision.numbers)["bound"] == "420"

    def test_the_third_group_opens_when_the_limit_holds_all_three(self) -> None:
        life = running_bot(self.spec_with(2, limit=630))
        for symbol in (self.X, self.Y):
            life.fill(life.order_at(100, symbol=symbol))
        assert judge_entry(life.bot, price(100, symbol=self.Z), context()).decision.verdict == "OPEN"

    def test_with_soft_reservation_only_what_is_spent_counts(self) -> None:
        soft = replace(self.spec_with(2), reserve="soft", margin_limit_percent=D(30), margin_limit_quote=D(1000))
        told = Exposure(equity=D(2000))  # 30 % of it are 600
        life = running_bot(soft)
        life.fill(life.order_at(100, symbol=self.X))
        for at in (95, 90):
            life.fill(life.order_at(at, symbol=self.X))
        life.fill(life.order_at(100, symbol=self.Y))
        decision = judge_entry(life.bot, price(100, symbol=self.Z), context(exposure=told)).decision
        assert decision.verdict == "OPEN"
        numbers = dict(decision.numbers)
        assert numbers["margin_limit"] == "600"
        assert D(numbers["bound"]).quantize(D(1)) == 270  # X has used 210, Y 60

    def test_losses_shrink_a_limit_in_percent(self) -> None:
        bot = running_bot(replace(self.spec_with(2), margin_limit_percent=D(30))).bot
        judged = [
            judge_entry(bot, price(100, symbol=self.X), context(exposure=Exposure(equity=D(equity)))).decision.reasons
            for equity in (700, 699)
        ]
        assert judged == [(), ("MARGIN_BOT",)]

    def test_without_a_limit_of_its_own_a_group_may_bind_an_equal_share(self) -> None:
        assert group_cap(spec(margin_limit_quote=D(600), max_active_groups=3)) == D(200)
