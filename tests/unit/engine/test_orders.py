"""The order table, every pair of it, and what news does to a group."""

from typing import get_args

import pytest
from backfuture_common.domain.ids import ClientOrderId, UserId
from backfuture_common.messages.journal import BotFaulted, GroupClosed, OrderProgressed, OrderUpdated
from backfuture_common.messages.orders import FINAL_STATUSES, NO_FILLS, OrderStatus
from backfuture_engine.core.orders import FOLLOWS, LATE, REVISES, IllegalEventError, Known, is_news
from msgspec.structs import replace

from tests.unit.engine.build import D, Life, bot_with_group, fills, running_bot, update

STATUSES: tuple[OrderStatus, ...] = get_args(OrderStatus)
SOME = fills(D("0.05"), D(3000))
MORE = fills(D("0.08"), D(3000))


def entry() -> tuple[Life, object]:
    life = running_bot()
    return life, life.order_at(3000)


@pytest.mark.parametrize("known", STATUSES)
@pytest.mark.parametrize("told", STATUSES)
def test_every_pair_of_statuses_is_news_or_old_or_illegal(known: OrderStatus, told: OrderStatus) -> None:
    life = running_bot()
    order = life.order_at(3000)
    same = update(order, told, SOME)
    if told == known:
        assert not is_news(Known(known, SOME), same)
    elif told in FOLLOWS[known]:
        assert is_news(Known(known, SOME), same)
    elif told in LATE[known]:
        assert not is_news(Known(known, SOME), same)
    else:
        with pytest.raises(IllegalEventError):
            is_news(Known(known, SOME), same)


@pytest.mark.parametrize("known", STATUSES)
@pytest.mark.parametrize("told", STATUSES)
def test_further_fills_are_never_ignored(known: OrderStatus, told: OrderStatus) -> None:
    life = running_bot()
    news = update(life.order_at(3000), told, MORE)
    if told == known or told in FOLLOWS[known] or told in REVISES.get(known, ()):
        assert is_news(Known(known, SOME), news)
    else:
        with pytest.raises(IllegalEventError):
            is_news(Known(known, SOME), news)


@pytest.mark.parametrize("known", STATUSES)
@pytest.mark.parametrize("told", STATUSES)
def test_an_update_with_fewer_fills_is_old_unless_it_claims_to_be_the_end(
    known: OrderStatus, told: OrderStatus
) -> None:
    life = running_bot()
    old = update(life.order_at(3000), told, SOME)
    if told in FOLLOWS[known] and told in FINAL_STATUSES:
        with pytest.raises(IllegalEventError):
            is_news(Known(known, MORE), old)
    else:
        assert not is_news(Known(known, MORE), old)


def test_the_table_knows_every_status_and_no_end_is_followed_by_anything() -> None:
    assert FOLLOWS.keys() == LATE.keys() == set(STATUSES)
    assert all(not FOLLOWS[status] for status in FINAL_STATUSES)
    assert REVISES.keys() == FINAL_STATUSES


def test_an_entry_filled_in_part_is_an_active_group_with_what_it_got() -> None:
    life = running_bot()
    order = life.order_at(3000)
    life.hear(order, "canceled", SOME)
    group = life.group
    assert (group.status, group.bought_amount, group.anchor) == ("active", D("0.05"), D(3000))
    assert group.pending is None


def test_an_entry_that_filled_nothing_cancels_the_group_and_a_new_one_comes_later() -> None:
    life = running_bot()
    order = life.order_at(3000)
    facts = life.hear(order, "canceled").facts
    assert [type(fact) for fact in facts] == [OrderProgressed, GroupClosed]
    assert facts[1].reason == "nothing_filled"  # type: ignore[union-attr]  # narrowed above
    assert (life.bot.groups, life.bot.groups_closed, life.bot.realised_quote) == ((), 0, D(0))
    assert life.see(3000).facts == ()
    life.pass_time(5_000)
    again = life.order_at(3000)
    assert again.group_id != order.group_id
    assert again.client_order_id != order.client_order_id


def test_a_refused_entry_rests_a_minute() -> None:
    life = running_bot()
    life.hear(life.order_at(3000), "rejected")
    life.pass_time(59_999)
    assert life.see(3000).facts == ()
    life.pass_time(1)
    assert life.order_at(3000).leg == "entry"


def test_an_expired_entry_was_never_sent_and_is_decided_anew() -> None:
    life = running_bot()
    life.hear(life.order_at(3000), "expired")
    assert life.bot.groups == ()
    assert life.bot.unacknowledged == ()


def test_the_first_answer_acknowledges_the_intent_whatever_it_says() -> None:
    life = running_bot()
    order = life.order_at(3000)
    assert [intent.client_order_id for intent in life.bot.unacknowledged] == [order.client_order_id]
    assert life.hear(order, "submitting").facts != ()
    assert life.bot.unacknowledged == ()
    assert life.hear(order, "submitting").facts == ()


