"""When a bot opens a group, and what it says when it does not."""

import pytest
from backfuture_common.domain.ids import ExchangeId
from backfuture_common.messages.bots import BotState, ReasonCode
from backfuture_common.messages.journal import Context, Decided, GroupOpened, OrderIntended, PriceObserved
from backfuture_engine.core.rules.entry import judge_entry
from msgspec.structs import replace

from tests.unit.engine.build import (
    BTC,
    ETH,
    OWNER,
    START_MS,
    D,
    bot_with_group,
    context,
    instrument,
    price,
    running_bot,
    spec,
    strategy,
    verdict,
)

RUNNING = running_bot(spec(symbols=(ETH, BTC), max_active_groups=1)).bot
WITH_GROUP = bot_with_group(spec(symbols=(ETH, BTC))).bot


def test_a_running_bot_opens_at_the_first_price() -> None:
    life = running_bot()
    result = life.see("3000.00", "2999.50")
    kinds = [type(fact) for fact in result.facts]
    assert kinds == [Decided, GroupOpened, OrderIntended]
    order = life.group.pending
    assert order is not None
    command = order.command
    assert (command.side, command.leg, command.kind) == ("buy", "entry", "limit_ioc")
    assert (command.limit_price, command.amount) == (D(3000), D("0.1"))
    assert command.owner == OWNER
    assert command.expires_ms > command.issued_ms == life.now_ms


def test_the_order_names_the_decision_it_rests_on() -> None:
    life = running_bot()
    facts = life.see(3000).facts
    decided = next(fact for fact in facts if isinstance(fact, Decided))
    intended = next(fact for fact in facts if isinstance(fact, OrderIntended))
    assert intended.command.decision_id == decided.decision.decision_id


def test_the_order_never_costs_more_than_the_base_order_and_never_more_than_ask_plus_slippage() -> None:
    life = running_bot(spec(strategy(slippage_percent=D("0.3"))))
    order = life.order_at("3333.33")
    assert order.limit_price == D("3343.32")  # 3343.32999, rounded down
    assert order.amount * order.limit_price <= 300


def test_a_stopped_bot_opens_nothing_and_says_nothing() -> None:
    life = running_bot()
    life.state = replace(life.bot, running=False)
    assert life.see(3000).facts == ()


CASES: list[tuple[str, BotState, PriceObserved, Context, tuple[ReasonCode, ...]]] = [
    ("bot off", replace(RUNNING, running=False), price(3000), context(), ("BOT_OFF",)),
    ("offline", RUNNING, price(3000), context(connection_online=False), ("CONN_OFFLINE",)),
    ("somebody else's connection", RUNNING, price(3000), context(connection_matches=False), ("CONN_MISMATCH",)),
    (
        "another exchange",
        RUNNING,
        replace(price(3000), exchange=ExchangeId("kucoin")),
        context(),
        ("CONN_MISMATCH",),
    ),
    ("no instrument", RUNNING, price(3000), context(instrument=None), ("SYMBOL_UNKNOWN",)),
    ("halted", RUNNING, price(3000), context(instrument=instrument(active=False)), ("SYMBOL_UNKNOWN",)),
    ("old price", RUNNING, price(3000, age_ms=5_001), context(), ("PRICE_STALE",)),
    ("a live group", WITH_GROUP, price(3000), context(), ("GROUP_LIMIT", "MARGIN_BOT")),
    ("resting", replace(RUNNING, cooldowns=((ETH, START_MS + 1),)), price(3000), context(), ("COOLDOWN",)),
    (
        "limit lowered",
        replace(RUNNING, spec=replace(RUNNING.spec, margin_limit_quote=D(1199))),
        price(3000),
        context(),
        ("MARGIN_BOT", "MARGIN_GROUP"),
    ),
    (
        "group limit lowered",
        replace(RUNNING, spec=replace(RUNNING.spec, group_limit_quote=D(1199))),
        price(3000),
        context(),
        ("MARGIN_GROUP",),
    ),
    ("too little money", RUNNING, price(3000), context(quote_free=D(300)), ("BALANCE",)),
    ("money unknown", RUNNING, price(3000), context(quote_free=None), ("BALANCE",)),
    ("too small", RUNNING, price(3000), context(instrument=instrument(cost_min=D(301))), ("MIN_SIZE",)),
    ("too few coins", RUNNING, price(3000), context(instrument=instrument(amount_min=D(1))), ("MIN_SIZE",)),
]


@pytest.mark.parametrize(("state", "seen", "ctx", "reasons"), [case[1:] for case in CASES], ids=[c[0] for c in CASES])
def test_each_obstacle_has_its_code(
    state: BotState, seen: PriceObserved, ctx: Context, reasons: tuple[ReasonCode, ...]
) -> None:
    decision = judge_entry(state, seen, ctx).decision
    passing = {"CONN_OFFLINE", "COOLDOWN", "PRICE_STALE"}
    assert decision.reasons == reasons
    assert decision.verdict == ("WAIT" if set(reasons) <= passing else "BLOCK")


def test_all_obstacles_are_named_at_once() -> None:
    state = replace(RUNNING, running=False, cooldowns=((ETH, START_MS + 1),))
    decision = judge_entry(state, price(3000, age_ms=9_999), context(connection_online=False, quote_free=None)).decision
    assert decision.reasons == ("BOT_OFF", "CONN_OFFLINE", "PRICE_STALE", "COOLDOWN", "BALANCE")
    assert decision.verdict == "BLOCK"


def test_a_planned_add_on_too_small_for_the_venue_is_refused_at_the_entry() -> None:
    bot = running_bot(spec(strategy(base_order_quote=D(20), add_on_quote=D(4)))).bot
    assert judge_entry(bot, price(3000), context()).decision.reasons == ("MIN_SIZE",)


def test_the_same_refusal_is_recorded_once_and_another_one_again() -> None:
    life = running_bot()
    life.quote_free = D(0)
    assert verdict(life.see(3000).facts) == ("BLOCK", ("BALANCE",))
    assert life.see(3001).facts == ()
    life.online = False
    assert verdict(life.see(3002).facts) == ("BLOCK", ("CONN_OFFLINE", "BALANCE"))
    life.online, life.quote_free = True, D(1000)
    assert verdict(life.see(3002).facts) == ("OPEN", ())
    assert life.bot.last_blocks == ()


def test_a_full_bot_opens_no_group_of_another_symbol() -> None:
    life = bot_with_group(spec(symbols=(ETH, BTC)))
    life.market = instrument(BTC)
    assert life.see(60_000, symbol=BTC).facts == ()


def test_a_symbol_rests_after_its_group_and_opens_when_the_rest_is_over() -> None:
    life = bot_with_group(spec(strategy(group_cooldown_ms=60_000)))
    target = life.group.target
    assert target is not None
    life.fill(life.order_at(3100))
    assert life.bot.groups == ()
    life.pass_time(59_999)
    assert life.see(3100).facts == ()
    life.pass_time(1)
    assert verdict(life.see(3100).facts) == ("OPEN", ())


def test_a_price_that_cannot_be_faults_the_bot() -> None:
    life = running_bot()
    life.see(2999, 3000)
    assert life.bot.fault is not None
    assert life.see(3000).facts == ()
