"""The add-on rule, check by check, and the add-on's life."""

import pytest
from backfuture_common.messages.bots import BotState, Group, ReasonCode
from backfuture_common.messages.journal import Context, PriceObserved
from backfuture_engine.core.groups import by_symbol
from backfuture_engine.core.rules.add_on import judge_add_on
from msgspec.structs import replace

from tests.unit.engine.build import (
    ETH,
    START_MS,
    D,
    bot_with_group,
    context,
    fills,
    instrument,
    price,
    spec,
    strategy,
    verdict,
)

OPEN = bot_with_group().bot
IN_ZONE = price(2850)
LATER_MS = START_MS + 1_000


def live(state: BotState) -> Group:
    group = by_symbol(state, ETH)
    assert group is not None
    return group


def changed(**changes: object) -> BotState:
    return replace(OPEN, groups=(replace(live(OPEN), **changes),))


def stricter(**changes: object) -> BotState:
    return changed(strategy=replace(live(OPEN).strategy, **changes))


def seen(**changes: object) -> Context:
    return context(LATER_MS, **changes)


RULES: list[tuple[str, BotState, PriceObserved, Context, tuple[ReasonCode, ...]]] = [
    ("bot off", replace(OPEN, running=False), IN_ZONE, seen(), ("BOT_OFF",)),
    ("offline", OPEN, IN_ZONE, seen(connection_online=False), ("CONN_OFFLINE",)),
    ("not the bot's connection", OPEN, IN_ZONE, seen(connection_matches=False), ("CONN_MISMATCH",)),
    ("no instrument", OPEN, IN_ZONE, seen(instrument=None), ("SYMBOL_UNKNOWN",)),
    ("halted", OPEN, IN_ZONE, seen(instrument=instrument(active=False)), ("SYMBOL_UNKNOWN",)),
    ("old price", OPEN, price(2850, age_ms=5_001), seen(), ("PRICE_STALE",)),
    ("being closed", changed(close_requested=True), IN_ZONE, seen(), ("GROUP_BUSY",)),
    ("resting after a refusal", changed(retry_after_ms=LATER_MS + 1), IN_ZONE, seen(), ("GROUP_BUSY",)),
    ("too soon", stricter(add_on_cooldown_ms=60_000), IN_ZONE, seen(), ("COOLDOWN",)),
    ("above the zones", OPEN, price("2850.01"), seen(), ("OUT_OF_ZONE",)),
    ("below the zones", OPEN, price(2400), seen(), ("OUT_OF_ZONE",)),
    ("zone used", changed(zones_used=(1,)), IN_ZONE, seen(), ("ZONE_USED",)),
    ("worse than the average", changed(average=D(2800)), IN_ZONE, seen(), ("AVG_WORSE",)),
    ("gains too little", stricter(min_improvement_percent=D(3)), IN_ZONE, seen(), ("GAIN_TOO_SMALL",)),
    ("too close to the last fill", stricter(min_gap_percent=D("5.01")), IN_ZONE, seen(), ("TOO_CLOSE",)),
    ("no add-ons left", changed(add_ons_done=3), IN_ZONE, seen(), ("ADDON_LIMIT",)),
    (
        "beyond the group's limit",
        replace(OPEN, spec=replace(OPEN.spec, group_limit_quote=D(599))),
        IN_ZONE,
        seen(),
        ("MARGIN_GROUP",),
    ),
    ("no money", OPEN, IN_ZONE, seen(quote_free=D("300.29")), ("BALANCE",)),
    ("too small for the venue", OPEN, IN_ZONE, seen(instrument=instrument(cost_min=D(301))), ("MIN_SIZE",)),
]


@pytest.mark.parametrize(("state", "at", "ctx", "reasons"), [rule[1:] for rule in RULES], ids=[r[0] for r in RULES])
def test_each_check_blocks_alone(
    state: BotState, at: PriceObserved, ctx: Context, reasons: tuple[ReasonCode, ...]
) -> None:
    decision = judge_add_on(state, live(state), at, ctx).decision
    passing = {"CONN_OFFLINE", "COOLDOWN", "PRICE_STALE", "GROUP_BUSY"}
    assert (decision.verdict, decision.reasons) == ("WAIT" if set(reasons) <= passing else "BLOCK", reasons)


def test_with_nothing_in_the_way_it_adds_on() -> None:
    ruling = judge_add_on(OPEN, live(OPEN), IN_ZONE, seen())
    assert (ruling.decision.verdict, ruling.decision.reasons, ruling.zones) == ("ADD_ON", (), (1,))
    assert ruling.terms is not None
    assert ruling.terms.limit_price == D(2850)


def test_the_average_is_tested_at_the_worst_price_the_order_may_pay() -> None:
    bot = bot_with_group(spec(strategy(slippage_percent=D(6), min_gap_percent=D(0)))).bot
    anchor = live(bot).anchor
    assert anchor == D(3180)  # 3,000 and 6 % slippage, filled at the limit
    at = price(3021)
    decision = judge_add_on(bot, live(bot), at, seen()).decision  # 3,021 plus 6 % is above the average
    assert "AVG_WORSE" in decision.reasons
    assert "OUT_OF_ZONE" not in decision.reasons


def test_a_rise_does_not_make_a_group_add_on_and_nothing_is_recorded() -> None:
    assert bot_with_group().see(2960).facts == ()


def test_a_fall_over_a_zone_uses_the_zone_it_lands_in() -> None:
    life = bot_with_group(spec(strategy(volume_scale=D(2), add_on_quote=D(100)), margin_limit_quote=D(2000)))
    order = life.order_at(2700)
    assert order.amount * order.limit_price <= 200  # the second add-on's size
    assert order.amount * order.limit_price > 199
    life.fill(order)
    assert life.group.zones_used == (2,)
    assert life.see(2850).facts == ()  # higher than the last buy


def test_an_add_on_that_filled_nothing_leaves_its_zone_and_is_tried_again_later() -> None:
    life = bot_with_group()
    first = life.order_at(2850)
    life.hear(first, "canceled")
    assert (life.group.status, life.group.zones_used, life.group.failures) == ("active", (), 1)
    assert life.see(2850).facts == ()
    life.pass_time(1_000)
    second = life.order_at(2850)
    assert second.client_order_id != first.client_order_id


def test_a_refused_add_on_rests_longer_each_time_and_recovers_after_a_fill() -> None:
    life = bot_with_group()
    rests = []
    for _ in range(9):
        life.hear(life.order_at(2850), "rejected")
        rests.append(life.group.retry_after_ms - life.now_ms)
        life.now_ms = life.group.retry_after_ms
    assert rests[:3] == [5_000, 10_000, 20_000]
    assert rests[-1] == 300_000
    life.fill(life.order_at(2850))
    assert (life.group.failures, life.group.retry_after_ms) == (0, 0)


def test_any_fill_uses_the_zone() -> None:
    life = bot_with_group()
    order = life.order_at(2850)
    life.hear(order, "canceled", fills(D("0.01"), D(2850)))
    assert (life.group.zones_used, life.group.add_ons_done, life.group.status) == ((1,), 1, "active")


def test_a_stopped_bot_adds_nothing_on() -> None:
    life = bot_with_group()
    life.state = replace(life.bot, running=False)
    assert life.see(2850).facts == ()


def test_an_old_price_adds_nothing_on_and_a_fresh_one_does() -> None:
    life = bot_with_group()
    assert verdict(life.see(2850, age_ms=6_000).facts) == ("WAIT", ("PRICE_STALE",))
    assert verdict(life.see(2850).facts) == ("ADD_ON", ())
