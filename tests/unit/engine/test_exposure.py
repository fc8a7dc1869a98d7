"""What all bots of an owner bind together: per connection, per symbol over all connections, and their worth."""

from decimal import Decimal

import pytest
from backfuture_common.domain.ids import BotId, ConnectionId, UserId
from backfuture_common.messages.bots import BotSpec
from backfuture_common.messages.journal import Decided
from backfuture_common.messages.market import market_key
from backfuture_engine.core.margin import refusal

from tests.unit.engine.build import BTC, CONNECTION, ETH, EXCHANGE, OWNER, D, instrument, spec
from tests.unit.engine.world import Theatre, connection_state, money

OTHER = ConnectionId("con_b")


def a_bot(number: int, **changes: object) -> BotSpec:
    return spec(None, bot_id=BotId(f"bot_{number}"), **changes)


def theatre() -> Theatre:
    """An owner with two connections and two markets."""
    made = Theatre()
    made.world.connections[OTHER] = connection_state(connection_id=OTHER)
    made.world.money[OTHER] = money(100_000)
    made.world.instruments[market_key(EXCHANGE, BTC)] = instrument(BTC)
    return made


def opened(made: Theatre, **see: object) -> int:
    made.see(3000, **see)  # type: ignore[arg-type]  # a symbol
    orders = made.orders()
    made.answer(orders)
    made.commit()
    return len(orders)


def reasons(made: Theatre) -> list[tuple[str, ...]]:
    return [f.decision.reasons for r in made.journal() for f in r.facts if isinstance(f, Decided)]


def test_the_limit_of_one_bot_counts_for_all_bots_of_its_connection() -> None:
    made = theatre()
    made.start(a_bot(1, connection_limit_quote=D(2400)), a_bot(2), a_bot(3))
    assert opened(made) == 2
    made.pass_time(1_000)
    made.see(3000)
    assert made.worker.bots[BotId("bot_3")].last_blocks == ((ETH, ("MARGIN_CONN",)),)


def test_another_connection_is_not_meant() -> None:
    made = theatre()
    made.start(a_bot(1, connection_limit_quote=D(1200)), a_bot(2, connection_id=OTHER))
    assert opened(made) == 2


def test_a_symbol_is_limited_over_all_connections() -> None:
    made = theatre()
    made.start(a_bot(1, symbol_limit_quote=D(1200)), a_bot(2, connection_id=OTHER))
    assert opened(made) == 1
    (blocked,) = [bot for bot in made.worker.bots.values() if bot.last_blocks]
    assert blocked.last_blocks == ((ETH, ("MARGIN_SYMBOL",)),)


def test_another_symbol_and_another_owner_are_not_meant() -> None:
    made = theatre()
    made.start(
        a_bot(1, symbol_limit_quote=D(1200)),
        a_bot(2, symbols=(BTC,)),
        a_bot(3, owner=UserId("usr_b"), connection_id=OTHER),
    )
    made.world.connections[OTHER] = connection_state(connection_id=OTHER, owner="usr_b")
    made.world.money[OTHER] = money(100_000, owner="usr_b")
    assert opened(made) == 2
    assert opened(made, symbol=BTC) == 1


def test_the_limit_of_a_bot_that_stands_still_counts_as_well() -> None:
    made = theatre()
    made.start(a_bot(1, symbols=(BTC,), connection_limit_quote=D(1199)), a_bot(2))
    assert made.worker.bots[BotId("bot_1")].fault is not None  # its own ladder of 1,200 could never be filled
    assert opened(made) == 0


def test_equity_counts_losses_and_not_gains() -> None:
    made = theatre()
    made.world.money[CONNECTION] = money(4_000)
    made.start(a_bot(1), a_bot(2, symbols=(BTC,), margin_limit_percent=D(30), margin_limit_quote=D(5_000)))
    assert opened(made) == 1  # 300 in ETH; the fake exchange takes nothing off the balance
    seen = []
    for at in (3000, 2900, 3020):
        made.see(at)
        state = made.worker.bots[BotId("bot_2")]
        around = made.worker._exposures.around(state, BTC, made.world)
        assert around is not None
        assert around.equity is not None
        seen.append(around.equity.quantize(D("0.01")))
    assert seen == [D(4300), D(4290), D(4300)]


@pytest.mark.parametrize(
    ("changes", "numbers"),
    [
        ({"connection_limit_quote": D(1199)}, ("1200", "1199")),
        ({"symbol_limit_quote": D(1199)}, ("1200", "1199")),
        ({"margin_limit_percent": D(101)}, ("101", "100")),
    ],
)
def test_what_can_never_be_filled_is_refused_with_the_numbers(
    changes: dict[str, Decimal], numbers: tuple[str, ...]
) -> None:
    said = refusal(spec(None, owner=OWNER, **changes))
    assert said is not None
    assert all(number in said for number in numbers)
