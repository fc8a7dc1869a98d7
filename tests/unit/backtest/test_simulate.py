"""Bots on tapes: what they buy and sell, when, and for how much."""

from decimal import Decimal

import pytest
from backfuture_common.domain.ids import BotId, ConnectionId
from backfuture_common.errors import Refused
from backfuture_common.messages.bots import BotState
from backfuture_common.messages.journal import (
    BotEvent,
    Context,
    Decided,
    GroupClosed,
    OrderIntended,
    OrderUpdated,
    TimerFired,
)
from backfuture_engine.backtest import simulate as module
from backfuture_engine.backtest.simulate import Happened
from backfuture_engine.core.step import Step, step

from tests.unit.backtest.build import MINUTE_MS, simulated, tape, usual
from tests.unit.engine.build import BTC, CONNECTION, ETH, START_MS, D, instrument, spec, strategy

FALL_AND_RISE = [300_000, 299_000, 285_000, 290_000, 300_000]


def orders(steps: list[Happened]) -> list[tuple[int, str, Decimal, Decimal]]:
    return [
        (step.ctx.now_ms, fact.command.leg, fact.command.amount, fact.command.limit_price)
        for step in steps
        for fact in step.facts
        if isinstance(fact, OrderIntended)
    ]


def results(steps: list[Happened]) -> list[Decimal]:
    return [fact.realised_quote for step in steps for fact in step.facts if isinstance(fact, GroupClosed)]


def test_an_entry_an_add_on_and_the_exit() -> None:
    _, steps = simulated(tape(FALL_AND_RISE))
    assert [(at - START_MS, leg) for at, leg, _, _ in orders(steps)][:3] == [
        (0, "entry"), (2 * MINUTE_MS, "add_on"), (4 * MINUTE_MS, "exit"),
    ]  # fmt: skip
    entry, add_on, bid = D("0.1"), D("0.10526315"), D(3000)
    cost = entry * 3000 + add_on * 2850
    proceeds = (entry + add_on) * bid
    assert results(steps) == [proceeds - cost - (proceeds + cost) * D("0.001")]


def test_inside_a_candle_levels_are_met_at_their_own_price() -> None:
    jumping = orders(simulated(tape([300_000, 280_000, 300_000, 300_000]))[1])
    steady = orders(simulated(tape([300_000, 280_000, 300_000, 300_000], points=4))[1])
    assert (jumping[1][1], jumping[1][3]) == ("add_on", D(2800))
    assert (steady[1][1], steady[1][3]) == ("add_on", D(2850))


def test_an_order_meets_the_price_of_its_arrival() -> None:
    late = usual(latency_ms=MINUTE_MS)
    _, steps = simulated(tape([300_000, 300_100, 300_000, 299_900]), assumptions=late)
    news = [step for step in steps if isinstance(step.event, OrderUpdated)]
    first = news[0].event
    assert isinstance(first, OrderUpdated)
    assert first.update.status == "canceled"  # at the arrival the ask was above the limit
    assert first.update.at_ms == START_MS + MINUTE_MS
    assert news[0].ctx.now_ms == START_MS + 2 * MINUTE_MS


def test_slippage_is_paid_up_to_the_limit_and_not_beyond() -> None:
    worse = usual(slippage_ppm=1_000)
    allowed = spec(strategy(slippage_percent=D("0.3")))
    simulation, _ = simulated(tape([300_000]), allowed, assumptions=worse)
    (move,) = simulation.venue.moves
    paid_with_fee = -move.quote
    assert paid_with_fee == move.base * 3003 * D("1.001")
    simulation, steps = simulated(tape([300_000]), assumptions=worse)
    assert not simulation.venue.moves
    assert orders(steps)


def test_fees_are_taken_from_what_was_received_where_the_venue_does_so() -> None:
    simulation, _ = simulated(tape([300_000]), assumptions=usual(fee_coin="received"))
    (move,) = simulation.venue.moves
    assert (move.quote, move.base) == (D(-300), D("0.1") * D("0.999"))


def test_bots_of_one_connection_share_their_money() -> None:
    two = [spec(bot_id=BotId(f"bot_{n}"), margin_limit_quote=D(1200)) for n in "ab"]
    poor = usual(balance_quote=D(500))
    simulation, steps = simulated(tape([300_000] * 3), *two, assumptions=poor)
    assert simulation.venue.quote_free(CONNECTION) == D(500) - D("300.3")
    blocked = [f.decision.reasons for s in steps for f in s.facts if isinstance(f, Decided) and f.decision.reasons]
    assert blocked == [("BALANCE",)]
    rich = [spec(bot_id=BotId(f"bot_{n}"), connection_id=ConnectionId(f"con_{n}")) for n in "ab"]
    _, steps = simulated(tape([300_000] * 3), *rich, assumptions=poor)
    assert len(orders(steps)) == 2


def test_who_had_no_money_tries_again_as_soon_as_there_is_some() -> None:
    first = spec(strategy(group_cooldown_ms=3_600_000), bot_id=BotId("bot_a"))
    _, steps = simulated(
        tape([300_000, 305_000, 300_000]), first, spec(bot_id=BotId("bot_b")), assumptions=usual(balance_quote=D(500))
    )
    bought = [(step.bot, at - START_MS) for step in steps for at, leg, _, _ in orders([step]) if leg == "entry"]
    assert bought == [("bot_a", 0), ("bot_b", MINUTE_MS)]


def test_several_markets_are_lived_through_in_time_order() -> None:
    bot = spec(symbols=(ETH, BTC), max_active_groups=2, margin_limit_quote=D(2400))
    other = tape([600_000, 570_000, 610_000], every_ms=45_000, instrument=instrument(BTC))
    _, steps = simulated({ETH: tape(FALL_AND_RISE), BTC: other}, bot)
    times = [step.ctx.now_ms for step in steps]
    assert times == sorted(times)
    assert {step.event.update.symbol for step in steps if isinstance(step.event, OrderUpdated)} == {ETH, BTC}


def test_a_rest_ends_by_itself() -> None:
    resting = spec(strategy(group_cooldown_ms=90_000))
    _, steps = simulated(tape([300_000, 306_000, 306_000, 306_000]), resting)
    entries = [at - START_MS for at, leg, _, _ in orders(steps) if leg == "entry"]
    assert entries == [0, MINUTE_MS + 90_000]


def test_time_is_told_to_the_core(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[int, BotEvent]] = []

    def listening(state: BotState | None, event: BotEvent, ctx: Context) -> Step:
        told.append((ctx.now_ms - START_MS, event))
        return step(state, event, ctx)

    monkeypatch.setattr(module, "step", listening)
    simulated(tape([300_000, 306_000, 306_000]), spec(strategy(group_cooldown_ms=30_000)))
    assert [at for at, event in told if isinstance(event, TimerFired)] == [MINUTE_MS + 30_000]


def test_a_bot_that_the_core_refuses_is_refused_with_its_reason() -> None:
    with pytest.raises(Refused, match="no prices"):
        simulated(tape([1]), spec(symbols=(ETH, BTC)))
    with pytest.raises(Refused, match="full ladder"):
        simulated(tape([300_000]), spec(margin_limit_quote=D(100)))


def test_nothing_is_traded_in_a_gap() -> None:
    gap = tape([300_000, 300_000], every_ms=600_000, quiet_ms=60_000)
    simulation, steps = simulated(gap, assumptions=usual(latency_ms=120_000))
    assert orders(steps)
    assert not simulation.venue.moves
