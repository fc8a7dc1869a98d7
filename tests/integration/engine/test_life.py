"""The engine process on a real bus: a group's whole life, and what it leaves on record."""

import asyncio
import signal

from backfuture_common.bus import Outgoing, Reader, Table
from backfuture_common.domain.ids import BotId, CommandId
from backfuture_common.messages.bots import StopBot
from backfuture_common.messages.market import Subscription
from backfuture_common.topics import BOT_COMMANDS, BOT_JOURNAL, BOT_STATE, MARKET_SUBSCRIPTIONS, ORDER_EVENTS
from backfuture_engine.core.replay import replay

from tests.integration.engine.stage import HOME, ORDERS, Stage, eventually, now_ms
from tests.unit.engine.build import BOT, ETH, EXCHANGE, OWNER, D, fills, instrument, spec, strategy, update

LONG_REST = strategy(group_cooldown_ms=3_600_000)


async def a_whole_group(stage: Stage) -> None:
    """Entry at 3,000, add-on at 2,850, exit above the target."""
    stage.price(3000)
    await eventually("the entry", lambda: stage.legs() == ["entry"])
    stage.price(2850)
    await eventually("the add-on", lambda: stage.legs() == ["entry", "add_on"])
    stage.price(3100)
    await eventually("the exit", lambda: stage.legs() == ["entry", "add_on", "exit"])


async def test_a_group_opens_adds_on_and_closes_with_its_profit(stage: Stage) -> None:
    stage.engine.start()
    await stage.engine.ready()
    await stage.bot_starts(spec(LONG_REST))
    await a_whole_group(stage)
    state = await stage.until_state("the group is closed", lambda bot: bot.groups_closed == 1)
    assert state.realised_quote > 5
    assert state.unacknowledged == ()

    journal = await stage.journal()
    assert replay(journal) == (state, ())
    assert set(stage.times_received().values()) == {1}
    positions = await stage.checkpoint()
    assert positions[ORDER_EVENTS.name] == (await stage.ends())[ORDER_EVENTS.name, HOME]


async def test_a_price_that_decides_nothing_writes_nothing(stage: Stage) -> None:
    stage.engine.start()
    await stage.engine.ready()
    await stage.bot_starts(spec())
    stage.price(3000)
    await stage.until_state("the group is active", lambda bot: bool(bot.groups) and bot.groups[0].pending is None)
    written = (BOT_STATE.name, BOT_JOURNAL.name)
    await asyncio.sleep(0.3)
    before = {where: end for where, end in (await stage.ends()).items() if where[0] in written}
    for ask in range(2851, 3030, 2):
        stage.price(ask)
        await asyncio.sleep(0.01)
    after = {where: end for where, end in (await stage.ends()).items() if where[0] in written}
    assert after == before


async def test_markets_are_asked_for_while_a_bot_needs_them(stage: Stage) -> None:
    stage.engine.start()
    await stage.engine.ready()
    await stage.bot_starts(spec(LONG_REST))
    await a_whole_group(stage)
    await stage.until_state("the group is closed", lambda bot: bot.groups_closed == 1)
    assert await wishes(stage) == {(EXCHANGE, ETH, HOME): True}
    await stage.command(StopBot(command_id=CommandId("stop"), owner=OWNER, bot_id=BOT, at_ms=now_ms()))
    await stage.until_state("the bot is stopped", lambda bot: not bot.running)
    assert await wishes(stage) == {(EXCHANGE, ETH, HOME): False}


async def wishes(stage: Stage) -> dict[tuple[str, str, int], bool]:
    async with Table[Subscription](stage.kafka, MARKET_SUBSCRIPTIONS) as table:
        return {(wish.exchange, wish.symbol, wish.partition): wish.wanted for wish in table.values()}


