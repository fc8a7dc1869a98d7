"""One account through the adapter: keys are judged, orders keep their digits, answers become facts."""

from decimal import Decimal

import pytest
from backfuture_common.domain.ids import ClientOrderId, Symbol
from backfuture_common.messages.connections import TestCode
from backfuture_connector.core.failures import FailureKind, VenueError

from tests.contract.connector.conftest import Bed
from tests.unit.connector.build import BTC, command


@pytest.mark.parametrize(
    ("rights", "ip_list", "code"),
    [
        (("read", "trade"), ("127.0.0.1",), "OK"),
        (("read", "trade"), (), "OK_WARN_NO_IP_LIST"),
        (("read", "trade", "withdraw"), ("127.0.0.1",), "WITHDRAW_ENABLED"),
        (("read", "trade", "transfer"), ("127.0.0.1",), "TRANSFER_ENABLED"),
        (("read",), ("127.0.0.1",), "TRADE_RIGHT_MISSING"),
    ],
)
async def test_a_key_is_judged_by_what_the_exchange_says(
    bed: Bed, rights: tuple[str, ...], ip_list: tuple[str, ...], code: TestCode
) -> None:
    account = bed.open(bed.paper.key(bed.venue, rights, ip_list=ip_list))
    assert (await account.key_verdict()).code == code


async def test_a_wrong_secret_is_told_as_one(bed: Bed) -> None:
    key = bed.paper.key(bed.venue)
    with pytest.raises(VenueError) as caught:
        await bed.open({**key, "secret": "wrong"}).key_verdict()
    # KuCoin checks the passphrase first, and its MAC is made with the wrong secret, too
    expected: FailureKind = "secret_wrong" if bed.venue == "mexc" else "passphrase_wrong"
    assert caught.value.failure.kind in {expected, "secret_wrong"}


async def test_an_unknown_key_is_told_as_one(bed: Bed) -> None:
    key = bed.paper.key(bed.venue)
    with pytest.raises(VenueError) as caught:
        await bed.open({**key, "api_key": "0123456789abcdef01234567"}).key_verdict()
    assert caught.value.failure.kind == "key_unknown"


async def test_a_foreign_address_is_told_with_the_address_that_was_seen(bed: Bed) -> None:
    key = bed.paper.key(bed.venue, ip_list=["203.0.113.9"])
    with pytest.raises(VenueError) as caught:
        await bed.open(key).key_verdict()
    assert (caught.value.failure.kind, caught.value.failure.seen_address) == ("ip_not_allowed", "127.0.0.1")


async def test_a_wrong_clock_is_told_and_a_measured_offset_heals_it(bed: Bed) -> None:
    key = bed.paper.key(bed.venue)
    bed.paper.control("clock", offset_ms=120_000)
    with pytest.raises(VenueError) as caught:
        await bed.open(key).key_verdict()
    assert caught.value.failure.kind == "clock_skew"
    offset_ms = await bed.factory.public.server_time_ms() - bed.clock.now_ms()
    assert (await bed.open(key, offset_ms=offset_ms).key_verdict()).ok


async def test_a_frozen_account_is_told_as_one(bed: Bed) -> None:
    key = bed.paper.key(bed.venue)
    account = bed.open(key)
    bed.price()
    bed.paper.control("key", api_key=key["api_key"], state="account_frozen")
    with pytest.raises(VenueError) as caught:
        await account.place(command(f"bfrozen{bed.venue}", amount="0.001", price="60001"), within_s=5)
    assert caught.value.failure.kind == "account_restricted"


async def test_an_order_arrives_with_exactly_the_digits_that_were_decided(bed: Bed) -> None:
    key = bed.paper.key(bed.venue, balances={"USDT": "100000"})
    account = bed.open(key)
    market = bed.instruments[BTC]
    bed.price("60000", "60000.3")
    amount = market.amount_step * 12345
    price = Decimal("60000.30") + market.price_step
    sent = command(f"bdigits{bed.venue}", amount=str(amount), price=str(price), issued_ms=bed.clock.now_ms())
    exchange_order_id = await account.place(sent, within_s=5)
    (stored,) = bed.paper.account(key)["orders"]
    assert (Decimal(stored["request"]["amount"]), Decimal(stored["request"]["price"])) == (amount, price)
    found = await account.find_order(sent.client_order_id, BTC)
    assert found is not None
    assert (found.exchange_order_id, found.state) == (exchange_order_id, "filled")
    assert (found.amount, found.price, found.filled) == (amount, price, amount)
    assert found.cost == amount * Decimal("60000.3")


