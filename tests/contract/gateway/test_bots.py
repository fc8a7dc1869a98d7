"""Bots over HTTP: what is refused with which numbers, what becomes a command, what is shown."""

from decimal import Decimal
from typing import Any

import pytest
from backfuture_common.domain.ids import UserId
from backfuture_common.messages.bots import CreateBot, DeleteBot, Signal, StartBot, StopBot
from backfuture_common.messages.journal import CommandRefused

from tests.support.gateway import GatewayUnderTest
from tests.support.gateway_records import (
    BotStory,
    balances,
    connection_state,
    instrument,
    live_group,
    snapshot,
    spec,
    tick,
)

Headers = dict[str, str]
STRATEGY = {"base_order_quote": "60", "max_add_ons": 2, "step_percent": "5", "take_profit_percent": "1"}


class Bench:
    """A user with an online connection on a market with a price."""

    def __init__(self, gateway: GatewayUnderTest, owner: UserId, headers: Headers, connection: str) -> None:
        self.gateway = gateway
        self.owner = owner
        self.headers = headers
        self.connection = connection

    def body(self, **changed: Any) -> dict[str, Any]:
        full = {
            "name": "dips", "connection_id": self.connection, "symbols": ["BTC/USDT"], "strategy": STRATEGY,
            "margin_limit_quote": "600",
        }  # fmt: skip
        return {name: value for name, value in (full | changed).items() if value is not None}

    async def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return await self.gateway.client.post(path, json=body, headers={**self.headers, **headers})

    async def create(self, **changed: Any) -> dict[str, Any]:
        answer = await self.post("/bots", self.body(**changed))
        assert answer.status_code == 201, answer.text
        bot: dict[str, Any] = answer.json()
        return bot

    async def engine_has(self, bot: str, *, running: bool, seq: int = 1, **changed: Any) -> None:
        await self.gateway.tell(snapshot(spec(bot, self.owner, self.connection), seq=seq, running=running, **changed))

    async def status(self, bot: str) -> str:
        answer = await self.gateway.client.get(f"/bots/{bot}", headers=self.headers)
        status: str = answer.json()["status"]
        return status


@pytest.fixture
async def bench(gateway: GatewayUnderTest) -> Bench:
    owner = await gateway.add_user("ana")
    connection = await gateway.add_connection(owner)
    await gateway.tell(instrument(), instrument("ETH/USDT"), instrument("ETH/BTC"), tick("2999", "3000"))
    return Bench(gateway, owner, await gateway.log_in("ana"), connection)


async def test_a_new_bot_is_a_row_and_a_command_together(bench: Bench) -> None:
    bot = await bench.create()

    (command,) = await bench.gateway.commands()
    assert isinstance(command, CreateBot)
    assert command.spec.bot_id == bot["id"]
    assert command.spec.owner == bench.owner
    assert bot["status"] == "creating"
    assert bot["strategy"]["add_on_quote"] == "60"
    assert bot["group_limit_quote"] == "600"


async def test_a_bot_shows_what_is_asked_until_the_engine_confirms(bench: Bench) -> None:
    bot = (await bench.create())["id"]

    await bench.engine_has(bot, running=False)
    assert await bench.status(bot) == "stopped"
    await bench.post(f"/bots/{bot}/start")
    assert await bench.status(bot) == "starting"
    await bench.engine_has(bot, running=True, seq=2)
    assert await bench.status(bot) == "running"
    await bench.post(f"/bots/{bot}/stop")
    assert await bench.status(bot) == "stopping"
    await bench.engine_has(bot, running=False, seq=3, fault="a bug")
    assert await bench.status(bot) == "faulted"

    kinds = [type(command) for command in await bench.gateway.commands()]
    assert kinds == [CreateBot, StartBot, StopBot]


async def test_a_command_the_engine_refuses_is_shown_with_its_reason(bench: Bench) -> None:
    bot = (await bench.create())["id"]
    command = (await bench.gateway.commands())[0]
    assert isinstance(command, CreateBot)
    story = BotStory(command.spec)

    await bench.gateway.tell(story.record(CommandRefused(command_id=command.command_id, reason="too many bots")))

    shown = (await bench.gateway.client.get(f"/bots/{bot}", headers=bench.headers)).json()
    assert shown["status"] == "refused"
    assert shown["last_refusal"] == "too many bots"


