"""Small exchanges for tests: one venue, one book that is set by hand."""

from collections.abc import Iterable
from decimal import Decimal

from backfuture_paper.core.book import Book, Level
from backfuture_paper.core.exchange import Exchange
from backfuture_paper.core.instruments import VenueRules, kucoin_rules, mexc_rules
from backfuture_paper.core.ledger import Ledger
from backfuture_paper.core.orders import OrderRequest, Side

SYMBOL = "BTC/USDT"
ME = "acc-1"
NOW_MS = 1_800_000_000_000


def d(text: str | int) -> Decimal:
    return Decimal(text)


def an_exchange(
    rules: VenueRules | None = None, *, used_ids: Iterable[tuple[str, str]] = (), **balances: str
) -> Exchange:
    """Return an exchange on which ``ME`` has these balances."""
    ledger = Ledger()
    exchange = Exchange(
        rules or kucoin_rules(),
        ledger=ledger,
        order_id=lambda number: f"o{number}",
        id_was_used=lambda account, client_id: (account, client_id) in set(used_ids),
    )
    for coin, amount in balances.items():
        exchange.transfer(ME, coin, d(amount), "account.deposit")
    return exchange


def book(bids: list[tuple[str, str]], asks: list[tuple[str, str]], sequence: int = 1) -> Book:
    return Book(
        symbol=SYMBOL,
        at_ms=NOW_MS + sequence,
        sequence=sequence,
        bids=tuple(Level(d(price), d(amount)) for price, amount in bids),
        asks=tuple(Level(d(price), d(amount)) for price, amount in asks),
    )


NORMAL_BOOK = book([("99", "1"), ("98", "2")], [("100", "1"), ("101", "2")])


def limit(side: Side, amount: str, price: str, **more: object) -> OrderRequest:
    return OrderRequest(symbol=SYMBOL, side=side, kind="limit", amount=d(amount), price=d(price), **more)  # type: ignore[arg-type]  # tests pass what the field takes


def market(side: Side, *, amount: str | None = None, cost: str | None = None) -> OrderRequest:
    return OrderRequest(
        symbol=SYMBOL,
        side=side,
        kind="market",
        amount=None if amount is None else d(amount),
        cost=None if cost is None else d(cost),
    )


__all__ = [
    "ME",
    "NORMAL_BOOK",
    "NOW_MS",
    "SYMBOL",
    "an_exchange",
    "book",
    "d",
    "kucoin_rules",
    "limit",
    "market",
    "mexc_rules",
]
