"""The exchange at work: every operation decides, is written down, and only then is told to anybody."""

import asyncio
import secrets
from collections.abc import Callable, Iterable
from decimal import Decimal

import msgspec
from backfuture_common.errors import Fatal
from backfuture_common.runtime import metrics
from backfuture_common.runtime.clock import Clock

from backfuture_paper.core.book import Book
from backfuture_paper.core.exchange import Changes, Exchange
from backfuture_paper.core.instruments import Venue, VenueRules
from backfuture_paper.core.keys import DAY_MS, ApiKey, Right
from backfuture_paper.core.ledger import Balance, Ledger
from backfuture_paper.core.orders import Order, OrderRequest
from backfuture_paper.core.refusals import ExchangeRefusal
from backfuture_paper.records import Account, Movement
from backfuture_paper.store import Store

ChangeListener = Callable[[Venue, Changes], None]

_ORDER_IDS: dict[Venue, Callable[[int], str]] = {
    "kucoin": lambda number: f"6700{number:020x}",
    "mexc": lambda number: f"C02__{600_000_000_000_000_000 + number}",
}


class World:
    """All venues' exchanges, accounts and keys over one store. Not for use from more than one task at a time.

    When a write fails, memory is ahead of the disk: the failing call raises, and :meth:`until_broken` raises, which
    ends the process.
    """

    def __init__(self, store: Store, clock: Clock, rules: Iterable[VenueRules]) -> None:
        self.store = store
        self.clock_offset_ms = 0
        self.keys: dict[str, ApiKey] = {key.api_key: key for key in store.api_keys()}
        self._clock = clock
        self._accounts = {account.id: account for account in store.accounts()}
        self._ledger = Ledger()
        for account, coin, balance in store.balances():
            self._ledger.load(account, coin, balance)
        self._exchanges = {rule.venue: self._restore(rule) for rule in rules}
        self._listeners: list[ChangeListener] = []
        self._broken = asyncio.Event()

    def _restore(self, rules: VenueRules) -> Exchange:
        next_order, next_fill = self.store.next_numbers(rules.venue)
        return Exchange(
            rules,
            ledger=self._ledger,
            order_id=_ORDER_IDS[rules.venue],
            id_was_used=lambda account, client_id: self.store.order_by_client_id(account, client_id) is not None,
            next_order=next_order,
            next_fill=next_fill,
            open_orders=self.store.active_orders(rules.venue),
        )

    # -- questions

    def now_ms(self) -> int:
        """Return the exchange's time, which a test may have set wrong."""
        return self._clock.now_ms() + self.clock_offset_ms

    def true_ms(self) -> int:
        """Return the machine's time, by which prices pass."""
        return self._clock.now_ms()

    def exchange(self, venue: Venue) -> Exchange:
        return self._exchanges[venue]

    def account(self, account: str) -> Account:
        return self._accounts[account]

    def has_account(self, venue: Venue, account: str) -> bool:
        return account in self._accounts and self._accounts[account].venue == venue

    def balances(self, account: str) -> dict[str, Balance]:
        return self._ledger.balances(account)

    def listen(self, listener: ChangeListener) -> None:
        """Have every change told to ``listener``, after it was written."""
        self._listeners.append(listener)

    async def until_broken(self) -> None:
        """Raise :class:`Fatal` once a write has failed."""
        await self._broken.wait()
        raise Fatal("paper.store_failed", "the state file cannot be written any more")

    # -- trading

    def place(self, venue: Venue, account: str, request: OrderRequest) -> Order:
        order, changes = self._exchanges[venue].place(account, request, self.now_ms())
        self._commit(venue, changes)
        return order

    def cancel(self, venue: Venue, account: str, order_id: str) -> Order:
        order, changes = self._exchanges[venue].cancel(account, order_id, self.now_ms())
        self._commit(venue, changes)
        return order

    def on_book(self, venue: Venue, book: Book) -> None:
        self._commit(venue, self._exchanges[venue].on_book(book))

    def fill(self, venue: Venue, account: str, order_id: str, amount: Decimal | None) -> None:
        self._commit(venue, self._exchanges[venue].fill(account, order_id, amount, self.now_ms()))

    # -- money and keys

    def move(self, movement: Movement) -> None:
        """Carry out a deposit, withdrawal or transfer. ExchangeRefusal when the money is not there."""
        venue = self._accounts[movement.account].venue
        cause = f"account.{movement.kind}"
        changes = self._exchanges[venue].transfer(movement.account, movement.coin, movement.amount, cause)
        self._commit(venue, changes, movement)

    def open_account(self, venue: Venue, balances: dict[str, Decimal]) -> str:
        number = len(self._accounts) + 1
        account = Account(id=f"acc-{number}", uid=165_000_000 + number, venue=venue, created_ms=self.now_ms())
        self._accounts[account.id] = account
        self._guarded(lambda: self.store.add_account(account))
        for coin, amount in balances.items():
            self.move(Movement(account=account.id, kind="deposit", coin=coin, amount=amount, at_ms=account.created_ms))
        return account.id

    def create_key(
        self, account: str, rights: Iterable[Right], ip_list: tuple[str, ...] = (), expires_days: int | None = None
    ) -> ApiKey:
        """Make a key for an account. Without an IP list a MEXC key ends after 90 days, as on the real venue."""
        venue = self._accounts[account].venue
        if expires_days is None and venue == "mexc" and not ip_list:
            expires_days = 90
        now_ms = self.now_ms()
        key = ApiKey(
            api_key=secrets.token_hex(12) if venue == "kucoin" else "mx0v" + secrets.token_hex(7),
            secret=secrets.token_hex(16),
            passphrase=secrets.token_hex(6) if venue == "kucoin" else "",
            account=account,
            venue=venue,
            rights=frozenset(rights),
            ip_list=ip_list,
            created_ms=now_ms,
            expires_ms=None if expires_days is None else now_ms + expires_days * DAY_MS,
        )
        self.put_key(key)
        return key

    def change_key(self, api_key: str, **changes: object) -> ApiKey:
        """Change fields of a key. ExchangeRefusal (``bad_parameter``) when there is no such key."""
        if (old := self.keys.get(api_key)) is None:
            raise ExchangeRefusal("bad_parameter", "no such key")
        key = msgspec.structs.replace(old, **changes)
        self.put_key(key)
        return key

    def put_key(self, key: ApiKey) -> None:
        self._guarded(lambda: self.store.put_key(key))
        self.keys[key.api_key] = key

    # -- inside

    def _commit(self, venue: Venue, changes: Changes, movement: Movement | None = None) -> None:
        if not changes.orders and not changes.balances and movement is None:
            return
        self._guarded(lambda: self.store.apply(venue, changes, movement))
        for event in changes.orders:
            metrics.PAPER_ORDERS.labels(venue=venue, step=event.kind).inc()
        for listener in self._listeners:
            listener(venue, changes)

    def _guarded(self, write: Callable[[], None]) -> None:
        try:
            write()
        except BaseException:
            self._broken.set()
            raise
