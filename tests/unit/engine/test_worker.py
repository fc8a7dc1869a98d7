"""A partition's worker: what wakes bots, what lets them sleep, and what goes into its transactions."""

from backfuture_common.domain.ids import BotId, CommandId, ConnectionId, ExchangeId, UserId
from backfuture_common.messages.bots import BotSnapshot, Checkpoint, CloseGroup, DeleteBot, StopBot, UpdateBot
from backfuture_common.messages.journal import BotFaulted, Decided, JournalRecord
from backfuture_common.messages.market import Subscription, market_key
from backfuture_common.messages.orders import PlaceOrder
from backfuture_common.topics import BOT_COMMANDS, BOT_JOURNAL, BOT_STATE, ORDER_EVENTS
from backfuture_engine.core.replay import fold, replay
from backfuture_engine.shell.worker import Restored
from backfuture_engine.shell.world import context
from msgspec.structs import replace

from tests.unit.engine.build import (
    BOT,
    BTC,
    CONNECTION,
    ETH,
    EXCHANGE,
    OWNER,
    START_MS,
    D,
    fills,
    instrument,
    spec,
    strategy,
    update,
)
from tests.unit.engine.world import FakeWorld, Theatre, connection_state, money


def bots(count: int) -> list[BotId]:
    return [BotId(f"bot_{number:03d}") for number in range(count)]


def test_a_decision_leaves_as_one_transaction_of_journal_state_order_and_checkpoint() -> None:
    theatre = Theatre()
    theatre.start(spec())
    theatre.commit()
    theatre.see(3000)
    records = theatre.worker.take(theatre.world.now_ms).records
    kinds = [type(record.value) for record in records]
    assert kinds == [JournalRecord, BotSnapshot, PlaceOrder, Checkpoint]
    journal, snapshot, order, checkpoint = records
    assert (journal.topic, journal.partition, journal.key) == (BOT_JOURNAL, 1, BOT)
    assert (snapshot.topic, snapshot.partition, snapshot.key) == (BOT_STATE, 1, BOT)
    assert (order.topic.name, order.partition, order.key) == (f"order.commands.{EXCHANGE}", None, CONNECTION)
    assert isinstance(checkpoint.value, Checkpoint)
    assert dict(checkpoint.value.positions) == {BOT_COMMANDS.name: 2, ORDER_EVENTS.name: 0}
    assert checkpoint.value.epoch == 7


def test_the_journal_says_what_caused_each_record() -> None:
    theatre = Theatre()
    theatre.start(spec())
    theatre.see(3000)
    causes = [(r.cause.topic, r.cause.offset) for r in theatre.journal() if r.cause is not None]
    assert causes == [(BOT_COMMANDS.name, 0), (BOT_COMMANDS.name, 1), ("market.ticks", 1)]


def test_a_price_that_wakes_nobody_leaves_nothing_to_commit() -> None:
    theatre = Theatre()
    theatre.start(spec())
    theatre.see(3000)
    theatre.answer(theatre.orders())
    theatre.commit()
    theatre.see(2990)
    assert not theatre.worker.urgent
    assert not theatre.worker.moved


def test_a_bot_that_cannot_act_is_asked_less_and_less_often() -> None:
    theatre = Theatre()
    theatre.world.money[CONNECTION] = money(1)
    theatre.start(spec())
    theatre.see(3000)
    assert [type(f) for f in theatre.journal()[-1].facts] == [Decided]
    theatre.see(3001)
    assert theatre.worker.uncommitted == 0
    theatre.world.money[CONNECTION] = money(9_999)  # nobody says so, but time passes
    theatre.pass_time(999)
    assert theatre.orders() == []
    theatre.pass_time(1)
    assert len(theatre.orders()) == 1


def test_news_of_its_connection_or_market_wakes_a_sleeping_bot_at_once() -> None:
    theatre = Theatre()
    del theatre.world.instruments[market_key(EXCHANGE, ETH)]
    theatre.world.connections[CONNECTION] = connection_state(online=False)
    theatre.start(spec())
    theatre.see(3000)
    theatre.commit()
    theatre.world.instruments[market_key(EXCHANGE, ETH)] = instrument()
    theatre.worker.on_change(theatre.world.now_ms, market=market_key(EXCHANGE, ETH))
    theatre.turns()
    assert theatre.worker.bots[BOT].last_blocks == ((ETH, ("CONN_OFFLINE",)),)
    theatre.commit()
    theatre.world.connections[CONNECTION] = connection_state()
    theatre.worker.on_change(theatre.world.now_ms, connection=ConnectionId("con_other"))
    theatre.turns()
    assert theatre.orders() == []
    theatre.worker.on_change(theatre.world.now_ms, connection=CONNECTION)
    theatre.turns()
    assert len(theatre.orders()) == 1


def test_a_bot_started_after_the_price_was_seen_does_not_wait_for_the_next_one() -> None:
    theatre = Theatre()
    theatre.see(3000)
    theatre.start(spec())
    theatre.turns()
    assert len(theatre.orders()) == 1


