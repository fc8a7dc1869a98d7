"""Signals: judged by the same checks as prices, in the order of the stages, each followed at most once."""

import pytest
from backfuture_common.domain.ids import CommandId, UserId
from backfuture_common.messages.bots import ReasonCode
from backfuture_common.messages.journal import CommandReceived

from tests.unit.engine.build import (
    BTC,
    START_MS,
    D,
    Life,
    bot_with_group,
    idea,
    running_bot,
    spec,
    stop,
    strategy,
    verdict,
)


def waiting_bot() -> Life:
    """A bot that opens on signals alone."""
    return running_bot(spec(strategy(start_on="signal")))


def test_a_bot_that_starts_on_signals_lets_prices_pass() -> None:
    life = waiting_bot()
    assert life.see(3000).facts == ()
    result = life.signal(3000)
    assert verdict(result.facts) == ("OPEN", ())
    assert [command.leg for command in result.commands] == ["entry"]  # type: ignore[union-attr]  # places only


def test_the_decision_names_its_signal() -> None:
    decision = waiting_bot().signal(3000).facts[0].decision  # type: ignore[union-attr]  # the verdict comes first
    assert decision.signal_id == "s-1"


def test_the_same_command_again_changes_nothing() -> None:
    life = waiting_bot()
    life.signal(3000)
    assert life.signal(3000).facts == ()


def test_the_same_signal_in_another_command_is_a_repetition() -> None:
    life = waiting_bot()
    life.fill(life.signal(3000).commands[0])  # type: ignore[arg-type]  # a place
    life.pass_time(60_000)
    again = life.signal(2850, command_id=CommandId("c-2"))
    assert verdict(again.facts) == ("BLOCK", ("SIG_DUP",))


@pytest.mark.parametrize(
    ("changes", "reasons"),
    [
        ({"sent_ms": START_MS - 300_001}, ("SIG_STALE",)),
        ({"sent_ms": START_MS + 60_001}, ("SIG_STALE",)),
        ({"symbol": BTC}, ("PAIR_OFF",)),
        ({"side": "short"}, ("SIDE_OFF",)),
        ({"intent": "add_on"}, ("NO_GROUP",)),
        ({"sent_ms": START_MS - 300_001, "side": "short", "symbol": BTC}, ("SIG_STALE", "PAIR_OFF", "SIDE_OFF")),
    ],
)
def test_each_obstacle_of_a_signal_has_its_code(changes: dict[str, object], reasons: tuple[ReasonCode, ...]) -> None:
    assert verdict(waiting_bot().signal(3000, **changes).facts) == ("BLOCK", reasons)


def test_a_stopped_bot_answers_that_it_is_off() -> None:
    life = waiting_bot()
    life.feel(stop())
    assert verdict(life.signal(3000).facts) == ("BLOCK", ("BOT_OFF",))


def test_somebody_elses_signal_is_not_heard() -> None:
    life = waiting_bot()
    assert life.signal(3000, owner=UserId("usr_b")).facts == ()


def test_what_will_pass_keeps_the_signal_until_it_has_passed() -> None:
    life = waiting_bot()
    life.online = False
    assert verdict(life.signal(3000).facts) == ("WAIT", ("CONN_OFFLINE",))
    assert life.see(2990).facts == ()  # still offline: said once
    life.online = True
    result = life.see(2990)
    assert verdict(result.facts) == ("OPEN", ())
    assert life.bot.signals == ()
    assert len(result.commands) == 1


def test_a_kept_signal_grows_too_old() -> None:
    life = waiting_bot()
    life.signal(None)
    assert verdict(life.journal[-1].facts) == ("WAIT", ("PRICE_STALE",))
    life.pass_time(300_001)
    assert verdict(life.see(3000).facts) == ("BLOCK", ("SIG_STALE",))
    assert life.see(3000).facts == ()


