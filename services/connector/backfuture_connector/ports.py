"""What the connector needs from outside, by role. Adapters are chosen in ``bootstrap``."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

from backfuture_common.domain.ids import ClientOrderId, ConnectionId, Symbol, UserId
from backfuture_common.messages.connections import Balance
from backfuture_common.messages.market import Instrument
from backfuture_common.messages.orders import PlaceOrder

from backfuture_connector.core.facts import OrderFact, Top, TradeFact
from backfuture_connector.core.key_verdict import KeyVerdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The right to have requests of one connection signed. ``handle`` works only at the signer, and only here."""

    connection_id: ConnectionId
    handle: str = field(repr=False)
    api_key: str = field(repr=False)
    version: int
    needs_passphrase: bool
    expires_in_s: int


class KeyStore(Protocol):
    """Leases keys. Every failure is a :class:`VenueError` of kind ``signer_unavailable``, ``signer_refused`` or
    ``lease_gone``."""

    async def lease(self, owner: UserId, connection_id: ConnectionId) -> Lease: ...

    async def renew(self, lease: Lease) -> Lease: ...

    async def drop(self, lease: Lease) -> None: ...


class Signer(Protocol):
    """Signs with a leased key. Blocks for at most its time-out; fails like :class:`KeyStore`."""

    def sign(self, lease: Lease, message: bytes) -> bytes: ...


class PublicVenue(Protocol):
    """What an exchange tells everybody. Every failure is a :class:`VenueError`; every call has a deadline."""

    async def server_time_ms(self) -> int: ...

    async def fetch_top(self, symbol: Symbol) -> Top | None: ...


class PriceFeed(Protocol):
    """One connection for the prices of a few markets; it recovers by itself, for ever."""

    def want(self, symbols: frozenset[Symbol]) -> None: ...

    def healthy(self) -> bool: ...

    def silent_for_s(self) -> float | None:
        """Return the seconds since the last frame, None before the first."""
        ...

    def restart(self, why: str) -> None: ...

    async def run(self) -> None: ...


class AccountVenue(Protocol):
    """One account at the exchange. Every failure is a :class:`VenueError`; every call has a deadline.

    ``None`` from :meth:`find_order` is the exchange's own denial.
    """

    async def key_verdict(self) -> KeyVerdict: ...

    async def try_order(self, symbol: Symbol, amount: str, price: str) -> None: ...

    async def place(self, command: PlaceOrder, *, within_s: float) -> str:
        """Send the order unless ``within_s`` has passed by then; return the exchange's id of it."""
        ...

    async def find_order(self, client_order_id: ClientOrderId, symbol: Symbol) -> OrderFact | None: ...

    async def open_orders(self, symbol: Symbol) -> tuple[OrderFact, ...]: ...

    async def trades(self, symbol: Symbol, since_ms: int, exchange_order_id: str | None) -> tuple[TradeFact, ...]: ...

    async def cancel(self, client_order_id: ClientOrderId, symbol: Symbol) -> None: ...

    async def balances(self, *, within_s: float | None = None) -> tuple[Balance, ...]:
        """Return all non-zero balances; with ``within_s`` the request gives way when it cannot leave by then."""
        ...

    async def watch_private(self, on_change: Callable[[str | None], None], on_gap: Callable[[], None]) -> None:
        """Call ``on_change`` with the client order id (None: unknown) of each push, ``on_gap`` after each reconnect."""
        ...

    def use(self, lease: Lease) -> None:
        """Sign with another lease of the same key from now on."""
        ...

    async def close(self) -> None: ...


OpenAccount = Callable[[Lease, int], AccountVenue]
"""Makes the account behind a lease; the number is the exchange's clock minus ours, in milliseconds."""
LoadInstruments = Callable[[], Awaitable[tuple[Instrument, ...]]]
OnTop = Callable[[Symbol, Top], None]
OnLost = Callable[[frozenset[Symbol]], None]
OpenFeed = Callable[[OnTop, OnLost], PriceFeed]
