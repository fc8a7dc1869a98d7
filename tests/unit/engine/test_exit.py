"""How groups are sold: at the target, by hand, in parts, and what is too little to sell."""

from backfuture_common.messages.journal import Decided, Fact, GroupClosed, OrderIntended
from msgspec.structs import replace

from tests.unit.engine.build import D, bot_with_group, close, fills, instrument, running_bot, spec, strategy, verdict


def closed(facts: tuple[Fact, ...]) -> GroupClosed:
    return next(fact for fact in facts if isinstance(fact, GroupClosed))


def test_the_group_is_sold_whole_at_its_target_and_gains_the_take_profit_net() -> None:
    life = bot_with_group()
    order = life.order_at("3036.10", "3036.07")  # target 3,036.066… is sold at 3,036.07
    assert (order.side, order.leg, order.limit_price, order.amount) == ("sell", "exit", D("3036.07"), D("0.1"))
    end = closed(life.fill(order).facts)
    assert end.reason == "take_profit"
    assert D(3) < end.realised_quote < D("3.01")  # 1 % of 300 and 0.3 of fee, after both fees
    assert (life.bot.groups, life.bot.groups_closed, life.bot.realised_quote) == ((), 1, end.realised_quote)


def test_just_below_the_target_nothing_happens() -> None:
    life = bot_with_group()
    assert life.see("3036.10", "3036.06").facts == ()


def test_coins_taken_as_fee_are_not_sold() -> None:
    life = bot_with_group(in_base=True)
    order = life.order_at(3100)
    assert order.amount == D("0.0999")
    end = closed(life.fill(order).facts)
    assert end.dust_base == 0
    assert end.realised_quote > 3


def test_coins_below_the_amount_step_stay_as_dust_and_count_as_lost() -> None:
    life = bot_with_group(in_base=True)
    life.market = instrument(amount_step=D("0.01"), amount_min=D("0.01"))
    order = life.order_at(3100)
    assert order.amount == D("0.09")
    end = closed(life.fill(order).facts)
    assert (end.reason, end.dust_base) == ("take_profit", D("0.0099"))
    assert end.realised_quote == D("0.09") * order.limit_price * D("0.999") - 300


def test_an_exit_that_fills_in_part_goes_on_with_the_rest() -> None:
    life = bot_with_group()
    first = life.order_at(3100)
    life.hear(first, "canceled", fills(D("0.04"), D(3100)))
    assert (life.group.status, life.group.sold_amount) == ("active", D("0.04"))
    target = life.group.target
    life.pass_time(1_000)
    second = life.order_at(3100)
    assert second.amount == D("0.06")
    assert second.limit_price - (target or 0) < D("0.01")
    assert second.client_order_id != first.client_order_id
    end = closed(life.hear(second, "filled", fills(D("0.06"), D(3100))).facts)
    assert end.realised_quote == D("0.1") * 3100 * D("0.999") - D("300.3")


def test_an_exit_that_fills_nothing_is_tried_again() -> None:
    life = bot_with_group()
    life.hear(life.order_at(3100), "canceled")
    assert life.see(3100).facts == ()
    life.pass_time(1_000)
    assert life.order_at(3100).leg == "exit"


def test_a_rest_too_small_to_sell_ends_the_group_at_once() -> None:
    life = bot_with_group()
    order = life.order_at(3100)
    end = closed(life.hear(order, "canceled", fills(D("0.0985"), D(3100))).facts)
    assert (end.reason, end.dust_base) == ("take_profit", D("0.0015"))  # worth 4.65, the venue wants 5


def test_a_group_too_small_to_sell_at_all_ends_as_dust() -> None:
    life = running_bot()
    entry = life.order_at(3000)
    life.hear(entry, "canceled", fills(D("0.001"), D(3000)))
    facts = life.see(3100).facts
    assert verdict(facts) == ("EXIT", ("TAKE_PROFIT", "DUST"))
    end = closed(facts)
    assert (end.reason, end.dust_base, end.realised_quote) == ("dust", D("0.001"), D("-3.003"))
    assert not any(isinstance(fact, OrderIntended) for fact in facts)


def test_a_stopped_bot_still_sells_at_the_target_and_an_old_price_does_not_matter() -> None:
    life = bot_with_group()
    life.state = replace(life.bot, running=False)
    assert verdict(life.see(3100, age_ms=60_000).facts) == ("EXIT", ("TAKE_PROFIT",))


def test_without_connection_the_exit_waits_and_says_so_once() -> None:
    life = bot_with_group()
    life.online = False
    assert verdict(life.see(3100).facts) == ("WAIT", ("CONN_OFFLINE",))
    assert life.see(3101).facts == ()
    life.online = True
    assert verdict(life.see(3101).facts) == ("EXIT", ("TAKE_PROFIT",))


def test_closing_by_hand_sells_at_the_next_price_below_the_bid_by_the_slippage() -> None:
    life = bot_with_group(spec(strategy(slippage_percent=D("0.5"))))
    life.feel(close(life.group.group_id))
    order = life.order_at(2950, 2940)
    assert order.limit_price == D("2925.30")
    facts = life.journal[-1].facts
    assert verdict(facts) == ("EXIT", ("MANUAL",))
    end = closed(life.fill(order, D(2940)).facts)
    assert end.reason == "manual"
    assert end.realised_quote < 0


def test_a_group_asked_to_close_while_its_entry_is_in_flight_is_sold_when_it_has_filled() -> None:
    life = running_bot()
    entry = life.order_at(3000)
    life.feel(close(life.group.group_id))
    assert life.see(3000).facts == ()
    life.fill(entry)
    assert life.order_at(2990).leg == "exit"


def test_closing_by_hand_goes_on_after_a_partial_fill_at_whatever_the_bid_is() -> None:
    life = bot_with_group()
    life.feel(close(life.group.group_id))
    life.hear(life.order_at(2900), "canceled", fills(D("0.05"), D(2900)))
    life.pass_time(1_000)
    rest = life.order_at(2800)
    assert (rest.amount, rest.limit_price) == (D("0.05"), D(2800))
    assert closed(life.fill(rest).facts).reason == "manual"


def test_a_group_that_sold_in_part_and_adds_on_again_still_ends_with_its_profit() -> None:
    life = bot_with_group()
    life.hear(life.order_at(3100), "canceled", fills(D("0.04"), D(3100)))
    life.pass_time(1_000)
    life.fill(life.order_at(2850))
    target = life.group.target
    assert target is not None
    order = life.order_at(str(target.quantize(D("0.01")) + 1))
    assert order.amount == life.group.bought_amount - D("0.04")
    end = closed(life.fill(order).facts)
    assert end.realised_quote > D(600) * D("0.01")


def test_the_decision_carries_the_numbers_it_rests_on() -> None:
    life = bot_with_group()
    facts = life.see(3100).facts
    decision = next(fact.decision for fact in facts if isinstance(fact, Decided))
    numbers = dict(decision.numbers)
    assert numbers["bid"] == "3100"
    assert numbers["left"] == "0.1"
    assert numbers["limit"] == "3036.07"