async def test_without_connection_the_bot_waits_and_goes_on_at_once_when_it_is_back(stage: Stage) -> None:
    await stage.connection(online=False)
    stage.engine.start()
    await stage.engine.ready()
    await stage.bot_starts(spec())
    stage.price(3000)
    state = await stage.until_state("the bot waits", lambda bot: bool(bot.last_blocks))
    assert state.last_blocks == ((ETH, ("EXCH_DOWN",)),)
    await asyncio.sleep(1.5)
    assert [record.seq for record in await stage.journal()] == [1, 2, 3]
    await stage.connection(online=True)
    await eventually("the entry", lambda: stage.legs() == ["entry"], within_s=3)


async def test_an_entry_that_fills_nothing_is_tried_again_in_a_new_group(stage: Stage) -> None:
    stage.unfilled = {"entry"}
    stage.engine.start()
    await stage.engine.ready()
    await stage.bot_starts(spec())
    stage.price(3000)
    await eventually("a second entry", lambda: stage.legs() == ["entry", "entry"])
    first, second = stage.received
    assert (first.group_id, second.group_id) == (f"{BOT}-g1", f"{BOT}-g2")


async def test_told_to_stop_it_leaves_a_last_checkpoint_and_exit_code_0(stage: Stage) -> None:
    stage.engine.start()
    await stage.engine.ready()
    await stage.bot_starts(spec())
    await stage.until_state("the bot runs", lambda bot: bot.running)
    stranger = spec(bot_id=BotId("bot_gone"))
    stop = StopBot(command_id=CommandId("x"), owner=OWNER, bot_id=stranger.bot_id, at_ms=now_ms())
    await stage.command(stop)  # moves a position and decides nothing
    await asyncio.sleep(0.5)
    stage.engine.send(signal.SIGTERM)
    assert await stage.engine.died() == 0
    positions = await stage.checkpoint()
    ends = await stage.ends()
    assert {(topic, HOME): offset for topic, offset in positions.items()}.items() <= ends.items()


async def test_a_bot_of_another_owner_goes_on_in_its_own_partition(stage: Stage) -> None:
    """One bot is faulted by an impossible fill; the other, on the same engine, does not notice."""
    stage.engine.start()
    await stage.engine.ready()
    stage.silent = True
    await stage.bot_starts(spec(LONG_REST))
    await stage.bot_starts(spec(LONG_REST, bot_id=BotId("bot_b")))
    stage.price(3000)
    await eventually("both entries", lambda: len(stage.received) == 2)
    victim = next(order for order in stage.received if order.bot_id == BOT)
    impossible = update(victim, "filled", fills(victim.amount + 1, D(3000)))
    await stage.put(Outgoing(ORDER_EVENTS, OWNER, impossible))
    await stage.until_state("the bot is faulted", lambda bot: bot.fault is not None)
    other = next(order for order in stage.received if order.bot_id != BOT)
    await stage.put(Outgoing(ORDER_EVENTS, OWNER, update(other, "filled", fills(other.amount, other.limit_price))))
    stage.price(3100)
    await eventually("the other bot's exit", lambda: [o.bot_id for o in stage.received if o.leg == "exit"] == ["bot_b"])


async def test_an_unreadable_command_is_put_aside_and_the_next_one_obeyed(stage: Stage) -> None:
    stage.engine.start()
    await stage.engine.ready()
    await stage.put(Outgoing(BOT_COMMANDS, OWNER, instrument()))  # no command at all
    await stage.bot_starts(spec())
    await stage.until_state("the bot runs", lambda bot: bot.running)
    assert stage.engine.alive


async def test_orders_are_keyed_by_connection(stage: Stage) -> None:
    stage.engine.start()
    await stage.engine.ready()
    await stage.bot_starts(spec())
    stage.price(3000)
    await eventually("the entry", lambda: stage.legs() == ["entry"])
    async with Reader(stage.kafka, (ORDERS,)) as reader:
        keys = {record.key for record in await reader.catch_up(10)}
    assert keys == {spec().connection_id}
