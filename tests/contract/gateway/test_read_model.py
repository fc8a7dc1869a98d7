"""What the topics tell, as users read it: groups, orders, decisions, journal, balances, prices."""

import itertools
from decimal import Decimal
from typing import Any

import pytest
from backfuture_common.domain.ids import UserId
from backfuture_common.messages import journal
from backfuture_common.messages.codec import Message
from backfuture_common.messages.orders import NO_FILLS
from backfuture_gateway.db.migrate import forget_read_model
from backfuture_gateway.db.tables import BotRow

from tests.support.gateway import GatewayUnderTest
from tests.support.gateway_records import (
    BotStory,
    balances,
    fills,
    instrument,
    live_group,
    snapshot,
    spec,
    tick,
)

Headers = dict[str, str]
GROUP = "bot_1-g1"


@pytest.fixture
async def owner(gateway: GatewayUnderTest) -> UserId:
    owner = await gateway.add_user("eve")
    connection = await gateway.add_connection(owner)
    async with gateway.gateway.db.write() as session:
        session.add(
            BotRow(
                id="bot_1", owner_id=owner, name="dips", connection_id=connection, spec={}, preset=None,
                wanted="running", wanted_ms=1, created_ms=1, command_id="cmd_1",
            )
        )  # fmt: skip
    await gateway.tell(instrument())
    return owner


@pytest.fixture
async def eve(gateway: GatewayUnderTest, owner: UserId) -> Headers:
    return await gateway.log_in("eve")


def _whole_story(owner: str) -> tuple[list[Message], list[Message], list[Message]]:
    """Return a group's life: the journal, the connector's news, the engine's snapshots. 60 bought, 61.2 sold."""
    story = BotStory(spec("bot_1", owner, "con_1"))
    entry = story.order("b1", GROUP)
    exit_ = story.order("b2", GROUP, leg="exit", price="3060")
    bought, sold = fills("0.02", "3000", "0.06"), fills("0.02", "3060", "0.0612")
    records: list[Message] = [
        story.record(story.decided(1, "OPEN"), story.opened(GROUP), journal.OrderIntended(command=entry, zone=0)),
        story.record(story.progressed(entry, "filled", bought, at=10)),
        story.record(story.decided(2, "EXIT", GROUP, "TAKE_PROFIT"), journal.OrderIntended(command=exit_, zone=0)),
        story.record(story.progressed(exit_, "filled", sold, at=20), story.closed(GROUP, "1.0788")),
    ]
    news: list[Message] = [
        story.update(entry, "submitting", NO_FILLS, at=5),
        story.update(entry, "filled", bought, at=10),
        story.update(exit_, "filled", sold, at=20),
    ]
    snapshots: list[Message] = [
        snapshot(story.spec, seq=1, groups=(live_group(GROUP, status="entry_pending", bought_amount=Decimal(0)),)),
        snapshot(story.spec, seq=2, groups=(live_group(GROUP, fees_quote=Decimal("0.06")),)),
        snapshot(story.spec, seq=4, groups_closed=1, realised_quote=Decimal("1.0788")),
    ]
    return records, news, snapshots


async def _read(gateway: GatewayUnderTest, eve: Headers) -> dict[str, Any]:
    paths = {"groups": "/groups", "group": f"/groups/{GROUP}", "orders": "/orders", "decisions": "/decisions"}
    return {name: (await gateway.client.get(path, headers=eve)).json() for name, path in paths.items()}


async def test_a_closed_group_has_its_result_and_its_orders(
    gateway: GatewayUnderTest, owner: UserId, eve: Headers
) -> None:
    await gateway.tell(*itertools.chain(*_whole_story(owner)))

    read = await _read(gateway, eve)

    group = read["group"]
    assert (group["status"], group["close_reason"], group["realised_quote"]) == ("closed", "take_profit", "1.0788")
    assert (group["bought_cost"], group["sold_proceeds"], group["fees_quote"]) == ("60", "61.2", "0.1212")
    assert group["average"] == "3000"
    assert [(order["leg"], order["status"], order["average_price"]) for order in group["orders"]] == [
        ("entry", "filled", "3000"),
        ("exit", "filled", "3060"),
    ]
    assert [decision["verdict"] for decision in read["decisions"]["items"]] == ["EXIT", "OPEN"]
    assert read["orders"]["items"][0]["exchange_order_id"] == "x-b2"