def test_a_group_closed_by_hand_is_sold_at_the_price_known() -> None:
    theatre = Theatre()
    theatre.start(spec())
    theatre.see(3000)
    (entry,) = theatre.orders()
    theatre.answer([entry])
    close = CloseGroup(command_id=CommandId("x"), owner=OWNER, bot_id=BOT, group_id=entry.group_id, at_ms=0)
    theatre.command(close)
    theatre.turns()
    assert [order.leg for order in theatre.orders()] == ["exit"]


def test_a_rest_is_waited_for_without_any_new_price() -> None:
    theatre = Theatre()
    theatre.start(spec())
    theatre.see(3000)
    theatre.answer(theatre.orders(), "canceled")
    theatre.commit()
    theatre.pass_time(4_999)
    assert theatre.orders() == []
    theatre.pass_time(1)
    assert len(theatre.orders()) == 1


def test_money_on_its_way_is_not_spent_twice_by_bots_of_one_connection() -> None:
    theatre = Theatre()
    theatre.world.money[CONNECTION] = money(500)
    first, second = bots(2)
    theatre.start(spec(bot_id=first), spec(bot_id=second))
    theatre.see(3000)
    (order,) = theatre.orders()
    assert order.bot_id == first
    assert theatre.worker.bots[second].last_blocks == ((ETH, ("BALANCE",)),)
    theatre.answer([order], "canceled")
    theatre.world.now_ms += 1_000
    theatre.pass_time(0)
    assert [order.bot_id for order in theatre.orders()] == [second]


def test_a_fault_of_one_bot_leaves_the_others_alone() -> None:
    theatre = Theatre()
    first, second = bots(2)
    theatre.start(spec(bot_id=first), spec(bot_id=second))
    theatre.see(3000)
    one, other = theatre.orders()
    theatre.news(update(one, "filled", fills(one.amount * 2, D(3000))))
    theatre.answer([other])
    assert theatre.worker.bots[first].fault is not None
    assert theatre.worker.bots[second].groups[0].status == "active"
    assert [type(fact) for record in theatre.journal() for fact in record.facts if record.bot_id == first] == [
        BotFaulted
    ]


def test_news_of_unknown_bots_only_moves_the_position() -> None:
    theatre = Theatre()
    theatre.start(spec())
    theatre.see(3000)
    (order,) = theatre.orders()
    theatre.news(replace(update(order, "filled"), bot_id=BotId("bot_gone")))
    assert not theatre.worker.urgent
    assert theatre.worker.moved
    checkpoint = theatre.worker.take(START_MS).records[-1].value
    assert isinstance(checkpoint, Checkpoint)
    assert dict(checkpoint.positions)[ORDER_EVENTS.name] == 1
    assert not theatre.worker.moved


def test_a_large_backlog_leaves_in_several_transactions_each_with_its_own_checkpoint() -> None:
    theatre = Theatre()
    names = bots(400)
    theatre.start(*(spec(bot_id=name, connection_id=ConnectionId(name)) for name in names))
    batches = []
    while theatre.worker.urgent:
        batches.append(theatre.worker.take(theatre.world.now_ms))
    assert [batch.positions[BOT_COMMANDS.name] for batch in batches] == [500, 800]
    sizes = [sum(isinstance(record.value, JournalRecord) for record in batch.records) for batch in batches]
    assert sizes == [500, 300]


def test_each_transaction_holds_states_as_of_its_own_steps() -> None:
    theatre = Theatre()
    theatre.start(*(spec(bot_id=name) for name in bots(300)))  # 600 steps: the 251st bot is created and started apart
    first = theatre.worker.take(theatre.world.now_ms)
    records = [r.value for r in first.records if isinstance(r.value, JournalRecord)]
    states = {r.value.state.spec.bot_id: r.value.state for r in first.records if isinstance(r.value, BotSnapshot)}
    for bot, state in states.items():
        assert fold(record for record in records if record.bot_id == bot) == state


def test_one_turn_deals_with_a_bounded_number_of_bots() -> None:
    theatre = Theatre()
    theatre.start(*(spec(bot_id=name) for name in bots(30)))
    theatre.commit()
    market = market_key(EXCHANGE, ETH)
    theatre._show(market, ETH, D(3000), D(3000))
    theatre.worker.on_price(market, D(3000), D(3000))
    turns = 0
    while theatre.worker.turn(theatre.world.now_ms, limit=7):
        turns += 1
    assert turns == 4
    assert len(theatre.orders()) == 30


