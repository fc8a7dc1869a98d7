"""Orders from command to end at a real (paper) exchange that fails on purpose: placed once, and their end found out."""

import asyncio
from decimal import Decimal

import pytest
from backfuture_common.messages.orders import LedgerEntry, PlaceOrder
from backfuture_connector.adapters.ccxt_venue import CcxtAccount
from backfuture_connector.core.recovery import Rules
from backfuture_connector.shell.orders import Place

from tests.contract.connector.conftest import Bed, Desk, OpenDesk
from tests.support.paper import Credentials
from tests.unit.connector.build import BTC, command, connection

QUICK = Rules(grace_ms=1_500, ask_every_ms=200, rest_patience_ms=300, give_up_ms=20_000)
"""Shorter than the venues' time window: the paper exchange delivers at once or not at all."""

ORDER_PATH = {"kucoin": "/api/v1/hf/orders$", "mexc": "/api/v3/order$"}
QUESTIONS = {"kucoin": "/api/v1/hf/(orders|fills)", "mexc": "/api/v3/(order|openOrders|myTrades)"}
DENIAL = {
    "kucoin": (200, '{"code":"200000","data":null}'),
    "mexc": (400, '{"code":-2013,"msg":"Order does not exist."}'),
}
NOTHING = {"kucoin": '{"code":"200000","data":[]}', "mexc": "[]"}


def order_of(bed: Bed, name: str, *, price: str = "60001", amount: str = "0.01", life_ms: int = 30_000) -> PlaceOrder:
    return command(
        f"b{name}{bed.venue}",
        exchange=bed.exchange,
        amount=amount,
        price=price,
        issued_ms=bed.clock.now_ms(),
        life_ms=life_ms,
    )


async def run(bed: Bed, desk: Desk, account: CcxtAccount, order: PlaceOrder) -> LedgerEntry:
    market = bed.instruments[BTC]
    await desk.desk.place(order, Place(connection=connection(exchange=bed.exchange), venue=account, instrument=market))
    entry = desk.ledger.get(order.client_order_id)
    assert entry is not None
    return entry


def sendings(bed: Bed, order: PlaceOrder) -> int:
    return len(bed.paper.requests(client_order_id=order.client_order_id, method="POST"))


def placed(bed: Bed, key: Credentials, order: PlaceOrder) -> int:
    books = bed.paper.account(key)["orders"]
    return sum(one["request"]["client_id"] == order.client_order_id for one in books)


async def test_an_order_is_filled_with_exact_cost_and_fees(bed: Bed, open_desk: OpenDesk) -> None:
    key = bed.paper.key(bed.venue)
    bed.price()
    order = order_of(bed, "plain")
    entry = await run(bed, open_desk(QUICK), bed.open(key), order)
    fills = entry.update.fills
    assert (entry.update.status, fills.amount, fills.cost) == ("filled", Decimal("0.01"), Decimal("600.01"))
    totals = bed.paper.totals(key)
    assert totals["BTC"] == fills.amount - fills.fee_base
    assert totals["USDT"] == Decimal(10_000) - fills.cost - fills.fee_quote
    assert (sendings(bed, order), placed(bed, key, order)) == (1, 1)


async def test_an_order_that_meets_no_price_ends_canceled(bed: Bed, open_desk: OpenDesk) -> None:
    key = bed.paper.key(bed.venue)
    bed.price()
    entry = await run(bed, open_desk(QUICK), bed.open(key), order_of(bed, "nomatch", price="50000"))
    assert (entry.update.status, entry.update.fills.amount) == ("canceled", Decimal(0))
    assert entry.update.error is None


async def test_an_order_without_the_money_is_rejected(bed: Bed, open_desk: OpenDesk) -> None:
    key = bed.paper.key(bed.venue, balances={"USDT": "1"})
    bed.price()
    entry = await run(bed, open_desk(QUICK), bed.open(key), order_of(bed, "poor"))
    assert entry.update.status == "rejected"
    assert entry.update.error is not None
    assert entry.update.error.code == "order.insufficient_funds"


@pytest.mark.parametrize(
    "fault",
    [
        {"action": "cut", "when": "after"},
        {"action": "delay", "when": "after", "delay_ms": 3_000},
        {"action": "answer", "when": "after", "status": 502, "body": "<html>", "content_type": "text/html"},
        {"action": "answer", "when": "after", "status": 503, "body": '{"message":"no code"}'},
        {"action": "answer", "when": "after", "status": 200, "body": "not json at all"},
    ],
    ids=["cut", "time-out", "502 page", "503 json", "garbage"],
)
async def test_an_order_accepted_without_a_proper_answer_is_found_and_not_doubled(
    bed: Bed, open_desk: OpenDesk, fault: dict[str, object], request: pytest.FixtureRequest
) -> None:
    key = bed.paper.key(bed.venue)
    bed.price()
    order = order_of(bed, "acc" + "".join(c for c in request.node.callspec.id if c.isalnum()))
    bed.paper.control("faults", venue=bed.venue, method="POST", path=ORDER_PATH[bed.venue], **fault)
    entry = await run(bed, open_desk(QUICK), bed.open(key), order)
    assert (entry.update.status, entry.update.fills.amount) == ("filled", Decimal("0.01"))
    assert (sendings(bed, order), placed(bed, key, order)) == (1, 1)


