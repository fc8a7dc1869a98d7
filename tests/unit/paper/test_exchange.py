"""Orders against a book: what fills, what it costs, what is held, what is refused."""

from decimal import Decimal

import pytest
from backfuture_paper.core.exchange import Exchange
from backfuture_paper.core.orders import OrderRequest
from backfuture_paper.core.refusals import ExchangeRefusal

from tests.unit.paper.worlds import (
    ME,
    NORMAL_BOOK,
    NOW_MS,
    SYMBOL,
    an_exchange,
    book,
    d,
    kucoin_rules,
    limit,
    market,
    mexc_rules,
)


def free(exchange: Exchange, coin: str) -> Decimal:
    return exchange.ledger.balance(ME, coin).free


def held(exchange: Exchange, coin: str) -> Decimal:
    return exchange.ledger.balance(ME, coin).held


def refusal(exchange: Exchange, request: OrderRequest) -> str:
    with pytest.raises(ExchangeRefusal) as caught:
        exchange.place(ME, request, NOW_MS)
    return caught.value.reason


def test_a_taker_walks_the_levels_and_pays_each_levels_price() -> None:
    exchange = an_exchange(USDT="1000")
    exchange.on_book(NORMAL_BOOK)

    order, changes = exchange.place(ME, limit("buy", "2", "101"), NOW_MS)

    assert order.status == "filled"
    assert [(fill.price, fill.amount) for fill in changes.fills] == [(d(100), d(1)), (d(101), d(1))]
    assert order.filled_cost == d(201)
    assert order.fee == d("0.201")
    assert free(exchange, "USDT") == d(1000) - d("201.201")
    assert free(exchange, "BTC") == 2
    assert held(exchange, "USDT") == 0


def test_what_was_taken_is_gone_until_the_next_book() -> None:
    exchange = an_exchange(USDT="1000")
    exchange.on_book(NORMAL_BOOK)
    exchange.place(ME, limit("buy", "1", "100", time_in_force="IOC"), NOW_MS)

    empty, _ = exchange.place(ME, limit("buy", "1", "100", time_in_force="IOC"), NOW_MS)
    exchange.on_book(book([("99", "1")], [("100", "1")], sequence=2))
    refilled, _ = exchange.place(ME, limit("buy", "1", "100", time_in_force="IOC"), NOW_MS)

    assert (empty.status, empty.filled) == ("canceled", d(0))
    assert (refilled.status, refilled.filled) == ("filled", d(1))


def test_the_rest_of_a_limit_order_rests_with_its_money_held() -> None:
    exchange = an_exchange(USDT="1000")
    exchange.on_book(NORMAL_BOOK)

    order, _ = exchange.place(ME, limit("buy", "3", "100"), NOW_MS)

    assert (order.status, order.filled) == ("open", d(1))
    assert order.held == held(exchange, "USDT") == d(200) * d("1.001")


def test_resting_orders_fill_best_price_first_then_oldest_first_at_their_own_price() -> None:
    exchange = an_exchange(USDT="10000")
    exchange.on_book(NORMAL_BOOK)
    low, _ = exchange.place(ME, limit("buy", "1", "90"), NOW_MS)
    old, _ = exchange.place(ME, limit("buy", "1", "95"), NOW_MS)
    new, _ = exchange.place(ME, limit("buy", "1", "95"), NOW_MS)

    changes = exchange.on_book(book([("88", "1")], [("89", "2.5")], sequence=2))

    assert [(fill.order_id, fill.price, fill.amount) for fill in changes.fills] == [
        (old.id, d(95), d(1)),
        (new.id, d(95), d(1)),
        (low.id, d(90), d("0.5")),
    ]
    assert {fill.liquidity for fill in changes.fills} == {"maker"}


def test_a_resting_sell_fills_when_the_bid_reaches_it() -> None:
    exchange = an_exchange(BTC="1")
    exchange.on_book(NORMAL_BOOK)
    exchange.place(ME, limit("sell", "1", "105"), NOW_MS)

    assert exchange.on_book(book([("104.9", "5")], [("106", "5")], sequence=2)).fills == ()
    changes = exchange.on_book(book([("105", "5")], [("106", "5")], sequence=3))

    assert changes.fills[0].price == 105
    assert free(exchange, "USDT") == d(105) * d("0.999")


def test_mexc_takes_the_fee_of_a_buy_in_the_coin_bought_and_makers_pay_nothing() -> None:
    exchange = an_exchange(mexc_rules(), USDT="1000")
    exchange.on_book(NORMAL_BOOK)

    order, changes = exchange.place(ME, limit("buy", "2", "100"), NOW_MS)
    exchange.on_book(book([("98", "1")], [("99", "5")], sequence=2))

    assert changes.fills[0].fee_coin == order.fee_coin == "BTC"
    assert changes.fills[0].fee == d("0.0005")
    assert free(exchange, "BTC") == d("1.9995")
    assert free(exchange, "USDT") == 800


