"""The exchange's memory on disk: one SQLite file, written before any answer leaves, read again at start-up."""

import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec
from backfuture_common.domain.money import parse_decimal, plain
from backfuture_common.errors import Fatal

from backfuture_paper.core.exchange import Changes
from backfuture_paper.core.instruments import Venue
from backfuture_paper.core.keys import ApiKey
from backfuture_paper.core.ledger import Balance
from backfuture_paper.core.orders import Fill, Order
from backfuture_paper.records import Account, Movement, Session

_SCHEMA = """
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS accounts (id TEXT PRIMARY KEY, venue TEXT NOT NULL, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS keys (api_key TEXT PRIMARY KEY, account TEXT NOT NULL, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS balances (
    account TEXT NOT NULL, coin TEXT NOT NULL, free TEXT NOT NULL, held TEXT NOT NULL, PRIMARY KEY (account, coin)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS orders (
    venue TEXT NOT NULL, id TEXT NOT NULL, number INTEGER NOT NULL, account TEXT NOT NULL, client_id TEXT NOT NULL,
    symbol TEXT NOT NULL, active INTEGER NOT NULL, created_ms INTEGER NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY (venue, id)
);
CREATE INDEX IF NOT EXISTS orders_by_account ON orders (account, symbol, number);
CREATE INDEX IF NOT EXISTS orders_by_client_id ON orders (account, client_id, number);
CREATE INDEX IF NOT EXISTS orders_active ON orders (active) WHERE active = 1;
CREATE TABLE IF NOT EXISTS fills (
    venue TEXT NOT NULL, id INTEGER NOT NULL, account TEXT NOT NULL, symbol TEXT NOT NULL, order_id TEXT NOT NULL,
    at_ms INTEGER NOT NULL, body BLOB NOT NULL, PRIMARY KEY (venue, id)
);
CREATE INDEX IF NOT EXISTS fills_by_account ON fills (account, symbol, id);
CREATE TABLE IF NOT EXISTS movements (id INTEGER PRIMARY KEY, account TEXT NOT NULL, body BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS movements_by_account ON movements (account, id);
CREATE TABLE IF NOT EXISTS sessions (token TEXT PRIMARY KEY, venue TEXT NOT NULL, body BLOB NOT NULL);
"""
_encode = msgspec.json.encode


