"""What holds of every backtest: nothing is known before its time, no money appears, no price that matters is passed."""

from decimal import Decimal

import msgspec
from backfuture_common.domain.ids import BotId, Symbol
from backfuture_common.messages.bots import BotSpec, BotState
from backfuture_common.messages.codec import encode
from backfuture_common.messages.journal import (
    CommandReceived,
    Decided,
    Fact,
    JournalRecord,
    OrderUpdated,
    PriceObserved,
)
from backfuture_engine.backtest.simulate import Happened
from backfuture_engine.backtest.tape import Tape
from backfuture_engine.core.replay import replay
from backfuture_engine.core.step import step
from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.unit.backtest.build import MINUTE_MS, simulated, tape, usual
from tests.unit.engine.build import BTC, CONNECTION, ETH, D, context, create, instrument, spec, start, strategy

STEPS = st.lists(st.integers(-4_000, 4_000), min_size=1, max_size=120)
POINTS = st.sampled_from((1, 4))
REFUSALS = ("BLOCK", "WAIT")


def walk(steps: list[int], points: int) -> list[int]:
    prices, at = [], 300_000
    for change in steps:
        at = max(at + change, 10_000)
        prices.append(at)
    return prices + [prices[-1]] * (-len(prices) % points)


def bots(slippage: str = "0") -> list[BotSpec]:
    lively = strategy(step_percent=D(1), min_improvement_percent=D("0.1"), slippage_percent=D(slippage))
    return [
        spec(lively, bot_id=BotId("bot_a")),
        spec(strategy(group_cooldown_ms=MINUTE_MS, max_add_ons=2), bot_id=BotId("bot_b"), margin_limit_quote=D(900)),
    ]


def told(steps: list[Happened]) -> list[bytes]:
    return [msgspec.json.encode((s.bot, s.event, s.ctx, s.facts)) for s in steps]


@given(steps=STEPS, points=POINTS, other=STEPS, latency_ms=st.sampled_from((0, 700, 90_000)))
def test_what_comes_later_changes_nothing_that_was_decided_before(
    steps: list[int], points: int, other: list[int], latency_ms: int
) -> None:
    known = walk(steps, points)
    assumed = usual(latency_ms=latency_ms)
    future = [known[-1], *walk(other, points)]
    one = simulated(tape(known, points=points), *bots(), assumptions=assumed)[1]
    longer = known + future[1:]
    two = simulated(tape(longer, points=points), *bots(), assumptions=assumed)[1]
    end_ms = int(tape(known).at_ms[-1])
    assert told([s for s in two if s.ctx.now_ms <= end_ms])[: len(one)] == told(one)


@given(steps=STEPS, points=POINTS, received=st.booleans(), slippage_ppm=st.sampled_from((0, 500)))
def test_no_money_appears_and_none_is_lost(steps: list[int], points: int, received: bool, slippage_ppm: int) -> None:
    assumed = usual(balance_quote=D(1_500), fee_coin="received" if received else "quote", slippage_ppm=slippage_ppm)
    simulation, happened = simulated(tape(walk(steps, points), points=points), *bots("0.1"), assumptions=assumed)
    quote, base = D(1_500), D(0)
    for one in happened:
        if isinstance(one.event, OrderUpdated):
            fills, sign = one.event.update.fills, 1 if one.event.update.side == "buy" else -1
            quote -= sign * fills.cost + fills.fee_quote
            base += sign * fills.amount - fills.fee_base
    balances = simulation.venue.balances(CONNECTION)
    assert (balances["USDT"], balances["ETH"]) == (quote, base)
    assert min(balances.values()) >= 0
    states = [state for state in simulation.states.values() if state is not None]
    held = sum((g.bought_amount - g.fees_base - g.sold_amount for s in states for g in s.groups), D(0))
    assert base - held >= 0  # what closed groups left over as dust


@given(steps=STEPS, points=POINTS)
def test_equal_input_gives_equal_output(steps: list[int], points: int) -> None:
    runs = [simulated(tape(walk(steps, points), points=points), *bots())[1] for _ in range(2)]
    assert told(runs[0]) == told(runs[1])


@given(steps=STEPS, spread=st.integers(0, 30))
def test_no_price_that_matters_is_passed_over(steps: list[int], spread: int) -> None:
    """The simulator jumps; a bot that is shown every single price decides the same.

    But for refusals: after one a bot sleeps some seconds, as live, and looks at the next price that much later.
    """
    prices = tape(walk(steps, 1), spread=spread)
    (bot, _) = bots()
    shown = every_price_shown(bot, prices)
    assume(not any(isinstance(fact, Decided) and fact.decision.reasons and fact.decision.verdict in REFUSALS
                   for _, _, facts in shown for fact in facts))  # fmt: skip
    assert shown == [(s.ctx.now_ms, type(s.event).__name__, s.facts) for s in simulated(prices, bot)[1]]


