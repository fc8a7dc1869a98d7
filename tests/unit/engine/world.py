"""A world for workers without Kafka: set what is known, hand in records, look at what would be committed."""

from collections.abc import Iterable
from decimal import Decimal

from backfuture_common.bus import Incoming, Outgoing
from backfuture_common.domain.ids import ConnectionId, ExchangeId, Symbol
from backfuture_common.messages.bots import BotCommand, BotSpec, CreateBot, StartBot
from backfuture_common.messages.codec import Message
from backfuture_common.messages.connections import AccountBalances, Balance, ConnectionState
from backfuture_common.messages.journal import Cause, JournalRecord
from backfuture_common.messages.market import Instrument, Tick, market_key
from backfuture_common.messages.orders import OrderStatus, OrderUpdate, PlaceOrder
from backfuture_common.topics import BOT_COMMANDS, MARKET_TICKS, ORDER_EVENTS, Topic
from backfuture_engine.shell.worker import Restored, Worker
from backfuture_engine.shell.world import Seen

from tests.unit.engine.build import CONNECTION, ETH, EXCHANGE, NOTHING, OWNER, START_MS, D, fills, instrument, update


def connection_state(*, online: bool = True, **changes: object) -> ConnectionState:
    values: dict[str, object] = {
        "connection_id": CONNECTION,
        "owner": OWNER,
        "exchange": EXCHANGE,
        "status": "online" if online else "attention",
        "trade_allowed": online,
        "code": "OK",
        "message": "",
        "hint": "",
        "steps": (),
        "rights": (),
        "ip_restricted": None,
        "key_expires_ms": None,
        "test_id": "t",
        "credential_version": 1,
        "updated_ms": START_MS,
    }
    return ConnectionState(**(values | changes))  # type: ignore[arg-type]  # keyword by keyword


def money(free: str | int, owner: str = OWNER) -> AccountBalances:
    return AccountBalances(
        connection_id=CONNECTION,
        owner=owner,  # type: ignore[arg-type]  # an owner as text
        exchange=EXCHANGE,
        balances=(Balance(currency="USDT", free=D(free), held=D(0)),),
        at_ms=START_MS,
    )


class FakeWorld:
    """Knows one instrument and one online connection with plenty of money, until told otherwise."""

    def __init__(self) -> None:
        self.now_ms = START_MS
        self.prices: dict[str, Seen] = {}
        self.instruments: dict[str, Instrument] = {market_key(EXCHANGE, ETH): instrument()}
        self.connections: dict[ConnectionId, ConnectionState] = {CONNECTION: connection_state()}
        self.money: dict[ConnectionId, AccountBalances] = {CONNECTION: money(100_000)}

    def price(self, market: str) -> Seen | None:
        return self.prices.get(market)

    def instrument(self, exchange: ExchangeId, symbol: Symbol) -> Instrument | None:
        return self.instruments.get(market_key(exchange, symbol))

    def connection(self, connection: ConnectionId) -> ConnectionState | None:
        return self.connections.get(connection)

    def balances(self, connection: ConnectionId) -> AccountBalances | None:
        return self.money.get(connection)


class Theatre:
    """A worker and its world, driven by hand."""

    def __init__(self, restored: Restored | None = None, world: FakeWorld | None = None) -> None:
        self.world = world or FakeWorld()
        start = restored or Restored(positions={BOT_COMMANDS.name: 0, ORDER_EVENTS.name: 0})
        self.worker = Worker(1, 7, start, self.world, self.world.now_ms)
        self._offsets: dict[str, int] = dict(start.positions)
        self._ticks = 0

    def record(self, topic: Topic, value: Message) -> Incoming:
        offset = self._offsets[topic.name]
        self._offsets[topic.name] += 1
        return Incoming(topic, 1, offset, OWNER, value, self.world.now_ms)

    def command(self, command: BotCommand) -> None:
        self.worker.on_record(self.record(BOT_COMMANDS, command), self.world.now_ms)

    def start(self, *bots: BotSpec) -> None:
        for bot in bots:
            self.command(CreateBot(command_id=f"{bot.bot_id}-c", spec=bot, at_ms=START_MS))  # type: ignore[arg-type]
            self.command(
                StartBot(command_id=f"{bot.bot_id}-s", owner=bot.owner, bot_id=bot.bot_id, at_ms=START_MS)  # type: ignore[arg-type]
            )

    def news(self, news: OrderUpdate) -> None:
        self.worker.on_record(self.record(ORDER_EVENTS, news), self.world.now_ms)

    def answer(self, orders: Iterable[PlaceOrder], status: OrderStatus = "filled") -> None:
        """Let the exchange fill each order at its limit, or end it otherwise without a fill."""
        for order in orders:
            filled = fills(order.amount, order.limit_price) if status == "filled" else NOTHING
            self.news(update(order, status, filled))

    def see(self, ask: str | int, bid: str | int | None = None, *, symbol: Symbol = ETH) -> None:
        """Show a price and let every woken bot have its turn."""
        market = market_key(EXCHANGE, symbol)
        bid_price, ask_price = D(bid if bid is not None else ask), D(ask)
        self._show(market, symbol, bid_price, ask_price)
        self.worker.on_price(market, bid_price, ask_price)
        self.turns()

    def _show(self, market: str, symbol: Symbol, bid: Decimal, ask: Decimal) -> None:
        now_ms = self.world.now_ms
        tick = Tick(exchange=EXCHANGE, symbol=symbol, bid=bid, ask=ask, exchange_ms=now_ms, observed_ms=now_ms)
        self._ticks += 1
        self.world.prices[market] = Seen(tick, Cause(topic=MARKET_TICKS.name, partition=0, offset=self._ticks), 0.0)

    def pass_time(self, ms: int) -> None:
        self.world.now_ms += ms
        self.worker.on_time(self.world.now_ms)
        self.turns()

    def turns(self) -> None:
        while self.worker.turn(self.world.now_ms):
            pass

    def commit(self) -> list[Outgoing]:
        """Take everything that is uncommitted, as its transactions would."""
        records: list[Outgoing] = []
        while self.worker.urgent:
            records += self.worker.take(self.world.now_ms).records
        return records

    def orders(self) -> list[PlaceOrder]:
        """Commit, and return the orders in it."""
        return [record.value for record in self.commit() if isinstance(record.value, PlaceOrder)]

    def journal(self) -> list[JournalRecord]:
        """Commit, and return the journal records in it."""
        return [record.value for record in self.commit() if isinstance(record.value, JournalRecord)]