async def test_topics_may_arrive_in_any_order_among_each_other(
    gateway: GatewayUnderTest, owner: UserId, eve: Headers
) -> None:
    told = []
    for topics in itertools.permutations(_whole_story(owner)):
        await forget_read_model(gateway.gateway.db)
        await gateway.tell(instrument(), *itertools.chain(*topics))
        told.append(await _read(gateway, eve))

    assert all(read == told[0] for read in told)
    assert told[0]["group"]["realised_quote"] == "1.0788"


async def test_told_twice_is_told_once(gateway: GatewayUnderTest, owner: UserId, eve: Headers) -> None:
    messages = list(itertools.chain(*_whole_story(owner)))
    await gateway.tell(*messages)
    once = await _read(gateway, eve)

    await gateway.tell(*messages)

    assert await _read(gateway, eve) == once


async def test_a_live_group_shows_what_the_price_means(gateway: GatewayUnderTest, owner: UserId, eve: Headers) -> None:
    await gateway.tell(
        snapshot(spec("bot_1", owner, "con_1"), seq=1, groups=(live_group(GROUP),)), tick("2900", "2901")
    )

    group = (await gateway.client.get(f"/groups/{GROUP}", headers=eve)).json()

    assert group["price"] == "2900"
    assert group["drawdown_percent"] == "3.3333"
    assert group["to_target_percent"] == "4.6917"
    assert group["unrealised_quote"] == "-2.058"  # 0.02 * 2900 * 0.999 - 60
    assert group["next_add_on_price"] == "2850"
    assert group["average_after_add_on"] == "2923.0769230769"


async def test_groups_are_listed_by_state(gateway: GatewayUnderTest, owner: UserId, eve: Headers) -> None:
    await gateway.tell(*itertools.chain(*_whole_story(owner)))
    await gateway.tell(snapshot(spec("bot_1", owner, "con_1"), seq=5, groups=(live_group("bot_1-g2"),)))

    async def ids(state: str) -> list[str]:
        page = await gateway.client.get("/groups", params={"state": state}, headers=eve)
        return [group["id"] for group in page.json()["items"]]

    assert await ids("open") == ["bot_1-g2"]
    assert await ids("closed") == [GROUP]
    assert set(await ids("all")) == {GROUP, "bot_1-g2"}


