"""An order's row ends the same, in whatever order and however often its news arrive."""

from decimal import Decimal

from backfuture_common.messages.orders import FINAL_STATUSES, NO_FILLS, Fills, OrderStatus
from backfuture_gateway.read_model.orders import OrderNews, apply_news, new_order
from backfuture_gateway.read_model.tables import OrderView
from hypothesis import given
from hypothesis import strategies as st

from tests.support.gateway_records import BotStory, spec

_UNDER_WAY: tuple[OrderStatus, ...] = ("submitting", "open", "unknown", "needs_operator")


def _row() -> OrderView:
    story = BotStory(spec("bot_1", "usr_1", "con_1"))
    return new_order(story.order("b1", "bot_1-g1"), 0)


def _fills(amount: int) -> Fills:
    return Fills(
        amount=Decimal(amount), cost=Decimal(amount * 10), fee_base=Decimal(0), fee_quote=Decimal(amount) / 100
    )


@st.composite
def _histories(draw: st.DrawFn) -> list[OrderNews]:
    """Return what a connector may tell of one order: fills only grow, it ends at most once, and then all is told."""
    amounts = sorted(draw(st.lists(st.integers(0, 5), min_size=1, max_size=6)))
    history = [
        OrderNews(draw(st.sampled_from(_UNDER_WAY)), _fills(amount), None, at_ms=10 * (n + 1), exchange_order_id="x")
        for n, amount in enumerate(amounts)
    ]
    if draw(st.booleans()):
        end = draw(st.sampled_from(sorted(FINAL_STATUSES)))
        history.append(OrderNews(end, _fills(amounts[-1]), None, at_ms=10 * (len(amounts) + 1), exchange_order_id="x"))
    return history


def _after(news: list[OrderNews]) -> tuple[object, ...]:
    row = _row()
    for one in news:
        apply_news(row, one)
    return (row.status, row.filled_amount, row.filled_cost, row.fee_quote, row.exchange_order_id)


@given(_histories(), st.randoms(use_true_random=False))
def test_late_and_repeated_news_change_nothing(history: list[OrderNews], random: st.DataObject) -> None:
    in_order = _after(history)
    mixed = history * 2
    random.shuffle(mixed)  # type: ignore[attr-defined]  # Hypothesis gives a random.Random

    assert _after(mixed) == in_order


@given(_histories())
def test_fills_never_shrink_and_an_end_is_an_end(history: list[OrderNews]) -> None:
    row = _row()
    ended = False
    filled = Decimal(0)
    for news in [*history, OrderNews("open", NO_FILLS, None, at_ms=10**6)]:
        apply_news(row, news)
        assert row.filled_amount >= filled
        filled = row.filled_amount
        ended = ended or news.status in FINAL_STATUSES
        assert not ended or row.status in FINAL_STATUSES


@given(_histories())
def test_applying_the_last_news_again_is_no_change(history: list[OrderNews]) -> None:
    row = _row()
    for news in history:
        apply_news(row, news)

    assert apply_news(row, history[-1]) is False