@pytest.mark.parametrize("limbo", ["unknown", "needs_operator", "submitting", "open"])
def test_an_order_in_limbo_keeps_the_group_from_anything_new(limbo: OrderStatus) -> None:
    life = bot_with_group()
    order = life.order_at(2850)
    life.hear(order, limbo)
    life.pass_time(86_400_000)
    for at in (2850, 2700, 3100):
        assert life.see(at).facts == ()
    assert life.group.pending is not None
    life.fill(order)
    assert life.order_at(3100).leg == "exit"


def test_fills_come_in_cumulatively_and_an_old_update_changes_nothing() -> None:
    life = running_bot()
    order = life.order_at(3000)
    life.hear(order, "open", SOME)
    life.hear(order, "open", MORE)
    before = life.bot
    assert life.hear(order, "open", SOME).facts == ()
    assert life.hear(order, "open", MORE).facts == ()
    assert life.hear(order, "submitting").facts == ()
    assert life.bot is before
    life.hear(order, "filled", fills(D("0.1"), D(3000)))
    assert (life.group.bought_amount, life.group.bought_cost) == (D("0.1"), D(300))


def test_a_rumour_older_than_the_newest_word_is_old_even_if_it_could_follow() -> None:
    life = running_bot()
    order = life.order_at(3000)
    life.feel(OrderUpdated(update=replace(update(order, "open"), at_ms=10)))
    life.feel(OrderUpdated(update=replace(update(order, "unknown"), at_ms=20)))
    assert life.feel(OrderUpdated(update=replace(update(order, "open"), at_ms=10))).facts == ()
    assert life.feel(OrderUpdated(update=replace(update(order, "open"), at_ms=30))).facts != ()


def test_a_fill_reported_after_the_end_still_counts() -> None:
    life = running_bot()
    order = life.order_at(3000)
    life.hear(order, "canceled", SOME)
    life.hear(order, "canceled", MORE)
    assert life.group.bought_amount == D("0.08")
    assert life.group.status == "active"
    assert life.hear(order, "canceled", MORE).facts == ()


def test_a_late_fill_of_an_add_on_believed_unfilled_uses_its_zone() -> None:
    life = bot_with_group()
    order = life.order_at(2850)
    life.hear(order, "rejected")
    life.hear(order, "filled", fills(order.amount, D(2850)))
    assert (life.group.zones_used, life.group.add_ons_done) == ((1,), 1)


@pytest.mark.parametrize(
    ("what", "filled"),
    [("more than was ordered", fills(D("0.2"), D(3000))), ("less than nothing", fills(D("-0.1"), D(3000)))],
)
def test_impossible_fills_stop_the_bot(what: str, filled: object) -> None:
    life = running_bot()
    order = life.order_at(3000)
    facts = life.hear(order, "filled", filled).facts  # type: ignore[arg-type]  # Fills by construction
    assert [type(fact) for fact in facts] == [BotFaulted]
    assert life.bot.groups[0].pending is not None


def test_an_update_of_the_wrong_side_stops_the_bot() -> None:
    life = running_bot()
    news = replace(update(life.order_at(3000), "filled", SOME), side="sell")
    life.feel(OrderUpdated(update=news))
    assert "buy order" in (life.bot.fault or "")


def test_fills_of_an_order_the_group_never_placed_stop_the_bot_and_rumours_do_not() -> None:
    life = bot_with_group()
    order = life.order_at(2850)
    stranger = replace(update(order, "filled", SOME), client_order_id=ClientOrderId("bstranger"))
    assert life.feel(OrderUpdated(update=replace(stranger, fills=NO_FILLS))).facts == ()
    life.feel(OrderUpdated(update=stranger))
    assert life.bot.fault is not None


def test_news_of_an_ended_group_or_from_another_owner_is_ignored() -> None:
    life = running_bot()
    order = life.order_at(3000)
    stolen = replace(update(order, "filled", fills(D("0.1"), D(3000))), owner=UserId("usr_other"))
    assert life.feel(OrderUpdated(update=stolen)).facts == ()
    life.hear(order, "canceled")
    assert life.hear(order, "canceled").facts == ()


def test_a_faulted_bot_still_books_its_fills_and_does_nothing_else() -> None:
    life = bot_with_group()
    order = life.order_at(2850)
    life.state = replace(life.bot, fault="something")
    assert life.see(3100).facts == ()
    life.fill(order)
    assert life.group.add_ons_done == 1
    assert life.see(3100).facts == ()


def test_a_fee_told_later_is_news() -> None:
    life = running_bot()
    order = life.order_at(3000)
    life.hear(order, "filled", fills(D("0.1"), D(3000), fee="0"))
    assert life.group.fees_quote == 0
    life.hear(order, "filled", fills(D("0.1"), D(3000)))
    assert life.group.fees_quote == D("0.3")


def test_a_fee_in_a_coin_of_the_venue_is_kept_in_the_journal_and_out_of_the_result() -> None:
    life = bot_with_group()
    order = life.order_at(3100)
    paid = replace(fills(order.amount, D(3100), fee="0"), fee_other=(("KCS", D("0.01")),))
    facts = life.hear(order, "filled", paid).facts
    assert isinstance(facts[0], OrderProgressed)
    assert facts[0].fills.fee_other == (("KCS", D("0.01")),)
    assert life.bot.realised_quote == D(310) - D("300.3")
