"""What is at stake: held, unprotected and missing coins, in quote currency."""

from dataclasses import dataclass, replace

import msgspec
from backfuture_common.domain.ids import ConnectionId, ExchangeId, GroupId, Symbol
from backfuture_common.messages.bots import BotState, Group
from backfuture_common.messages.connections import AccountBalances, Balance, ConnectionState
from backfuture_common.messages.journal import Cause
from backfuture_common.messages.market import Instrument, Tick
from backfuture_engine.shell.stakes import stakes
from backfuture_engine.shell.world import Seen

from tests.unit.engine.build import CONNECTION, ETH, EXCHANGE, OWNER, D, spec, strategy

NOW_MS = 1_000_000
ONLINE = ConnectionState(
    connection_id=CONNECTION,
    owner=OWNER,
    exchange=EXCHANGE,
    status="online",
    trade_allowed=True,
    code="OK",
    message="",
    hint="",
    steps=(),
    rights=(),
    ip_restricted=None,
    key_expires_ms=None,
    test_id="t",
    credential_version=1,
    updated_ms=0,
)
GROUP = Group(
    group_id=GroupId("g"),
    symbol=ETH,
    status="active",
    strategy=strategy(),
    opened_ms=0,
    bought_amount=D("2.5"),
    fees_base=D("0.5"),
    average=D(90),
)
BOT = BotState(spec=spec(), running=True, groups=(GROUP,))


@dataclass
class Somewhere:
    """A world of one market and one connection."""

    observed_ms: int | None = NOW_MS
    state: ConnectionState | None = ONLINE
    coins: str = "2"

    def price(self, market: str) -> Seen | None:
        if self.observed_ms is None:
            return None
        tick = Tick(exchange=EXCHANGE, symbol=ETH, bid=D(100), ask=D(101), exchange_ms=0, observed_ms=self.observed_ms)
        return Seen(tick, Cause(topic="t", partition=0, offset=0), 0.0)

    def instrument(self, exchange: ExchangeId, symbol: Symbol) -> Instrument | None:
        return None

    def connection(self, connection: ConnectionId) -> ConnectionState | None:
        return self.state

    def balances(self, connection: ConnectionId) -> AccountBalances | None:
        held = Balance(currency="ETH", free=D(self.coins), held=D(0))
        return AccountBalances(connection_id=connection, owner=OWNER, exchange=EXCHANGE, balances=(held,), at_ms=0)


def sums(world: Somewhere, bot: BotState = BOT) -> tuple[object, object, object]:
    found = stakes([bot], world, NOW_MS)[EXCHANGE]
    return found.held, found.unprotected, found.drift


def test_what_can_be_sold_at_its_price_is_held_and_nothing_else() -> None:
    assert sums(Somewhere()) == (200, 0, 0)


def test_coins_are_unprotected_without_price_connection_or_sound_bot() -> None:
    assert sums(Somewhere(observed_ms=NOW_MS - 60_000))[1] == 200
    assert sums(Somewhere(observed_ms=None))[:2] == (180, 180)
    assert sums(Somewhere(state=None))[1] == 200
    assert sums(Somewhere(state=msgspec.structs.replace(ONLINE, trade_allowed=False)))[1] == 200
    assert sums(Somewhere(), msgspec.structs.replace(BOT, fault="broken"))[1] == 200


def test_coins_the_account_does_not_have_are_drift() -> None:
    assert sums(Somewhere(coins="1.5"))[2] == 50
    assert sums(Somewhere(coins="7"))[2] == 0
    assert sums(replace(Somewhere(), coins="0"))[2] == 200
