"""Decisions, events, lengths of time and figures in words."""

import json
from decimal import Decimal
from typing import get_args

import pytest
from backfuture_cli.api.events import Event, parse
from backfuture_cli.commands.testview import STEP_WORDS
from backfuture_cli.durations import duration
from backfuture_cli.live import line
from backfuture_cli.output import figure, gain, left, price_of, print_line, print_table
from backfuture_cli.words import REASONS, decision_in_words
from backfuture_common.messages.bots import ReasonCode
from backfuture_common.messages.connections import TestStepName


def test_every_reason_code_has_words() -> None:
    assert set(get_args(ReasonCode)) == set(REASONS)


def test_every_test_step_has_words() -> None:
    assert set(get_args(TestStepName)) == set(STEP_WORDS)


@pytest.mark.parametrize(
    ("verdict", "reasons", "numbers", "words"),
    [
        ("OPEN", [], {"ask": "3000"}, "ETH/USDT at 3000: opens a group"),
        ("EXIT", ["MANUAL"], {"bid": "3010", "ask": "3011"}, "ETH/USDT at 3010: closes the group: you asked for it"),
        ("BLOCK", ["ZONE_USED", "NEW_CODE"], {}, "ETH/USDT: does not buy: this zone has had its add-on; NEW_CODE"),
    ],
)  # fmt: skip
def test_a_decision_is_one_sentence(verdict: str, reasons: list[str], numbers: dict[str, str], words: str) -> None:
    assert decision_in_words(verdict, "ETH/USDT", reasons, numbers) == words


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "0 s"), (59.9, "59 s"), (61, "1 m 1 s"), (7_260, "2 h 1 m"), (180_000, "2 d 2 h")]
)
def test_a_length_of_time_has_two_units(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_figures_keep_their_digits_and_group_thousands() -> None:
    assert figure(Decimal("1234567.1000")) == "1,234,567.1"
    assert figure(Decimal("1E+3")) == "1,000"
    assert figure(Decimal("0.00000001")) == "0.00000001"
    assert figure(None) == ""
    assert figure(Decimal("2.005"), 1) == "2.0"


def test_prices_are_rounded_for_the_eye_at_their_size() -> None:
    assert price_of(Decimal("66261.5792989041")) == "66,261.58"
    assert price_of(Decimal("1.23456789")) == "1.2346"
    assert price_of(Decimal("0.000012349876")) == "0.00001235"


def test_a_gain_has_its_sign_and_colour() -> None:
    assert (gain(Decimal("1.5")).plain, gain(Decimal("1.5")).style) == ("+1.5000", "green")
    assert (gain(Decimal("-1.5")).plain, gain(Decimal("-1.5")).style) == ("-1.5000", "red")


def test_brackets_in_names_and_messages_are_shown_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(left("Bot", "Trouble"), [("[bold]mine", "[Errno 111] refused")], "none")
    print_line("[/] and [Errno 5]")
    said = capsys.readouterr().out
    assert "[bold]mine" in said
    assert "[Errno 111] refused" in said
    assert "[/] and [Errno 5]" in said


def test_a_stream_is_read_event_by_event_and_comments_and_halves_are_left_out() -> None:
    lines = [
        "retry: 2000", "", ": still here", "", "id: 7", "event: order", 'data: {"a":', "data: 1}", "",
        "event: price", "data: {}", "", "id: 8", "data: half",
    ]  # fmt: skip
    assert list(parse(lines)) == [Event("7", "order", '{"a":\n1}'), Event("", "price", "{}")]


def test_a_price_is_no_line_of_the_feed() -> None:
    assert line(Event("", "price", "{}")) is None


def test_an_order_is_told_with_its_fill() -> None:
    order = {
        "client_order_id": "b1", "bot_id": "bot", "group_id": "g", "exchange": "paper-mexc", "symbol": "BTC/USDT",
        "side": "buy", "leg": "entry", "decision_id": "d", "amount": "0.5", "limit_price": "60000", "status": "filled",
        "filled_amount": "0.5", "filled_cost": "29950", "average_price": "59900", "error": None, "issued_ms": 1,
        "updated_ms": 2,
    }  # fmt: skip
    told = line(Event("1", "order", json.dumps(order)))
    assert told is not None
    assert told.about == "b1"
    assert told.text.plain == "order       buy 0.5 BTC/USDT up to 60,000: filled, 0.5 at 59,900"