async def test_a_long_list_is_read_page_by_page_without_gap(
    gateway: GatewayUnderTest, owner: UserId, eve: Headers
) -> None:
    story = BotStory(spec("bot_1", owner, "con_1"))
    await gateway.tell(*(story.record(story.decided(n // 2, "BLOCK", None, "COOLDOWN")) for n in range(46)))

    seen: list[str] = []
    cursor: str | None = None
    while True:
        params = {"limit": "5"} | ({"cursor": cursor} if cursor else {})
        page = (await gateway.client.get("/decisions", params=params, headers=eve)).json()
        seen += [decision["decision_id"] for decision in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break

    assert len(seen) == len(set(seen)) == 23


async def test_the_journal_tells_inputs_and_facts_newest_first(
    gateway: GatewayUnderTest, owner: UserId, eve: Headers
) -> None:
    await gateway.tell(*itertools.chain(*_whole_story(owner)))

    newest = (await gateway.client.get("/bots/bot_1/journal", params={"limit": 2}, headers=eve)).json()
    older = (await gateway.client.get("/bots/bot_1/journal", params={"before_seq": 3}, headers=eve)).json()

    assert [entry["seq"] for entry in newest] == [4, 3]
    assert [entry["seq"] for entry in older] == [2, 1]
    assert newest[0]["event"] == {"kind": "timer"}
    assert [fact["fact"] for fact in older[1]["facts"]] == ["decided", "group_opened", "order_intended"]


async def test_closing_a_group_is_a_command_unless_it_has_ended(
    gateway: GatewayUnderTest, owner: UserId, eve: Headers
) -> None:
    await gateway.tell(snapshot(spec("bot_1", owner, "con_1"), seq=1, groups=(live_group(GROUP),)))
    live = await gateway.client.post(f"/groups/{GROUP}/close", headers=eve)
    records, _, _ = _whole_story(owner)
    await gateway.tell(*records)
    ended = await gateway.client.post(f"/groups/{GROUP}/close", headers=eve)

    assert live.status_code == 202
    assert [type(command).__name__ for command in await gateway.commands()] == ["CloseGroup"]
    assert (ended.status_code, ended.json()["error"]["code"]) == (409, "group.closed")


async def test_balances_are_exact_and_replaced_as_a_whole(
    gateway: GatewayUnderTest, owner: UserId, eve: Headers
) -> None:
    connection = (await gateway.client.get("/connections", headers=eve)).json()[0]["id"]
    await gateway.tell(balances(connection, owner, USDT="1234.567890123456789", BTC="0.00000001"))
    first = (await gateway.client.get("/balances", headers=eve)).json()
    await gateway.tell(balances(connection, owner, USDT="1"))
    second = (await gateway.client.get("/balances", headers=eve)).json()

    assert {row["currency"]: row["free"] for row in first} == {"USDT": "1234.567890123456789", "BTC": "0.00000001"}
    assert {row["currency"]: row["free"] for row in second} == {"USDT": "1"}


async def test_exchanges_instruments_and_prices(gateway: GatewayUnderTest, owner: UserId, eve: Headers) -> None:
    await gateway.tell(tick("2999.5", "3000.5"))

    exchanges = (await gateway.client.get("/exchanges", headers=eve)).json()
    instruments = (await gateway.client.get("/exchanges/paper-mexc/instruments", headers=eve)).json()
    prices = (await gateway.client.get("/prices", headers=eve)).json()
    none = (await gateway.client.get("/prices", params={"exchange": "paper-kucoin"}, headers=eve)).json()

    assert [(one["id"], one["needs_passphrase"], one["instruments"]) for one in exchanges] == [
        ("paper-kucoin", True, 0),
        ("paper-mexc", False, 1),
    ]
    assert instruments[0]["amount_step"] == "0.000001"
    assert (prices[0]["bid"], prices[0]["ask"]) == ("2999.5", "3000.5")
    assert none == []


async def test_another_user_sees_nothing_of_it(gateway: GatewayUnderTest, owner: UserId, eve: Headers) -> None:
    await gateway.tell(*itertools.chain(*_whole_story(owner)))
    await gateway.add_user("bob", "admin")
    bob = await gateway.log_in("bob")

    for path in ("/groups", "/orders", "/decisions"):
        assert (await gateway.client.get(path, headers=bob)).json()["items"] == []
    assert (await gateway.client.get(f"/groups/{GROUP}", headers=bob)).status_code == 404
    assert (await gateway.client.get("/bots/bot_1/journal", headers=bob)).status_code == 404
    assert (await gateway.client.get("/balances", headers=bob)).json() == []


async def test_an_order_and_its_decision_are_explained_in_words(
    gateway: GatewayUnderTest, owner: UserId, eve: Headers
) -> None:
    story = BotStory(spec("bot_1", owner, "con_1"))
    order = story.order("ord1", "bot_1-g1")
    refused = story.decided(2, "BLOCK", "bot_1-g1", "ZONE_USED", "TOO_CLOSE")
    await gateway.tell(
        story.record(story.decided(1), story.opened("bot_1-g1"), journal.OrderIntended(command=order, zone=0)),
        story.record(refused),
    )

    by_order = (await gateway.client.get("/explain/ord1", headers=eve)).json()
    by_decision = (await gateway.client.get("/explain/bot_1-d2", headers=eve)).json()

    assert by_order["decision"]["decision_id"] == "bot_1-d1"
    assert [one["client_order_id"] for one in by_order["orders"]] == ["ord1"]
    assert [one["code"] for one in by_decision["reasons"]] == ["ZONE_USED", "TOO_CLOSE"]
    assert by_decision["reasons"][0] == {
        "code": "ZONE_USED", "stage": "context", "words": "this zone has had its add-on",
    }  # fmt: skip
    assert "this zone has had its add-on; the price is too close" in by_decision["decision"]["words"]
    assert (await gateway.client.get("/decisions/bot_1-d2", headers=eve)).json() == by_decision["decision"]
    assert (await gateway.client.get("/orders/ord1", headers=eve)).json() == by_order["orders"][0]


async def test_what_is_somebody_elses_is_not_explained(gateway: GatewayUnderTest, owner: UserId) -> None:
    story = BotStory(spec("bot_1", owner, "con_1"))
    order = story.order("ord1", "bot_1-g1")
    await gateway.tell(story.record(story.decided(1), journal.OrderIntended(command=order, zone=0)))
    await gateway.add_user("bob")
    bob = await gateway.log_in("bob")

    for path in ("/explain/ord1", "/explain/bot_1-d1", "/decisions/bot_1-d1", "/orders/ord1"):
        assert (await gateway.client.get(path, headers=bob)).status_code == 404