class TestTakeOver:
    def committed(self) -> tuple[Theatre, Restored, list[PlaceOrder]]:
        """A worker that dies with an order unanswered, and what the next one finds."""
        theatre = Theatre()
        theatre.start(spec())
        theatre.see(3000)
        batch = theatre.worker.take(theatre.world.now_ms)
        states = tuple(r.value.state for r in batch.records if isinstance(r.value, BotSnapshot))
        orders = [r.value for r in batch.records if isinstance(r.value, PlaceOrder)]
        wanted = frozenset({(EXCHANGE, ETH), (EXCHANGE, BTC)})
        return theatre, Restored(states, batch.positions, wanted), orders

    def test_unanswered_orders_are_sent_again_unchanged(self) -> None:
        _, restored, orders = self.committed()
        heir = Theatre(restored)
        assert heir.orders() == orders
        assert heir.orders() == []

    def test_answered_orders_are_not(self) -> None:
        theatre, _, orders = self.committed()
        theatre.answer(orders)
        batch = theatre.worker.take(theatre.world.now_ms)
        states = tuple(r.value.state for r in batch.records if isinstance(r.value, BotSnapshot))
        assert Theatre(Restored(states, batch.positions)).orders() == []

    def test_wishes_nobody_has_any_more_are_taken_back(self) -> None:
        _, restored, _ = self.committed()
        wishes = [r.value for r in Theatre(restored).commit() if isinstance(r.value, Subscription)]
        assert [(wish.symbol, wish.wanted) for wish in wishes] == [(BTC, False)]

    def test_the_heir_goes_on_where_the_journal_ends(self) -> None:
        theatre, restored, orders = self.committed()
        heir = Theatre(restored, theatre.world)
        heir.answer(orders)
        heir.see(3100)
        heir.answer(heir.orders())
        (bot,) = heir.worker.bots.values()
        assert (bot.groups, bot.groups_closed) == ((), 1)
        assert bot.seq == 3 + 3

    def test_records_read_a_second_time_change_nothing(self) -> None:
        """Positions behind the state, as if the checkpoint had been lost: at least once is good enough."""
        _, restored, _ = self.committed()
        heir = Theatre(restored._replace(positions={BOT_COMMANDS.name: 0, ORDER_EVENTS.name: 0}))
        before = heir.worker.bots[BOT]
        heir.start(spec())
        assert heir.worker.bots[BOT] == before


def test_wishes_follow_what_bots_need() -> None:
    theatre = Theatre()
    first, second = bots(2)

    def wishes() -> list[tuple[str, bool]]:
        values = [record.value for record in theatre.commit()]
        return [(wish.symbol, wish.wanted) for wish in values if isinstance(wish, Subscription)]

    theatre.start(spec(bot_id=first, symbols=(ETH, BTC)), spec(bot_id=second))
    assert wishes() == [(BTC, True), (ETH, True)]
    theatre.command(StopBot(command_id=CommandId("1"), owner=OWNER, bot_id=first, at_ms=0))
    assert wishes() == [(BTC, False)]
    theatre.command(UpdateBot(command_id=CommandId("2"), spec=spec(bot_id=second, symbols=(BTC,), version=2), at_ms=0))
    assert wishes() == [(BTC, True), (ETH, False)]
    theatre.command(DeleteBot(command_id=CommandId("3"), owner=OWNER, bot_id=second, at_ms=0))
    assert wishes() == [(BTC, False)]
    assert theatre.worker.markets == frozenset()


def test_the_whole_journal_of_a_busy_day_replays() -> None:
    theatre = Theatre()
    theatre.start(spec(strategy(group_cooldown_ms=10)))
    journal = []
    for ask in (3000, 2850, 2700, 3100, 3100, 2940, 3080):
        theatre.see(ask)
        batch = theatre.commit()
        journal += [record.value for record in batch if isinstance(record.value, JournalRecord)]
        theatre.answer([record.value for record in batch if isinstance(record.value, PlaceOrder)])
        theatre.pass_time(2_000)
    journal += theatre.journal()
    assert replay(journal) == (theatre.worker.bots[BOT], ())
    assert theatre.worker.bots[BOT].groups_closed == 2


class TestContext:
    def test_it_tells_what_is_known(self) -> None:
        ctx = context(FakeWorld(), spec(), ETH, START_MS)
        assert (ctx.connection_online, ctx.connection_matches, ctx.instrument) == (True, True, instrument())
        assert ctx.quote_free == D(100_000)

    def test_what_was_never_told_is_none(self) -> None:
        world = FakeWorld()
        world.instruments, world.connections, world.money = {}, {}, {}
        ctx = context(world, spec(), ETH, START_MS)
        assert (ctx.connection_online, ctx.instrument, ctx.quote_free) == (False, None, None)

    def test_a_connection_of_somebody_else_does_not_match(self) -> None:
        world = FakeWorld()
        for changes in ({"owner": UserId("usr_b")}, {"exchange": ExchangeId("kucoin")}):
            world.connections[CONNECTION] = connection_state(**changes)
            assert not context(world, spec(), ETH, START_MS).connection_matches

    def test_money_of_somebody_else_is_not_known(self) -> None:
        world = FakeWorld()
        world.money[CONNECTION] = money(5, owner="usr_b")
        assert context(world, spec(), ETH, START_MS).quote_free is None

    def test_an_account_without_the_currency_has_none_of_it(self) -> None:
        world = FakeWorld()
        world.money[CONNECTION] = replace(money(5), balances=())
        assert context(world, spec(), ETH, START_MS).quote_free == 0
