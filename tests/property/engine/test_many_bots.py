"""Many bots of one owner, whatever they are told: what they bind together passes no limit."""

from decimal import Decimal

from backfuture_common.domain.ids import BotId, ConnectionId
from backfuture_common.messages.bots import Group
from backfuture_common.messages.market import market_key
from backfuture_common.messages.orders import PlaceOrder
from backfuture_engine.core.margin import in_flight
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.unit.engine.build import BTC, ETH, EXCHANGE, D, instrument, spec, strategy
from tests.unit.engine.world import Theatre, connection_state, money

CONNECTIONS = (ConnectionId("con_a"), ConnectionId("con_b"))
LIMITS = st.one_of(st.none(), st.integers(180, 600))


class ManyBots(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.theatre = Theatre()
        self.flying: list[PlaceOrder] = []
        self.theatre.world.instruments[market_key(EXCHANGE, BTC)] = instrument(BTC)
        for connection in CONNECTIONS:
            self.theatre.world.connections[connection] = connection_state(connection_id=connection)
            self.theatre.world.money[connection] = money(100_000)

    @initialize(
        bots=st.lists(
            st.tuples(st.sampled_from(CONNECTIONS), LIMITS, LIMITS, st.sampled_from(("strict", "soft"))),
            min_size=2,
            max_size=6,
        )
    )
    def configure(self, bots: list[tuple[ConnectionId, int | None, int | None, str]]) -> None:
        for number, (connection, on_connection, in_symbol, reserve) in enumerate(bots):
            dca = strategy(base_order_quote=D(60), add_on_quote=D(60), max_add_ons=2, add_on_cooldown_ms=0)
            self.theatre.start(
                spec(
                    dca,
                    bot_id=BotId(f"bot_{number}"),
                    connection_id=connection,
                    symbols=(ETH, BTC),
                    margin_limit_quote=D(400),
                    group_limit_quote=D(180),
                    max_active_groups=2,
                    reserve=reserve,
                    connection_limit_quote=None if on_connection is None else D(on_connection),
                    symbol_limit_quote=None if in_symbol is None else D(in_symbol),
                )
            )

    @rule(at=st.integers(80, 110), symbol=st.sampled_from((ETH, BTC)))
    def the_price_moves(self, at: int, symbol: str) -> None:
        self.theatre.see(at, symbol=symbol)  # type: ignore[arg-type]  # a symbol as text
        self.flying += self.theatre.orders()

    @rule(filled=st.booleans(), count=st.integers(1, 5))
    def the_exchange_answers(self, filled: bool, count: int) -> None:
        answered, self.flying = self.flying[:count], self.flying[count:]
        self.theatre.answer(answered, "filled" if filled else "canceled")
        self.flying += self.theatre.orders()

    @rule(ms=st.sampled_from((1_000, 20_000)))
    def time_passes(self, ms: int) -> None:
        self.theatre.pass_time(ms)
        self.flying += self.theatre.orders()

    @invariant()
    def no_limit_is_passed(self) -> None:
        bots = [bot for bot in self.theatre.worker.bots.values() if not bot.fault]
        for bot in bots:
            spent = sum((g.bought_cost + in_flight(g) for g in bot.groups), D(0))
            assert spent <= bot.spec.margin_limit_quote
            for group in bot.groups:
                assert group.bought_cost + in_flight(group) <= D(180)
        for connection in CONNECTIONS:
            here = [bot for bot in bots if bot.spec.connection_id == connection]
            self.within([g for bot in here for g in bot.groups], [bot.spec.connection_limit_quote for bot in here])
        for symbol in (ETH, BTC):
            groups = [g for bot in bots for g in bot.groups if g.symbol == symbol]
            self.within(groups, [bot.spec.symbol_limit_quote for bot in bots])

    @staticmethod
    def within(groups: list[Group], limits: list[Decimal | None]) -> None:
        named = [limit for limit in limits if limit is not None]
        spent = sum((group.bought_cost + in_flight(group) for group in groups), D(0))
        assert not named or spent <= min(named)


TestManyBots = ManyBots.TestCase
TestManyBots.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
