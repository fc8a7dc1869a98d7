"""Every code the engine can give has words."""

from typing import get_args

from backfuture_common.messages.bots import GroupStatus, ReasonCode, Verdict
from backfuture_common.messages.connections import TestStepName
from backfuture_dashboard.words import REASONS, STATUSES, STEPS, VERDICTS, order_line, reasons


def test_no_code_is_shown_without_words() -> None:
    assert set(get_args(ReasonCode)) == set(REASONS)
    assert set(get_args(Verdict)) == set(VERDICTS)
    assert set(get_args(GroupStatus)) == set(STATUSES)
    assert set(get_args(TestStepName)) == set(STEPS)


def test_all_reasons_of_a_decision_are_told() -> None:
    assert reasons({"reasons": ["OUT_OF_ZONE", "AVG_WORSE"]}) == "the price is in no zone, it would worsen the average"


def test_an_order_tells_what_it_did_or_wants() -> None:
    filled = {"side": "buy", "symbol": "BTC/USDT", "filled_amount": "0.0010", "filled_cost": "60.5", "status": "filled"}
    open_ = {
        "side": "sell",
        "symbol": "BTC/USDT",
        "filled_amount": "0",
        "amount": "1",
        "limit_price": "7",
        "status": "open",
    }
    assert order_line(filled) == "Bought 0.001 BTC for 60.5 USDT"
    assert order_line(open_) == "Sell 1 BTC at 7.0000: open"