@given(steps=STEPS, points=POINTS)
def test_its_journal_is_a_journal(steps: list[int], points: int) -> None:
    for bot in ("bot_a", "bot_b"):
        records = [
            JournalRecord(
                bot_id=one.bot, owner=spec().owner, seq=one.result.state.seq, event=one.event, context=one.ctx,
                facts=one.facts, cause=None, epoch=0,
            )
            for one in simulated(tape(walk(steps, points), points=points), *bots())[1]
            if one.bot == bot and one.result.state is not None
        ]  # fmt: skip
        again = [msgspec.json.decode(encode(record), type=JournalRecord) for record in records]
        assert replay(again).differences == ()


@given(steps=STEPS, other=STEPS)
def test_two_markets_do_not_disturb_each_other(steps: list[int], other: list[int]) -> None:
    """With money enough, a bot on two markets does in each what a bot on that one alone does."""
    one, two = tape(walk(steps, 1)), tape(walk(other, 1), every_ms=37_000, instrument=instrument(BTC))
    markets: dict[Symbol, Tape] = {ETH: one, BTC: two}
    both = spec(symbols=(ETH, BTC), max_active_groups=2, margin_limit_quote=D(2_400))
    together = simulated(markets, both)[1]
    for symbol, alone in ((ETH, one), (BTC, two)):
        single = spec(symbols=(symbol,), max_active_groups=1, margin_limit_quote=D(1_200))
        expected = simulated({symbol: alone}, single)[1]
        mine = [s for s in together if isinstance(s.event, OrderUpdated) and s.event.update.symbol == symbol]
        trades = [s for s in expected if isinstance(s.event, OrderUpdated)]
        assert [_money(s) for s in mine] == [_money(s) for s in trades]


def _money(happened: Happened) -> tuple[int, Decimal, Decimal]:
    assert isinstance(happened.event, OrderUpdated)
    return happened.ctx.now_ms, happened.event.update.fills.amount, happened.event.update.fills.cost


def every_price_shown(bot: BotSpec, prices: Tape) -> list[tuple[int, str, tuple[Fact, ...]]]:
    """Let one bot see every row of a jumping tape, and fill what it sends at once."""
    simulation, _ = simulated(tape([1]), replace(bot, symbols=(ETH,)))
    venue = type(simulation.venue)(usual(), "USDT")
    state: BotState | None = None
    seen: list[tuple[int, str, tuple[Fact, ...]]] = []

    def feel(event: CommandReceived | PriceObserved | OrderUpdated, now_ms: int, symbol: bool) -> None:
        nonlocal state
        ctx = context(now_ms, instrument=instrument() if symbol else None,
                      quote_free=venue.quote_free(CONNECTION) if symbol else None)  # fmt: skip
        result = step(state, event, ctx)
        state = result.state
        if result.facts:
            seen.append((now_ms, type(event).__name__, result.facts))
        for order in result.commands:
            spot = prices.spot(now_ms)
            feel(OrderUpdated(update=venue.place(order, prices, spot, now_ms)), now_ms, True)  # type: ignore[arg-type]  # only PlaceOrder is sent

    first_ms = int(prices.at_ms[0])
    feel(_renamed(create(bot), bot, first_ms), first_ms, False)
    feel(_renamed(start(), bot, first_ms), first_ms, False)
    for row, now_ms in enumerate(prices.at_ms.tolist()):
        bid, ask = prices.price(int(prices.bid[row])), prices.price(int(prices.ask[row]))
        before = -1
        while before != len(seen):  # after an order the same price is looked at again
            before = len(seen)
            feel(PriceObserved(exchange=bot.exchange, symbol=ETH, bid=bid, ask=ask, age_ms=0), now_ms, True)
    return seen


def _renamed(event: CommandReceived, bot: BotSpec, at_ms: int) -> CommandReceived:
    command = event.command
    name = "create" if hasattr(command, "spec") else "start"
    changes = {"command_id": f"{bot.bot_id}-{name}", "at_ms": at_ms} | (
        {} if name == "create" else {"bot_id": bot.bot_id}
    )
    return CommandReceived(command=replace(command, **changes))
