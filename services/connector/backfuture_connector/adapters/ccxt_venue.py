"""The exchange through ccxt: what it tells everybody, and one account of it.

Unified calls carry the requests; only their raw answers (``info``) are read, with the digits the venue wrote.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

from backfuture_common.domain.ids import ClientOrderId, ExchangeId, Symbol
from backfuture_common.domain.money import parse_decimal, plain
from backfuture_common.messages.connections import Balance
from backfuture_common.messages.market import Instrument
from backfuture_common.messages.orders import PlaceOrder
from backfuture_common.runtime.clock import Clock

from backfuture_connector.adapters import ccxt_calls
from backfuture_connector.adapters.ccxt_classes import Ccxt, Json
from backfuture_connector.adapters.ccxt_dialects import Dialect
from backfuture_connector.adapters.ccxt_errors import translate
from backfuture_connector.adapters.ccxt_private import PrivateStream
from backfuture_connector.core import raw as read
from backfuture_connector.core.budget import Priority
from backfuture_connector.core.facts import FeeFact, OrderFact, Top, TradeFact
from backfuture_connector.core.failures import VenueError
from backfuture_connector.core.key_verdict import KeyVerdict
from backfuture_connector.core.raw import MalformedError
from backfuture_connector.ports import Lease

CALL_S = 12.0
"""No call takes longer than this, whatever ccxt waits for."""
MARKETS_S = 60.0
TRADES_PER_PAGE = 100


@asynccontextmanager
async def calling(dialect: Dialect, priority: Priority, within_s: float = CALL_S) -> AsyncIterator[None]:
    """Run one call: its urgency and deadline go in, and every failure comes out as :class:`VenueError`."""
    failure: VenueError | None = None
    with ccxt_calls.call(priority, within_s) as call:
        try:
            async with asyncio.timeout(max(within_s, CALL_S)):
                yield
        except Exception as error:  # noqa: BLE001  # arch: catch-all - translated and raised below, without its text
            failure = translate(dialect.venue, error, call)
    if failure is not None:
        raise failure from None  # ccxt's text holds signed addresses


class CcxtPublic:
    """The exchange without an account. Owns the reference object whose markets all others share."""

    def __init__(self, exchange: Ccxt, name: ExchangeId, dialect: Dialect, clock: Clock) -> None:
        self._exchange = exchange
        self._name = name
        self._dialect = dialect
        self._clock = clock

    async def server_time_ms(self) -> int:
        """Return the exchange's clock."""
        async with calling(self._dialect, Priority.QUERY):
            answer = await self._exchange.fetch_time()
            return int(str(answer))

    async def load_instruments(self) -> tuple[Instrument, ...]:
        """Ask for all spot markets anew; markets that are not shaped as documented are left out."""
        async with calling(self._dialect, Priority.POLL, MARKETS_S):
            markets = await self._exchange.load_markets(True)
        now_ms = self._clock.now_ms()
        return tuple(one for market in markets.values() if (one := self._instrument(market, now_ms)) is not None)

    async def fetch_top(self, symbol: Symbol) -> Top | None:
        """Return the best prices now, None when a side of the book is empty."""
        async with calling(self._dialect, Priority.POLL):
            ticker = await self._exchange.fetch_ticker(symbol)
            bid, ask = ticker.get("bid"), ticker.get("ask")
            if not bid or not ask:
                return None
            return Top(parse_decimal(str(bid)), parse_decimal(str(ask)), self._clock.now_ms())

    def _instrument(self, market: Json, now_ms: int) -> Instrument | None:
        fees = tuple(None if market.get(side) is None else str(market[side]) for side in ("taker", "maker"))
        try:
            symbol = Symbol(market["symbol"])
            return self._dialect.instrument(market["info"], self._name, symbol, (fees[0], fees[1]), now_ms)
        except MalformedError:
            return None


