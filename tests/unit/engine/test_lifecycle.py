"""Commands of users, each given twice."""

import pytest
from backfuture_common.domain.ids import CommandId, ConnectionId, GroupId, UserId
from backfuture_common.messages.bots import BotCommand, BotSpec, StartBot, UpdateBot
from backfuture_common.messages.journal import (
    BotCreated,
    BotDeleted,
    BotFaulted,
    BotStarted,
    BotStopped,
    BotUpdated,
    CommandReceived,
    CommandRefused,
)
from backfuture_engine.core.margin import refusal
from msgspec.structs import replace

from tests.unit.engine.build import (
    BOT,
    BTC,
    ETH,
    START_MS,
    D,
    Life,
    bot_with_group,
    close,
    create,
    delete,
    running_bot,
    spec,
    start,
    stop,
    strategy,
)


def update_to(bot: BotSpec, command_id: str = "c-update") -> CommandReceived:
    return CommandReceived(command=UpdateBot(command_id=CommandId(command_id), spec=bot, at_ms=START_MS))


def test_a_bot_is_created_stopped_and_once() -> None:
    life = Life()
    assert life.feel(create(spec())).facts == (BotCreated(spec=spec()),)
    assert not life.bot.running
    assert life.feel(create(spec(name="another"))).facts == ()
    assert life.bot.spec.name == "a bot"


def test_starting_and_stopping_twice_is_once() -> None:
    life = Life()
    life.feel(create(spec()))
    assert life.feel(start()).facts == (BotStarted(),)
    assert life.feel(start()).facts == ()
    assert life.feel(stop()).facts == (BotStopped(),)
    assert life.feel(stop()).facts == ()
    assert life.bot.seq == 3


def test_commands_for_a_bot_that_does_not_exist_are_nothing() -> None:
    life = Life()
    for event in (start(), stop(), delete(), update_to(spec())):
        assert life.feel(event).facts == ()
    assert life.state is None


def test_commands_of_another_owner_are_nothing() -> None:
    life = running_bot()
    command: BotCommand = StartBot(command_id=CommandId("x"), owner=UserId("usr_b"), bot_id=BOT, at_ms=0)
    assert life.feel(CommandReceived(command=command)).facts == ()
    assert life.feel(update_to(spec(owner=UserId("usr_b"), version=2))).facts == ()


def test_an_update_applies_to_new_groups_only() -> None:
    life = bot_with_group()
    changed = spec(strategy(take_profit_percent=D(2)), version=2)
    assert life.feel(update_to(changed)).facts == (BotUpdated(spec=changed),)
    assert life.feel(update_to(changed)).facts == ()
    assert life.group.strategy.take_profit_percent == 1
    assert life.bot.spec.strategy.take_profit_percent == 2


def test_an_older_version_of_the_configuration_changes_nothing() -> None:
    life = running_bot(spec(version=3))
    assert life.feel(update_to(spec(name="old", version=2))).facts == ()


def test_an_update_that_could_never_be_filled_is_refused_once_and_the_bot_goes_on() -> None:
    life = running_bot()
    event = update_to(spec(margin_limit_quote=D(1000), version=2))
    facts = life.feel(event).facts
    assert isinstance(facts[0], CommandRefused)
    assert "1200" in facts[0].reason
    assert life.feel(event).facts == ()
    assert life.bot.running
    assert life.bot.spec.version == 1


def test_a_bot_with_a_live_group_stays_on_its_connection() -> None:
    moved = spec(connection_id=ConnectionId("con_b"), version=2)
    life = bot_with_group()
    assert isinstance(life.feel(update_to(moved)).facts[0], CommandRefused)
    free = running_bot()
    assert free.feel(update_to(moved)).facts == (BotUpdated(spec=moved),)


def test_a_bot_that_could_never_be_filled_is_created_faulted_and_cannot_start() -> None:
    life = Life()
    facts = life.feel(create(spec(margin_limit_quote=D(1000)))).facts
    assert [type(fact) for fact in facts] == [BotCreated, BotFaulted]
    assert isinstance(life.feel(start()).facts[0], CommandRefused)
    assert not life.bot.running
    life.feel(update_to(spec(version=2)))
    assert life.feel(start()).facts == (BotStarted(),)
    assert (life.bot.fault, life.bot.running) == (None, True)


def test_starting_or_stopping_a_faulted_bot_takes_note_of_the_fault() -> None:
    for event, running in ((start(), True), (stop(), False)):
        life = running_bot()
        life.state = replace(life.bot, fault="a bug")
        life.feel(event)
        assert (life.bot.fault, life.bot.running) == (None, running)


def test_a_bot_is_deleted_once_it_has_no_group_and_never_comes_back() -> None:
    life = bot_with_group()
    assert isinstance(life.feel(delete()).facts[0], CommandRefused)
    assert life.feel(delete()).facts == ()
    life.fill(life.order_at(3100))
    again = replace(delete().command, command_id=CommandId("c-delete-2"))
    assert life.feel(CommandReceived(command=again)).facts == (BotDeleted(),)
    for event in (create(spec()), start(), delete()):
        assert life.feel(event).facts == ()
    assert life.see(3000).facts == ()
    assert life.bot.deleted


def test_closing_a_group_is_asked_once_and_only_of_a_live_one() -> None:
    life = bot_with_group()
    group = life.group.group_id
    assert life.feel(close(GroupId("bot_a-g9"))).facts == ()
    assert len(life.feel(close(group)).facts) == 1
    assert life.feel(close(group)).facts == ()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (spec(strategy(base_order_quote=D(0))), "base_order_quote"),
        (spec(strategy(base_order_quote=D("NaN"))), "base_order_quote"),
        (spec(strategy(add_on_quote=D(-1))), "add_on_quote"),
        (spec(strategy(step_percent=D(0))), "step_percent"),
        (spec(strategy(max_add_ons=101)), "max_add_ons"),
        (spec(strategy(take_profit_percent=D("Infinity"))), "take_profit_percent"),
        (spec(strategy(slippage_percent=D(21))), "slippage_percent"),
        (spec(strategy(max_price_age_ms=0)), "max_price_age_ms"),
        (spec(max_active_groups=0), "max_active_groups"),
        (spec(margin_limit_quote=D(-5)), "margin_limit_quote"),
        (spec(symbols=()), "symbol"),
        (spec(symbols=(ETH, ETH)), "symbol"),
        (spec(symbols=(ETH, BTC), max_active_groups=2), "1200"),
        (spec(group_limit_quote=D(1300)), "1300"),
        (spec(strategy(step_percent=D(50))), "zone 3 would begin 150 %"),
    ],
)
def test_a_configuration_that_makes_no_sense_is_refused_with_its_number(wrong: BotSpec, said: str) -> None:
    assert said in (refusal(wrong) or "")


def test_a_bot_without_add_ons_needs_no_zones() -> None:
    bare = strategy(max_add_ons=0, add_on_quote=D(0), step_percent=D(0))
    assert refusal(spec(bare, margin_limit_quote=D(300))) is None
    life = bot_with_group(spec(bare, margin_limit_quote=D(300)))
    assert life.see(2000).facts == ()
    assert life.order_at(3100).leg == "exit"
