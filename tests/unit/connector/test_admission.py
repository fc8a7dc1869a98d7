"""No order leaves that the connection, the market or the clock forbids."""

import pytest
from backfuture_common.domain.ids import ExchangeId, UserId
from backfuture_common.messages.connections import ConnectionState, ConnectionStatus
from backfuture_common.messages.market import Instrument
from backfuture_common.messages.orders import PlaceOrder
from backfuture_connector.core.admission import admit

from tests.unit.connector.build import NOW_MS, command, connection, instrument


def verdict(
    order: PlaceOrder | None = None,
    state: ConnectionState | None = None,
    market: Instrument | None = None,
    now_ms: int = NOW_MS,
) -> tuple[str, str] | None:
    end = admit(order or command(), state or connection(), market or instrument(), now_ms)
    return None if end is None else (end[0], end[1].code)


def test_a_proper_order_is_let_through() -> None:
    assert verdict() is None


def test_an_order_of_an_unknown_connection_is_rejected() -> None:
    end = admit(command(), None, instrument(), NOW_MS)
    assert end is not None
    assert end[1].code == "order.connection_unknown"


@pytest.mark.parametrize(
    "state", [connection(owner=UserId("user_2")), connection(exchange=ExchangeId("kucoin"))], ids=["owner", "exchange"]
)
def test_an_order_of_somebody_elses_connection_is_rejected(state: ConnectionState) -> None:
    assert verdict(state=state) == ("rejected", "order.connection_unknown")


@pytest.mark.parametrize("status", ["testing", "attention", "refused", "removed"])
def test_only_an_online_connection_takes_orders(status: ConnectionStatus) -> None:
    assert verdict(state=connection(status)) == ("rejected", "order.connection_not_online")


def test_an_expired_order_is_not_sent_whatever_else_is_wrong() -> None:
    order = command()
    assert verdict(order, connection("refused"), now_ms=order.expires_ms) == ("expired", "order.expired")
    assert verdict(order, now_ms=order.expires_ms - 1) is None


def test_a_market_that_does_not_trade_takes_no_orders() -> None:
    assert verdict(market=instrument(active=False)) == ("rejected", "order.market_not_tradable")
    end = admit(command(), connection(), None, NOW_MS)
    assert end is not None
    assert end[1].code == "order.market_not_tradable"


@pytest.mark.parametrize(
    ("amount", "price", "code"),
    [
        ("0.00015", "100", "order.off_step"),
        ("1", "100.001", "order.off_step"),
        ("0", "100", "order.off_step"),
        ("-1", "100", "order.off_step"),
        ("0.0009", "100000", "order.below_minimum"),
        ("0.001", "999.99", "order.below_minimum"),
    ],
)
def test_steps_and_minimums_are_exact(amount: str, price: str, code: str) -> None:
    assert verdict(command(amount=amount, price=price)) == ("rejected", code)


def test_the_smallest_order_is_let_through() -> None:
    assert verdict(command(amount="0.001", price="1000")) is None


def test_long_numbers_stay_exact() -> None:
    market = instrument()
    assert verdict(command(amount="123456789012.123400000000000000"), market=market) is None
    assert verdict(command(amount="123456789012.123400000000000001"), market=market) == ("rejected", "order.off_step")