async def test_an_order_lost_on_its_way_is_sent_again_under_the_same_id(bed: Bed, open_desk: OpenDesk) -> None:
    key = bed.paper.key(bed.venue)
    bed.price()
    order = order_of(bed, "lost")
    bed.paper.control("faults", action="cut", when="before", venue=bed.venue, method="POST", path=ORDER_PATH[bed.venue])
    entry = await run(bed, open_desk(QUICK), bed.open(key), order)
    assert entry.update.status == "filled"
    assert (sendings(bed, order), placed(bed, key, order)) == (2, 1)


async def test_an_order_lost_on_its_way_that_expires_meanwhile_is_not_sent_again(bed: Bed, open_desk: OpenDesk) -> None:
    key = bed.paper.key(bed.venue)
    bed.price()
    order = order_of(bed, "lostold", life_ms=1_000)
    bed.paper.control("faults", action="cut", when="before", venue=bed.venue, method="POST", path=ORDER_PATH[bed.venue])
    entry = await run(bed, open_desk(QUICK), bed.open(key), order)
    assert entry.update.status == "expired"
    assert (sendings(bed, order), placed(bed, key, order)) == (1, 0)


async def test_an_order_the_exchange_does_not_show_yet_is_waited_for(bed: Bed, open_desk: OpenDesk) -> None:
    key = bed.paper.key(bed.venue)
    bed.price()
    order = order_of(bed, "hidden")
    bed.paper.control("faults", action="cut", when="after", venue=bed.venue, method="POST", path=ORDER_PATH[bed.venue])
    status, body = DENIAL[bed.venue]
    by_id = {"kucoin": "/api/v1/hf/orders/client-order", "mexc": "/api/v3/order$"}[bed.venue]
    lists = {"kucoin": "/api/v1/hf/(orders/active|fills)", "mexc": "/api/v3/(openOrders|myTrades)"}[bed.venue]
    hide = {"action": "answer", "when": "before", "venue": bed.venue, "method": "GET"}
    bed.paper.control("faults", **hide, path=by_id, status=status, body=body, times=4)
    empty = '{"code":"200000","data":{"items":[]}}' if bed.venue == "kucoin" else "[]"
    bed.paper.control("faults", **hide, path=lists, status=200, body=empty, times=8)
    patient = Rules(grace_ms=5_000, ask_every_ms=200, give_up_ms=20_000)
    entry = await run(bed, open_desk(patient), bed.open(key), order)
    assert entry.update.status == "filled"
    assert (sendings(bed, order), placed(bed, key, order)) == (1, 1)


async def test_an_exchange_that_cannot_be_asked_leaves_the_order_to_a_person_and_heals_later(
    bed: Bed, open_desk: OpenDesk
) -> None:
    key = bed.paper.key(bed.venue)
    bed.price()
    order = order_of(bed, "silent")
    account, desk = bed.open(key), open_desk(Rules(grace_ms=500, ask_every_ms=200, give_up_ms=1_500))
    bed.paper.control("faults", action="cut", when="after", venue=bed.venue, method="POST", path=ORDER_PATH[bed.venue])
    bed.paper.control("faults", action="cut", venue=bed.venue, method="GET", path=QUESTIONS[bed.venue], times=None)
    running = asyncio.ensure_future(run(bed, desk, account, order))
    for _ in range(100):
        await asyncio.sleep(0.1)
        entry = desk.ledger.get(order.client_order_id)
        if entry is not None and entry.update.status == "needs_operator":
            break
    else:
        raise AssertionError("nobody was asked")
    bed.paper.clear_faults()
    entry = await running
    assert (entry.update.status, placed(bed, key, order), sendings(bed, order)) == ("filled", 1, 1)


async def test_an_immediate_order_that_the_exchange_leaves_resting_is_cancelled(bed: Bed, open_desk: OpenDesk) -> None:
    key = bed.paper.key(bed.venue)
    bed.price()
    account, desk = bed.open(key), open_desk(QUICK)
    order = order_of(bed, "rests", price="50000")
    exchange = account._exchange
    create = exchange.create_order

    async def as_ordinary_limit_order(*given: object) -> object:  # what MEXC is reported to make of it
        symbol, kind, side, amount, price, params = given
        kept = {"clientOrderId": params["clientOrderId"]}  # type: ignore[index]  # a mapping
        return await create(symbol, kind, side, amount, price, kept)  # type: ignore[arg-type]  # as they came

    exchange.create_order = as_ordinary_limit_order  # type: ignore[method-assign, assignment]  # the venue's fault
    entry = await run(bed, desk, account, order)
    assert (entry.update.status, entry.update.fills.amount) == ("canceled", Decimal(0))
    assert entry.update.exchange_order_id is not None
    assert await account.open_orders(BTC) == ()


async def test_a_command_delivered_twice_is_sent_once_and_answered_twice(bed: Bed, open_desk: OpenDesk) -> None:
    key = bed.paper.key(bed.venue)
    bed.price()
    account, desk, order = bed.open(key), open_desk(QUICK), order_of(bed, "twice")
    first = await run(bed, desk, account, order)
    again = await run(bed, desk, account, order)
    assert first == again
    assert sendings(bed, order) == 1