class CcxtAccount:
    """One account. Signs through its lease; shares markets and TLS context with the reference object."""

    def __init__(self, exchange: Ccxt, dialect: Dialect, clock: Clock) -> None:
        self._exchange = exchange
        self._dialect = dialect
        self._clock = clock
        self._stream = PrivateStream(exchange, dialect)

    async def key_verdict(self) -> KeyVerdict:
        """Return the verdict on the key, from the exchange's own word about it."""
        async with calling(self._dialect, Priority.QUERY):
            answer = await self._dialect.ask_key(self._exchange)
        return self._dialect.judge_key(answer, self._exchange.apiKey, self._clock.now_ms())

    async def try_order(self, symbol: Symbol, amount: str, price: str) -> None:
        """Have the exchange check an order without placing it."""
        async with calling(self._dialect, Priority.QUERY):
            await self._exchange.create_order(symbol, "limit", "buy", amount, price, {"test": True})

    async def place(self, command: PlaceOrder, *, within_s: float) -> str:
        """Send the order as limit, immediate-or-cancel."""
        params = {"timeInForce": "IOC", "clientOrderId": command.client_order_id}
        async with calling(self._dialect, Priority.ORDER, within_s):
            order = await self._exchange.create_order(
                command.symbol, "limit", command.side, plain(command.amount), plain(command.limit_price), params
            )
            return read.text(order, "id")

    async def find_order(self, client_order_id: ClientOrderId, symbol: Symbol) -> OrderFact | None:
        """Return the order, None when the exchange denies to know it."""
        try:
            async with calling(self._dialect, Priority.QUERY):
                order = await self._exchange.fetch_order(None, symbol, {"clientOrderId": client_order_id})
                raw = read.fields(order["info"], "order")
                return self._order(raw, symbol) if raw else None
        except VenueError as error:
            if error.failure.kind == "order_not_found" and error.failure.by_code:
                return None
            raise

    async def open_orders(self, symbol: Symbol) -> tuple[OrderFact, ...]:
        """Return the account's resting orders of one market."""
        async with calling(self._dialect, Priority.QUERY):
            orders = await self._exchange.fetch_open_orders(symbol)
            return tuple(self._order(read.fields(order["info"], "order"), symbol) for order in orders)

    async def trades(self, symbol: Symbol, since_ms: int, exchange_order_id: str | None) -> tuple[TradeFact, ...]:
        """Return the account's newest fills of one market (at most a page), of one order when it is given."""
        params = {} if exchange_order_id is None else {"orderId": exchange_order_id}
        async with calling(self._dialect, Priority.QUERY):
            trades = await self._exchange.fetch_my_trades(symbol, since_ms, TRADES_PER_PAGE, params)
            return tuple(self._trade(read.fields(trade["info"], "trade")) for trade in trades)

    async def cancel(self, client_order_id: ClientOrderId, symbol: Symbol) -> None:
        """Cancel what rests of the order."""
        async with calling(self._dialect, Priority.CANCEL):
            await self._exchange.cancel_order(None, symbol, {"clientOrderId": client_order_id})

    async def balances(self, *, within_s: float | None = None) -> tuple[Balance, ...]:
        """Return all non-zero balances; with ``within_s`` the request gives way when it cannot leave by then."""
        priority = Priority.QUERY if within_s is None else Priority.POLL
        async with calling(self._dialect, priority, CALL_S if within_s is None else within_s):
            answer = await self._exchange.fetch_balance()
            found = self._dialect.balances(read.fields(answer["info"], "balances"))
        code = self._exchange.safe_currency_code
        return tuple(Balance(currency=code(one.currency), free=one.free, held=one.held) for one in found)

    async def watch_private(self, on_change: Callable[[str | None], None], on_gap: Callable[[], None]) -> None:
        """Follow the account's own pushes, for ever."""
        await self._stream.run(on_change, on_gap)

    def use(self, lease: Lease) -> None:
        """Sign with another lease of the same key from now on."""
        self._exchange.secret = lease.handle
        self._exchange.wiring.lease = lease
        self._exchange.wiring.passphrase_mac = None

    async def close(self) -> None:
        await self._exchange.close()

    def _order(self, raw: read.Raw, symbol: Symbol) -> OrderFact:
        order = self._dialect.order(raw, symbol, self._exchange.market_id(symbol))
        return replace(order, fee=self._fee(order.fee))

    def _trade(self, raw: read.Raw) -> TradeFact:
        trade = self._dialect.trade(raw)
        return replace(trade, fee=self._fee(trade.fee))

    def _fee(self, fee: FeeFact | None) -> FeeFact | None:
        """Name the currency as ccxt does: a few venues call a coin by another's name."""
        return fee and FeeFact(currency=self._exchange.safe_currency_code(fee.currency), amount=fee.amount)