class Store:
    """All reads see all earlier writes. Any failure to write is :class:`Fatal`: memory and disk would differ.

    Survives the death of the process at any instant; the last answers before a power cut may be lost.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;")
        self._db.executescript(_SCHEMA)

    def close(self) -> None:
        self._db.close()

    # -- writing

    def apply(self, venue: Venue, changes: Changes, movement: Movement | None = None) -> None:
        """Write everything one operation changed, or nothing."""
        self._in_transaction(self._writes(venue, changes, movement))

    def add_account(self, account: Account) -> None:
        self._in_transaction([_account_row(account)])

    def put_key(self, key: ApiKey) -> None:
        self._in_transaction([("REPLACE INTO keys VALUES (?, ?, ?)", (key.api_key, key.account, _encode(key)))])

    def put_session(self, session: Session) -> None:
        row = (session.token, session.venue, _encode(session))
        self._in_transaction([("REPLACE INTO sessions VALUES (?, ?, ?)", row)])

    def delete_sessions(self, tokens: Iterable[str]) -> None:
        self._in_transaction(("DELETE FROM sessions WHERE token = ?", (token,)) for token in tokens)

    def put_fact(self, name: str, value: str) -> None:
        self._in_transaction([("REPLACE INTO facts VALUES (?, ?)", (name, value))])

    # -- reading

    def fact(self, name: str) -> str | None:
        row = self._db.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def accounts(self) -> list[Account]:
        return [msgspec.json.decode(row[0], type=Account) for row in self._db.execute("SELECT body FROM accounts")]

    def api_keys(self) -> list[ApiKey]:
        return [msgspec.json.decode(row[0], type=ApiKey) for row in self._db.execute("SELECT body FROM keys")]

    def sessions(self) -> list[Session]:
        return [msgspec.json.decode(row[0], type=Session) for row in self._db.execute("SELECT body FROM sessions")]

    def balances(self) -> Iterator[tuple[str, str, Balance]]:
        for account, coin, free, held in self._db.execute("SELECT account, coin, free, held FROM balances"):
            yield account, coin, Balance(parse_decimal(free), parse_decimal(held))

    def active_orders(self, venue: Venue) -> list[Order]:
        rows = self._db.execute("SELECT body FROM orders WHERE venue = ? AND active = 1 ORDER BY number", (venue,))
        return _orders(rows)

    def next_numbers(self, venue: Venue) -> tuple[int, int]:
        """Return the numbers of the next order and of the next fill."""
        order = self._db.execute("SELECT max(number) FROM orders WHERE venue = ?", (venue,)).fetchone()[0]
        fill = self._db.execute("SELECT max(id) FROM fills WHERE venue = ?", (venue,)).fetchone()[0]
        return (order or 0) + 1, (fill or 0) + 1

    def order(self, account: str, order_id: str) -> Order | None:
        rows = self._db.execute("SELECT body FROM orders WHERE account = ? AND id = ?", (account, order_id))
        return next(iter(_orders(rows)), None)

    def order_by_client_id(self, account: str, client_id: str) -> Order | None:
        """Return the newest order with this client order id."""
        rows = self._db.execute(
            "SELECT body FROM orders WHERE account = ? AND client_id = ? ORDER BY number DESC LIMIT 1",
            (account, client_id),
        )
        return next(iter(_orders(rows)), None)

    def orders(
        self, account: str, symbol: str | None = None, *, since_ms: int = 0, until_ms: int = 2**62, limit: int = 1_000
    ) -> list[Order]:
        """Return orders of every state created in a time, newest first."""
        rows = self._db.execute(
            "SELECT body FROM orders WHERE account = ? AND (?2 IS NULL OR symbol = ?2)"
            " AND created_ms BETWEEN ?3 AND ?4 ORDER BY number DESC LIMIT ?5",
            (account, symbol, since_ms, until_ms, limit),
        )
        return _orders(rows)

    def fills(
        self,
        account: str,
        symbol: str | None = None,
        *,
        order_id: str | None = None,
        since_ms: int = 0,
        until_ms: int = 2**62,
        limit: int = 1_000,
    ) -> list[Fill]:
        """Return fills in a time, newest first."""
        rows = self._db.execute(
            "SELECT body FROM fills WHERE account = ? AND (?2 IS NULL OR symbol = ?2) AND (?3 IS NULL OR order_id = ?3)"
            " AND at_ms BETWEEN ?4 AND ?5 ORDER BY id DESC LIMIT ?6",
            (account, symbol, order_id, since_ms, until_ms, limit),
        )
        return [msgspec.json.decode(row[0], type=Fill) for row in rows]

    def movements(self, account: str) -> list[Movement]:
        rows = self._db.execute("SELECT body FROM movements WHERE account = ? ORDER BY id", (account,))
        return [msgspec.json.decode(row[0], type=Movement) for row in rows]

    # -- inside

    def _writes(
        self, venue: Venue, changes: Changes, movement: Movement | None
    ) -> Iterator[tuple[str, tuple[object, ...]]]:
        for order in {event.order.id: event.order for event in changes.orders}.values():
            yield _order_row(venue, order)
        for fill in changes.fills:
            yield (
                "INSERT INTO fills VALUES (?, ?, ?, ?, ?, ?, ?)",
                (venue, fill.id, fill.account, fill.symbol, fill.order_id, fill.at_ms, _encode(fill)),
            )
        for change in {(change.account, change.coin): change for change in changes.balances}.values():
            balance = change.balance
            yield (
                "REPLACE INTO balances VALUES (?, ?, ?, ?)",
                (change.account, change.coin, plain(balance.free), plain(balance.held)),
            )
        if movement is not None:
            yield "INSERT INTO movements (account, body) VALUES (?, ?)", (movement.account, _encode(movement))

    def _in_transaction(self, writes: Iterable[tuple[str, tuple[object, ...]]]) -> None:
        try:
            self._db.execute("BEGIN IMMEDIATE")
            for sql, row in writes:
                self._db.execute(sql, row)
            self._db.execute("COMMIT")
        except sqlite3.Error as error:
            raise Fatal("paper.store_failed", f"the state file cannot be written: {error}") from error


def _order_row(venue: Venue, order: Order) -> tuple[str, tuple[object, ...]]:
    return "REPLACE INTO orders VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", (
        venue,
        order.id,
        order.number,
        order.account,
        order.request.client_id,
        order.symbol,
        int(order.active),
        order.created_ms,
        _encode(order),
    )


def _account_row(account: Account) -> tuple[str, tuple[object, ...]]:
    return "INSERT INTO accounts VALUES (?, ?, ?)", (account.id, account.venue, _encode(account))


def _orders(rows: Iterable[tuple[bytes]]) -> list[Order]:
    return [msgspec.json.decode(row[0], type=Order) for row in rows]
