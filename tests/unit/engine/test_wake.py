"""What a bot waits for: exactly the prices at which it could act."""

from backfuture_engine.core.wake import ANY_ASK, ANY_BID, NOTHING, Watch, wake
from msgspec.structs import replace

from tests.unit.engine.build import BTC, ETH, D, bot_with_group, close, fills, running_bot, spec, strategy


def test_a_running_bot_without_groups_waits_for_any_price_of_each_symbol() -> None:
    bot = running_bot(spec(symbols=(ETH, BTC))).bot
    assert wake(bot).watches == (Watch(ETH, ANY_ASK, None, 0), Watch(BTC, ANY_ASK, None, 0))


def test_a_full_bot_waits_for_its_group_only() -> None:
    bot = bot_with_group(spec(symbols=(ETH, BTC))).bot
    (watch,) = wake(bot).watches
    assert (watch.symbol, watch.buy_at, watch.sell_at) == (ETH, D(2850), bot.groups[0].target)


def test_an_order_in_flight_a_fault_and_the_end_wait_for_nothing() -> None:
    life = running_bot()
    life.order_at(3000)
    assert wake(life.bot).watches == ()
    assert wake(replace(bot_with_group().bot, fault="bug")) == NOTHING
    assert wake(replace(running_bot().bot, deleted=True)) == NOTHING


def test_a_stopped_bot_waits_for_the_target_alone() -> None:
    bot = replace(bot_with_group().bot, running=False)
    (watch,) = wake(bot).watches
    assert watch.buy_at is None
    assert watch.sell_at is not None
    assert wake(replace(running_bot().bot, running=False)).watches == ()


def test_a_group_to_be_closed_waits_for_any_bid() -> None:
    life = bot_with_group()
    life.feel(close(life.group.group_id))
    assert wake(life.bot).watches == (Watch(ETH, None, ANY_BID, 0),)


def test_rests_are_times_to_wait_for() -> None:
    life = bot_with_group(spec(strategy(group_cooldown_ms=60_000)))
    life.fill(life.order_at(3100))
    until_ms = life.now_ms + 60_000
    assert wake(life.bot).watches == (Watch(ETH, ANY_ASK, None, until_ms),)
    assert wake(life.bot).timer_ms(life.now_ms) == until_ms
    assert wake(life.bot).timer_ms(until_ms) is None


def test_after_each_add_on_it_waits_for_the_next_zone() -> None:
    life = bot_with_group()
    levels = []
    for at in (2850, 2700, 2550):
        levels.append(wake(life.bot).watches[0].buy_at)
        life.fill(life.order_at(at))
        life.pass_time(1)
    assert levels == [D(2850), D(2700), D(2550)]
    assert wake(life.bot).watches[0].buy_at is None


def test_a_gap_wider_than_a_zone_lowers_the_level() -> None:
    life = bot_with_group(spec(strategy(min_gap_percent=D(7))))
    assert wake(life.bot).watches[0].buy_at == D(2790)


def test_a_demand_for_improvement_lowers_the_level() -> None:
    life = bot_with_group(spec(strategy(min_improvement_percent=D(4))))
    level = wake(life.bot).watches[0].buy_at
    assert level is not None
    assert level < D(2850)
    assert life.see(str(level + D("0.01"))).facts == ()
    assert life.see(str(level.quantize(D("0.01")) - D("0.01"))).commands != ()


def test_nothing_is_waited_for_where_no_price_could_help() -> None:
    life = bot_with_group(spec(strategy(min_improvement_percent=D(90))))
    assert wake(life.bot).watches[0].buy_at is None


def test_a_symbol_the_owner_took_off_is_watched_until_its_group_has_ended() -> None:
    life = bot_with_group()
    life.state = replace(life.bot, spec=replace(life.bot.spec, symbols=(BTC,)))
    assert [watch.symbol for watch in wake(life.bot).watches] == [ETH]


def test_a_fill_below_the_zone_moves_the_level_below_the_fill() -> None:
    life = bot_with_group()
    order = life.order_at(2850)
    life.hear(order, "canceled", fills(D("0.01"), D(2690)))  # filled far better than the limit
    assert wake(life.bot).watches[0].buy_at == D(2690) * D("0.99")
