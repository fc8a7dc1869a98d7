"""The protobuf bodies of MEXC's streams, by channel. Numbers are the fields of MEXC's published schema."""

from decimal import Decimal

from backfuture_common.domain.money import ZERO, divide, plain

from backfuture_paper.core.book import Level
from backfuture_paper.core.candles import Bar
from backfuture_paper.core.exact import subtract
from backfuture_paper.core.exchange import OrderEvent
from backfuture_paper.core.ledger import BalanceChange
from backfuture_paper.core.orders import Fill
from backfuture_paper.core.protobuf import message
from backfuture_paper.core.trades import PublicTrade
from backfuture_paper.mexc import render
from backfuture_paper.web.book_changes import BookChange

_AVERAGE_DIGITS = 12
_ORDER_TYPES = {"LIMIT": 1, "LIMIT_MAKER": 2, "IMMEDIATE_OR_CANCEL": 3, "FILL_OR_KILL": 4, "MARKET": 5}
_BALANCE_CAUSES = {
    "order.hold": "ENTRUST_PLACE",
    "order.release": "ENTRUST_CANCEL",
    "order.match": "ENTRUST",
    "account.deposit": "DEPOSIT",
    "account.withdrawal": "WITHDRAW",
    "account.transfer": "CONTRACT_TRANSFER",
}
Body = tuple[int, bytes]
"""The number of the wrapper's field that holds the body, and the body."""


def wrapped(channel: str, market: str | None, body: Body, at_ms: int) -> bytes:
    """Return a whole frame."""
    number, content = body
    return message({1: channel, 3: market, 5: at_ms, 6: at_ms, number: content})


def book_ticker(bid: Level, ask: Level) -> Body:
    return 315, message({1: plain(bid.price), 2: plain(bid.amount), 3: plain(ask.price), 4: plain(ask.amount)})


def deals(trades: list[PublicTrade], channel: str) -> Body:
    items = [
        message({1: plain(t.price), 2: plain(t.amount), 3: 1 if t.side == "buy" else 2, 4: t.at_ms}) for t in trades
    ]
    return 314, message({1: items, 2: channel.rpartition("@")[0]})


def depth(change: BookChange, channel: str) -> Body:
    return 313, message(
        {
            1: [_level(level) for level in change.asks],
            2: [_level(level) for level in change.bids],
            3: channel.rpartition("@")[0],
            4: str(change.previous + 1),
            5: str(change.sequence),
        }
    )


def kline(bar: Bar, interval: str, interval_ms: int) -> Body:
    start_s = bar.start_ms // 1000
    prices = [render.short(value) for value in (bar.open, bar.close, bar.high, bar.low, bar.volume, bar.turnover)]
    numbered = dict(enumerate(prices, start=3))
    return 308, message({1: interval, 2: start_s, **numbered, 9: start_s + interval_ms // 1000})


def order(event: OrderEvent) -> Body:
    given = event.order
    wanted = render.wanted(given)
    cost = render.ordered_cost(given)
    return 304, message(
        {
            1: given.id,
            2: given.request.client_id,
            3: plain(given.request.price or ZERO),
            4: plain(wanted),
            5: plain(cost),
            6: plain(_average(given.filled_cost, given.filled)),
            7: _ORDER_TYPES[render.order_type(given.request)],
            8: _side(given.request.side),
            9: int(event.fill is not None and event.fill.liquidity == "maker"),
            10: plain(max(ZERO, subtract(cost, given.filled_cost))),
            11: plain(subtract(wanted, given.filled)),
            12: plain(event.fill.amount if event.fill else ZERO),
            13: plain(given.filled),
            14: plain(given.filled_cost),
            15: _status(event),
            16: given.created_ms,
        }
    )


def deal(fill: Fill) -> Body:
    return 306, message(
        {
            1: plain(fill.price),
            2: plain(fill.amount),
            3: plain(fill.cost),
            4: _side(fill.side),
            5: int(fill.liquidity == "maker"),
            6: 0,
            7: render.trade_id(fill),
            8: fill.client_id,
            9: fill.order_id,
            10: plain(fill.fee),
            11: fill.fee_coin,
            12: fill.at_ms,
        }
    )


def balance(change: BalanceChange, now_ms: int) -> Body:
    return 307, message(
        {
            1: change.coin,
            2: f"paper-{change.coin.lower()}",
            3: plain(change.balance.free),
            4: plain(subtract(change.total_delta, change.held_delta)),
            5: plain(change.balance.held),
            6: plain(change.held_delta),
            7: _BALANCE_CAUSES[change.cause],
            8: now_ms,
        }
    )


def _status(event: OrderEvent) -> int:
    if event.kind == "canceled":
        return 5 if event.order.filled else 4
    return {"open": 1, "filled": 2, "match": 3}[event.kind]


def _side(side: str) -> int:
    return 1 if side == "buy" else 2


def _average(cost: Decimal, amount: Decimal) -> Decimal:
    return round(divide(cost, amount), _AVERAGE_DIGITS) if amount else ZERO


def _level(level: Level) -> bytes:
    return message({1: plain(level.price), 2: plain(level.amount)})