async def test_an_unknown_symbol_is_refused_by_name(bench: Bench) -> None:
    await bench.gateway.tell(instrument("OLD/USDT", active=False))

    answer = await bench.post("/bots", bench.body(symbols=["BTC/USDT", "NOPE/USDT", "OLD/USDT"]))

    error = answer.json()["error"]
    assert answer.status_code == 422
    assert error["code"] == "bot.symbol_unknown"
    assert "NOPE/USDT, OLD/USDT" in error["message"]
    assert error["hint"]


async def test_symbols_of_two_quote_currencies_are_refused(bench: Bench) -> None:
    answer = await bench.post("/bots", bench.body(symbols=["BTC/USDT", "ETH/BTC"]))

    assert answer.json()["error"]["code"] == "bot.mixed_quotes"


@pytest.mark.parametrize(
    ("change", "code", "numbers"),
    [
        ({"margin_limit_quote": "179.99"}, "bot.ladder_above_limit", ("180", "179.99")),
        ({"max_active_groups": 4}, "bot.ladder_above_limit", ("180", "600 / 4", "150")),
        ({"group_limit_quote": "700"}, "bot.group_limit_above_margin", ("700", "600")),
        ({"strategy": {**STRATEGY, "step_percent": "50"}}, "bot.ladder_too_deep", ("100 %",)),
        ({"strategy": {**STRATEGY, "step_percent": "49.9"}}, None, ()),
        ({"strategy": {**STRATEGY, "add_on_quote": "0.5"}}, "bot.order_too_small", ("0.5 USDT", "below 1")),
        ({"strategy": {**STRATEGY, "volume_scale": "0.1"}}, None, ()),
    ],
)
async def test_limits_and_sizes_are_refused_with_their_numbers(
    bench: Bench, change: dict[str, Any], code: str | None, numbers: tuple[str, ...]
) -> None:
    answer = await bench.post("/bots", bench.body(**change))

    if code is None:
        assert answer.status_code == 201
        return
    error = answer.json()["error"]
    assert answer.status_code == 422
    assert error["code"] == code
    assert all(number in error["message"] for number in numbers), error["message"]


async def test_an_amount_below_the_smallest_is_refused_at_the_newest_price(bench: Bench) -> None:
    await bench.gateway.tell(instrument(amount_min=Decimal("0.03")))  # 60 USDT buy 0.02 at 3000

    error = (await bench.post("/bots", bench.body())).json()["error"]

    assert error["code"] == "bot.order_too_small"
    assert "0.02 BTC at 3000" in error["message"]
    assert "90 USDT" in error["hint"]


async def test_a_bot_needs_an_online_connection_of_its_owner(bench: Bench) -> None:
    await bench.gateway.tell(
        connection_state(bench.connection, bench.owner, status="attention", trade_allowed=False, code="IP_NOT_ALLOWED")
    )
    offline = await bench.post("/bots", bench.body())
    other = await bench.gateway.add_user("bob")
    somebody_elses = await bench.gateway.add_connection(other)
    foreign = await bench.post("/bots", bench.body(connection_id=somebody_elses))

    assert (offline.status_code, offline.json()["error"]["code"]) == (409, "connection.not_online")
    assert (foreign.status_code, foreign.json()["error"]["code"]) == (404, "connection.not_found")


async def test_what_is_left_out_without_a_preset_is_named(bench: Bench) -> None:
    error = (await bench.post("/bots", bench.body(strategy={"base_order_quote": "10"}))).json()["error"]

    assert error["code"] == "bot.incomplete"
    assert "strategy.max_add_ons" in error["message"]


async def test_a_preset_fills_in_everything_from_the_balance(bench: Bench) -> None:
    await bench.gateway.tell(balances(bench.connection, bench.owner, USDT="10000"))

    bot = await bench.create(preset="conservative", strategy=None, margin_limit_quote=None)

    assert bot["margin_limit_quote"] == "2000"
    assert bot["max_active_groups"] == 2
    assert bot["strategy"]["base_order_quote"] == "333.33"
    assert bot["strategy"]["take_profit_percent"] == "1"


async def test_a_preset_without_a_known_balance_says_so(bench: Bench) -> None:
    error = (await bench.post("/bots", bench.body(preset="balanced", margin_limit_quote=None))).json()["error"]

    assert error["code"] == "bot.balance_unknown"


