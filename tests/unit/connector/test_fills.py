"""Fills are sums of what the venue told, exact, each fee in the currency it was taken in."""

from decimal import Decimal

from backfuture_common.messages.orders import NO_FILLS
from backfuture_connector.core.facts import FeeFact
from backfuture_connector.core.fills import FillsRead, newer, read_fills

from tests.unit.connector.build import order, trade


def test_trades_give_amount_cost_and_each_fee() -> None:
    trades = (
        trade("t1", price="100", amount="0.3", fee=("0.03", "USDT")),
        trade("t2", price="99.5", amount="0.2", fee=("0.0002", "BTC")),
        trade("t3", price="99", amount="0.5", fee=("0.01", "KCS")),
    )
    read = read_fills(order(filled="1", cost="99.4"), trades)
    assert read.complete
    assert (read.fills.amount, read.fills.cost) == (Decimal(1), Decimal("99.40"))
    assert (read.fills.fee_base, read.fills.fee_quote) == (Decimal("0.0002"), Decimal("0.03"))
    assert read.fills.fee_other == (("KCS", Decimal("0.01")),)


def test_a_trade_told_twice_counts_once() -> None:
    assert read_fills(order(), (trade("t1"), trade("t1"))).fills.amount == 1


def test_trades_of_other_orders_do_not_count() -> None:
    read = read_fills(order(filled="1"), (trade("t1"), trade("t2", exchange_order_id="x2")))
    assert read.fills.amount == 1


def test_trades_ahead_of_the_orders_own_answer_count() -> None:
    read = read_fills(order("open", filled="0.2", cost="20"), (trade("t1", amount="0.7"),))
    assert (read.fills.amount, read.complete) == (Decimal("0.7"), True)


def test_while_trades_lag_behind_the_orders_total_fee_serves() -> None:
    fee = FeeFact(currency="USDT", amount=Decimal("0.1"))
    read = read_fills(order(filled="1", cost="100", fee=fee), ())
    assert (read.fills.amount, read.fills.fee_quote, read.complete) == (Decimal(1), Decimal("0.1"), True)


def test_while_trades_lag_behind_and_no_fee_is_told_the_reading_is_incomplete() -> None:
    read = read_fills(order(filled="1", cost="100"), (trade("t1", amount="0.4", fee=("0.04", "USDT")),))
    assert (read.fills.amount, read.fills.fee_quote, read.complete) == (Decimal(1), Decimal("0.04"), False)


def test_a_rebate_is_a_negative_fee() -> None:
    assert read_fills(order(), (trade(fee=("-0.02", "USDT")),)).fills.fee_quote == Decimal("-0.02")


def test_an_older_reading_never_takes_fills_away() -> None:
    more = read_fills(order(filled="1"), (trade(amount="1"),))
    less = read_fills(order(filled="0.4", cost="40"), (trade(amount="0.4"),))
    assert newer(more.fills, less) == more.fills
    assert newer(less.fills, more) == more.fills


def test_late_fees_replace_an_incomplete_reading_and_not_the_other_way_round() -> None:
    incomplete = read_fills(order(filled="1"), ())
    complete = read_fills(order(filled="1"), (trade(),))
    assert newer(incomplete.fills, complete) == complete.fills
    assert newer(complete.fills, FillsRead(incomplete.fills, complete=False)) == complete.fills


def test_an_order_without_fills_has_none() -> None:
    assert read_fills(order("canceled", filled="0", cost="0"), ()).fills == NO_FILLS