async def test_trades_tell_each_fee_in_its_currency(bed: Bed) -> None:
    account = bed.open(bed.paper.key(bed.venue))
    bed.price()
    sent = command(f"bfees{bed.venue}", amount="0.01", price="60001", issued_ms=bed.clock.now_ms())
    exchange_order_id = await account.place(sent, within_s=5)
    trades = await account.trades(BTC, sent.issued_ms - 1000, exchange_order_id)
    assert sum(trade.amount for trade in trades) == Decimal("0.01")
    taker = bed.instruments[BTC].taker_fee
    for trade in trades:
        assert trade.fee is not None
        whole = trade.cost if trade.fee.currency == "USDT" else trade.amount
        assert trade.fee.amount == whole * taker
    assert await account.trades(Symbol("ETH/USDT"), sent.issued_ms - 1000, None) == ()


async def test_a_denied_order_is_none_and_not_an_error(bed: Bed) -> None:
    account = bed.open(bed.paper.key(bed.venue))
    assert await account.find_order(ClientOrderId("bneverseen"), BTC) is None


async def test_a_question_that_gets_no_answer_is_not_a_denial(bed: Bed) -> None:
    account = bed.open(bed.paper.key(bed.venue))
    bed.paper.control("faults", action="cut", venue=bed.venue, method="GET", path=".*", times=None)
    with pytest.raises(VenueError) as caught:
        await account.find_order(ClientOrderId("bneverseen"), BTC)
    assert caught.value.failure.kind == "network"


async def test_balances_are_those_of_the_account(bed: Bed) -> None:
    account = bed.open(bed.paper.key(bed.venue, balances={"USDT": "12.5", "BTC": "0.00000001"}))
    found = {balance.currency: balance.free for balance in await account.balances()}
    assert found == {"USDT": Decimal("12.5"), "BTC": Decimal("0.00000001")}


async def test_a_test_order_is_checked_and_not_placed(bed: Bed) -> None:
    key = bed.paper.key(bed.venue)
    await bed.open(key).try_order(BTC, "0.001", "30000")
    assert bed.paper.account(key)["orders"] == []
    with pytest.raises(VenueError) as caught:
        await bed.open(bed.paper.key(bed.venue, ("read",))).try_order(BTC, "0.001", "30000")
    assert caught.value.failure.kind == "no_permission"


async def test_without_a_signer_nothing_is_sent(bed: Bed) -> None:
    key = bed.paper.key(bed.venue)
    account = bed.open(key)
    bed.signer.away = True
    with pytest.raises(VenueError) as caught:
        await account.place(command(f"bunsigned{bed.venue}", amount="0.001"), within_s=5)
    assert (caught.value.failure.kind, caught.value.failure.answer.sent) == ("signer_unavailable", False)
    assert bed.paper.requests(client_order_id=f"bunsigned{bed.venue}") == []


async def test_an_order_that_waited_too_long_is_not_sent(bed: Bed) -> None:
    account = bed.open(bed.paper.key(bed.venue))
    with pytest.raises(VenueError) as caught:
        await account.place(command(f"btoolate{bed.venue}", amount="0.001"), within_s=0.0)
    assert caught.value.failure.answer.sent is False
    assert bed.paper.requests(client_order_id=f"btoolate{bed.venue}") == []


async def test_no_failure_carries_a_signature_or_a_key(bed: Bed) -> None:
    key = bed.paper.key(bed.venue)
    account = bed.open(key)
    bed.paper.control("faults", action="answer", venue=bed.venue, path=".*", status=502, body="<html>", times=1)
    with pytest.raises(VenueError) as caught:
        await account.balances()
    error = caught.value
    assert error.__suppress_context__
    assert error.__cause__ is None
    assert key["api_key"] not in str(error) + repr(error.failure)
    assert "signature" not in str(error) + repr(error.failure)


async def test_a_paper_connector_leads_nowhere_else(bed: Bed) -> None:
    account = bed.open(bed.paper.key(bed.venue))

    def leaves(table: object) -> list[str]:
        if isinstance(table, dict):
            return [leaf for value in table.values() for leaf in leaves(value)]
        return [str(table)]

    addresses = leaves(account._exchange.urls["api"])  # type: ignore[attr-defined]  # ccxt's own table
    host = bed.paper.url.removeprefix("http://")
    assert addresses
    assert [address for address in addresses if f"//{host}/" not in address] == []