async def test_the_preview_shows_every_step_and_all_problems(bench: Bench) -> None:
    body = bench.body(symbol="BTC/USDT", symbols=None, name=None, margin_limit_quote="100")

    answer = await bench.post("/bots/preview", body)

    table = answer.json()
    assert answer.status_code == 200
    assert table["price"] == "3000"
    assert table["price_from"] == "market"
    assert [step["price"] for step in table["steps"]] == ["3000", "2850", "2700"]
    assert [step["drawdown_percent"] for step in table["steps"]] == ["0", "5", "7.6316"]
    assert table["full_ladder_quote"] == "180"
    assert table["ladder_multiple"] == "3"
    assert [problem["code"] for problem in table["problems"]] == ["bot.ladder_above_limit"]
    assert any("no stop-loss" in warning for warning in table["warnings"])
    assert await bench.gateway.commands() == []


async def test_a_preview_without_a_price_asks_for_one(bench: Bench) -> None:
    body = bench.body(symbol="ETH/USDT", symbols=None, name=None)

    unknown = await bench.post("/bots/preview", body)
    given = await bench.post("/bots/preview", {**body, "price": "2000"})

    assert unknown.json()["error"]["code"] == "bot.price_unknown"
    assert given.json()["price_from"] == "request"


async def test_the_same_key_and_body_make_one_bot(bench: Bench) -> None:
    first = await bench.post("/bots", bench.body(), **{"Idempotency-Key": "key-00001"})
    again = await bench.post("/bots", bench.body(), **{"Idempotency-Key": "key-00001"})
    other = await bench.post("/bots", bench.body(name="other"), **{"Idempotency-Key": "key-00001"})

    assert first.status_code == again.status_code == 201
    assert first.json() == again.json()
    assert again.headers["Idempotency-Replayed"] == "true"
    assert (other.status_code, other.json()["error"]["code"]) == (409, "request.key_reused")
    assert len(await bench.gateway.commands()) == 1


async def test_a_refused_request_may_be_tried_again_under_its_key(bench: Bench) -> None:
    await bench.post("/bots", bench.body(margin_limit_quote="1"), **{"Idempotency-Key": "key-00002"})

    answer = await bench.post("/bots", bench.body(), **{"Idempotency-Key": "key-00002"})

    assert answer.status_code == 201


async def test_two_bots_of_one_name_are_refused(bench: Bench) -> None:
    await bench.create()

    assert (await bench.post("/bots", bench.body())).json()["error"]["code"] == "bot.name_taken"


async def test_a_running_bot_and_one_with_groups_are_not_deleted(bench: Bench) -> None:
    bot = (await bench.create())["id"]

    await bench.engine_has(bot, running=True)
    running = await bench.gateway.client.delete(f"/bots/{bot}", headers=bench.headers)
    await bench.engine_has(bot, running=False, seq=2, groups=(live_group(f"{bot}-g1"),))
    with_group = await bench.gateway.client.delete(f"/bots/{bot}", headers=bench.headers)
    await bench.engine_has(bot, running=False, seq=3)
    stopped = await bench.gateway.client.delete(f"/bots/{bot}", headers=bench.headers)

    assert running.json()["error"]["code"] == "bot.running"
    assert with_group.json()["error"]["code"] == "bot.has_groups"
    assert stopped.json()["status"] == "deleting"
    assert isinstance((await bench.gateway.commands())[-1], DeleteBot)

    await bench.engine_has(bot, running=False, seq=4, deleted=True)
    assert (await bench.gateway.client.get("/bots", headers=bench.headers)).json() == []
    await bench.create()  # its name is free again


async def test_somebody_elses_bot_does_not_exist(bench: Bench) -> None:
    bot = (await bench.create())["id"]
    await bench.gateway.add_user("bob", "admin")
    bob = await bench.gateway.log_in("bob")

    for method, path in (
        ("GET", ""), ("DELETE", ""), ("POST", "/start"), ("POST", "/stop"), ("GET", "/journal"),
    ):  # fmt: skip
        answer = await bench.gateway.client.request(method, f"/bots/{bot}{path}", headers=bob)
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "bot.not_found")
    assert (await bench.gateway.client.get("/bots", headers=bob)).json() == []


async def test_a_signal_is_handed_to_the_engine(bench: Bench) -> None:
    bot = (await bench.create())["id"]

    answer = await bench.post(f"/bots/{bot}/signals", {"symbol": "BTC/USDT", "intent": "entry", "id": "tv-1"})

    signal = (await bench.gateway.commands())[-1]
    assert answer.status_code == 202
    assert isinstance(signal, Signal)
    assert (signal.signal_id, signal.symbol, signal.intent) == ("tv-1", "BTC/USDT", "entry")