def test_a_signal_waits_for_the_order_in_flight() -> None:
    life = bot_with_group(spec(strategy(add_on_on="signal")))
    order = life.signal(2850).commands[0]
    held = life.signal(2700, command_id=CommandId("c-2"), signal_id="s-2")
    assert verdict(held.facts) == ("WAIT", ("GROUP_BUSY",))
    life.fill(order)  # type: ignore[arg-type]  # a place
    assert verdict(life.see(2700).facts) == ("ADD_ON", ())
    assert life.bot.signals == ()


def test_an_add_on_by_signal_needs_zone_and_gain_like_any_other() -> None:
    life = bot_with_group(spec(strategy(add_on_on="signal")))
    assert life.see(2850).facts == ()
    assert verdict(life.signal(2960).facts) == ("BLOCK", ("OUT_OF_ZONE",))
    allowed = life.signal(2850, command_id=CommandId("c-2"), signal_id="s-2")
    assert verdict(allowed.facts) == ("ADD_ON", ())


def test_a_stopped_bot_forgets_what_it_kept() -> None:
    life = waiting_bot()
    life.signal(None)
    life.feel(stop())
    assert life.bot.signals == ()


def test_only_the_last_day_of_signals_is_remembered() -> None:
    life = waiting_bot()
    life.signal(3000, side="short")
    life.pass_time(86_400_001)
    life.signal(3000, side="short", command_id=CommandId("c-2"), signal_id="s-2")
    assert [seen.signal_id for seen in life.bot.seen_signals] == ["s-2"]


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("TRADE_RIGHT_MISSING", "PERM_TRADE"),
        ("WITHDRAW_ENABLED", "PERM_WITHDRAW"),
        ("VENUE_DOWN", "EXCH_DOWN"),
        ("KEY_EXPIRED", "CONN_OFFLINE"),
    ],
)
def test_an_unusable_connection_says_why(code: str, reason: ReasonCode) -> None:
    life = running_bot()
    life.online = False
    told = life.feel(CommandReceived(command=idea()), connection_code=code)
    found = verdict(told.facts)
    assert found is not None
    assert reason in found[1]


class TestGapPolicy:
    """The price falls from 3,000 to 2,690 at once: zone 2, zone 1 never seen."""

    def test_by_default_only_the_zone_it_is_in_is_bought(self) -> None:
        life = bot_with_group()
        order = life.order_at(2690)
        life.fill(order)
        assert order.amount * order.limit_price <= D(300)
        assert life.group.zones_used == (2,)

    def test_cumulative_makes_up_for_the_zones_it_jumped_over(self) -> None:
        life = bot_with_group(spec(strategy(gap_policy="cumulative")))
        order = life.order_at(2690)
        life.fill(order)
        assert D(599) < order.amount * order.limit_price <= D(600)
        assert (life.group.zones_used, life.group.add_ons_done) == ((1, 2), 2)


class TestBlockMode:
    """Equal orders of 300 at 3,000, 5 % zones, at least 0.5 % gain."""

    def test_any_blocks_outside_the_zones(self) -> None:
        assert bot_with_group().see(2960).facts == ()

    def test_both_lets_a_good_price_outside_the_zones_pass(self) -> None:
        life = bot_with_group(spec(strategy(addon_block_mode="both")))
        order = life.order_at(2960)  # 0.67 % gain, zone 0
        life.fill(order)
        assert life.group.zones_used == (1,)

    def test_both_blocks_what_is_outside_and_gains_too_little(self) -> None:
        life = bot_with_group(spec(strategy(addon_block_mode="both", min_improvement_percent=D(1))))
        assert verdict(life.signal(2960).facts) == ("BLOCK", ("OUT_OF_ZONE", "GAIN_TOO_SMALL"))

    def test_no_mode_worsens_the_average(self) -> None:
        life = bot_with_group(spec(strategy(addon_block_mode="both", min_gap_percent=D(0))))
        found = verdict(life.signal(3000).facts)
        assert found is not None
        assert "AVG_WORSE" in found[1]
