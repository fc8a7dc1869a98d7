"""One event through one bot, whatever happens in it."""

from backfuture_common.messages.journal import BotFaulted, OrderIntended, TimerFired
from backfuture_engine.core.step import step
from msgspec.structs import replace

from tests.unit.engine.build import BOT, context, price, running_bot


def test_each_intended_order_is_one_command_and_nothing_else_is() -> None:
    life = running_bot()
    result = life.see(3000)
    intended = [fact.command for fact in result.facts if isinstance(fact, OrderIntended)]
    assert list(result.commands) == intended


def test_a_step_without_facts_leaves_the_state_as_it_was() -> None:
    state = running_bot().bot
    assert step(state, TimerFired(), context()) == (state, (), (), None)


def test_each_record_counts_one_in_the_bots_sequence() -> None:
    life = running_bot()
    assert life.bot.seq == 2
    life.see(3000)
    assert life.bot.seq == 3


def test_an_exception_in_a_rule_faults_the_bot_once_and_sends_nothing() -> None:
    first = step(running_bot().bot, price("NaN"), context())  # not a number: it cannot even be compared
    assert [type(fact) for fact in first.facts] == [BotFaulted]
    assert first.state is not None
    assert "InvalidOperation" in (first.state.fault or "")
    assert first.commands == ()
    assert step(first.state, price("NaN"), context()) == (first.state, (), (), None)


def test_an_event_for_nobody_is_nothing() -> None:
    assert step(None, price(3000), context()) == (None, (), (), None)


def test_the_same_event_and_context_give_the_same_facts() -> None:
    state = replace(running_bot().bot, decisions=41)
    first, second = (step(state, price(3000), context()) for _ in range(2))
    assert first == second
    assert str(BOT) in str(first.facts)