def test_a_market_buy_by_cost_spends_what_fits_in_whole_steps() -> None:
    exchange = an_exchange(USDT="1000")
    exchange.on_book(book([("99", "1")], [("100", "1"), ("103", "5")]))

    order, _ = exchange.place(ME, market("buy", cost="150"), NOW_MS)

    assert order.status == "filled"
    assert order.filled_cost <= 150
    assert d(150) - order.filled_cost < d("103") * d("0.00000001")
    assert free(exchange, "USDT") == 1000 - order.filled_cost - order.fee
    assert held(exchange, "USDT") == 0


def test_a_market_order_larger_than_the_whole_book_is_canceled_with_what_it_got() -> None:
    exchange = an_exchange(USDT="100000", BTC="10")
    exchange.on_book(NORMAL_BOOK)

    bought, _ = exchange.place(ME, market("buy", cost="50000"), NOW_MS)
    sold, _ = exchange.place(ME, market("sell", amount="5"), NOW_MS)

    assert (bought.status, bought.filled) == ("canceled", d(3))
    assert (sold.status, sold.filled) == ("canceled", d(3))
    assert held(exchange, "USDT") == held(exchange, "BTC") == 0


def test_a_market_sell_by_cost() -> None:
    exchange = an_exchange(BTC="3")
    exchange.on_book(NORMAL_BOOK)

    order, _ = exchange.place(ME, market("sell", cost="49.5"), NOW_MS)

    assert (order.status, order.filled) == ("filled", d("0.5"))


def test_before_the_first_price_a_limit_order_rests_and_a_market_order_gets_nothing() -> None:
    exchange = an_exchange(USDT="1000")

    resting, _ = exchange.place(ME, limit("buy", "1", "100"), NOW_MS)
    nothing, _ = exchange.place(ME, market("buy", cost="100"), NOW_MS)

    assert (resting.status, nothing.status, nothing.filled) == ("open", "canceled", d(0))


def test_a_fill_or_kill_order_is_filled_whole_or_killed() -> None:
    exchange = an_exchange(USDT="1000")
    exchange.on_book(NORMAL_BOOK)

    killed, changes = exchange.place(ME, limit("buy", "1.5", "100", time_in_force="FOK"), NOW_MS)
    filled, _ = exchange.place(ME, limit("buy", "1.5", "101", time_in_force="FOK"), NOW_MS)

    assert (killed.status, changes.fills) == ("canceled", ())
    assert filled.status == "filled"


def test_a_post_only_order_that_would_take_is_canceled() -> None:
    exchange = an_exchange(USDT="1000")
    exchange.on_book(NORMAL_BOOK)

    order, changes = exchange.place(ME, limit("buy", "1", "100", post_only=True), NOW_MS)

    assert (order.status, changes.fills) == ("canceled", ())
    assert free(exchange, "USDT") == 1000


def test_the_steps_of_an_orders_life_are_told_in_order() -> None:
    exchange = an_exchange(USDT="1000")
    exchange.on_book(NORMAL_BOOK)

    _, changes = exchange.place(ME, limit("buy", "1.5", "101"), NOW_MS)

    assert [event.kind for event in changes.orders] == ["open", "match", "match", "filled"]
    assert [event.order.filled for event in changes.orders] == [0, 1, d("1.5"), d("1.5")]
    assert changes.balances[0].cause == "order.hold"


def test_canceling_gives_everything_back_and_a_second_time_is_refused() -> None:
    exchange = an_exchange(USDT="1000")
    exchange.on_book(NORMAL_BOOK)
    order, _ = exchange.place(ME, limit("buy", "1", "90"), NOW_MS)

    canceled, _ = exchange.cancel(ME, order.id, NOW_MS)

    assert canceled.status == "canceled"
    assert free(exchange, "USDT") == 1000
    with pytest.raises(ExchangeRefusal, match="unknown_order"):
        exchange.cancel(ME, order.id, NOW_MS)
    with pytest.raises(ExchangeRefusal, match="unknown_order"):
        exchange.cancel("somebody", order.id, NOW_MS)


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        (limit("buy", "1", "1000.05"), "price_step"),
        (limit("buy", "1.000000001", "100"), "amount_step"),
        (limit("buy", "0.000001", "100"), "amount_below_minimum"),
        (limit("buy", "99999999999", "100"), "amount_above_maximum"),
        (limit("buy", "0.0001", "100"), "cost_below_minimum"),
        (limit("buy", "0", "100"), "amount_below_minimum"),
        (limit("buy", "-1", "100"), "amount_below_minimum"),
        (limit("buy", "1", "0"), "bad_parameter"),
        (limit("buy", "1", "-5"), "bad_parameter"),
        (limit("buy", "1", "100", cost=d(5)), "bad_parameter"),
        (limit("buy", "1", "100", client_id="not allowed!"), "client_id_invalid"),
        (limit("buy", "1", "100", client_id="x" * 41), "client_id_invalid"),
        (market("buy"), "bad_parameter"),
        (market("buy", amount="1", cost="100"), "bad_parameter"),
        (market("buy", cost="0.05"), "cost_below_minimum"),
        (market("buy", cost="-1"), "cost_below_minimum"),
        (OrderRequest(symbol="NO/PE", side="buy", kind="market", cost=d(5)), "unknown_symbol"),
        (limit("buy", "11", "100"), "insufficient_funds"),
        (limit("sell", "1", "100"), "insufficient_funds"),
        (market("buy", cost="1000"), "insufficient_funds"),
    ],
)
def test_a_refused_order_changes_nothing(request_: OrderRequest, reason: str) -> None:
    exchange = an_exchange(USDT="1000")
    exchange.on_book(NORMAL_BOOK)

    assert refusal(exchange, request_) == reason
    with pytest.raises(ExchangeRefusal, match=reason):
        exchange.check(ME, request_)

    assert exchange.open_orders(ME) == []
    assert exchange.ledger.balances(ME)["USDT"].free == 1000
    assert exchange.on_book(NORMAL_BOOK).balances == ()


def test_the_fee_is_part_of_what_a_kucoin_buy_needs() -> None:
    exchange = an_exchange(USDT="100")
    exchange.on_book(NORMAL_BOOK)

    assert refusal(exchange, limit("buy", "1", "100")) == "insufficient_funds"
    exchange.transfer(ME, "USDT", d("0.1"), "account.deposit")
    order, _ = exchange.place(ME, limit("buy", "1", "100"), NOW_MS)

    assert order.status == "filled"
    assert free(exchange, "USDT") == 0


@pytest.mark.parametrize(
    ("rule", "while_open", "after_it_ended"), [("active", False, True), ("ever", False, False), ("allowed", True, True)]
)
def test_when_a_client_id_may_be_used_again(rule: str, while_open: bool, after_it_ended: bool) -> None:
    def again(exchange: Exchange) -> bool:
        try:
            exchange.check(ME, limit("buy", "1", "90", client_id="mine"))
        except ExchangeRefusal as refused:
            return refused.reason != "client_id_used"
        return True

    rules = kucoin_rules(rule)  # type: ignore[arg-type]  # one of the three
    exchange = an_exchange(rules, used_ids=[(ME, "mine")], USDT="1000")
    order, _ = an_exchange(rules, USDT="1000").place(ME, limit("buy", "1", "90", client_id="mine"), NOW_MS)
    open_one = Exchange(
        rules,
        ledger=exchange.ledger,
        order_id=str,
        id_was_used=lambda _account, _client_id: True,
        open_orders=[order],
    )

    assert again(open_one) is while_open
    assert again(exchange) is after_it_ended


def test_no_more_open_orders_than_the_venue_allows() -> None:
    exchange = an_exchange(USDT="1000000")
    for _ in range(exchange.rules.open_orders_max):
        exchange.place(ME, limit("buy", "0.1", "1.1"), NOW_MS)

    assert refusal(exchange, limit("buy", "0.1", "1.1")) == "too_many_open_orders"


def test_nothing_fills_while_fills_are_stopped() -> None:
    exchange = an_exchange(USDT="1000")
    exchange.stopped.add(SYMBOL)
    exchange.on_book(NORMAL_BOOK)

    order, _ = exchange.place(ME, limit("buy", "1", "101"), NOW_MS)
    assert order.filled == 0
    exchange.stopped.clear()

    assert exchange.on_book(NORMAL_BOOK).fills[0].order_id == order.id


def test_a_fill_by_hand_never_fills_more_than_was_wanted() -> None:
    exchange = an_exchange(USDT="1000")
    order, _ = exchange.place(ME, limit("buy", "1", "90"), NOW_MS)

    exchange.fill(ME, order.id, d("0.4"), NOW_MS)
    changes = exchange.fill(ME, order.id, d("5"), NOW_MS)

    assert changes.fills[0].amount == d("0.6")
    assert changes.orders[-1].kind == "filled"
