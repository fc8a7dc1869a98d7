"""Stand-ins for the outsides of the shell, each doing only what a test tells it to."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from backfuture_common.bus import Outgoing
from backfuture_common.domain.ids import ClientOrderId, ConnectionId, Symbol, UserId
from backfuture_common.messages.codec import Message
from backfuture_common.messages.connections import Balance, ConnectionState
from backfuture_common.messages.orders import PlaceOrder
from backfuture_connector.core.facts import OrderFact, Top, TradeFact
from backfuture_connector.core.failures import FailureKind, VenueError, local_failure
from backfuture_connector.core.key_verdict import KeyVerdict
from backfuture_connector.ports import Lease

from tests.property.connector.virtual_time import START_MS

GOOD = KeyVerdict(code="OK", rights=("General", "Spot"), ip_restricted=True)


def broken(kind: FailureKind) -> VenueError:
    return VenueError(local_failure(kind, "Test"))


@dataclass
class FakeKeys:
    """A key store; ``version`` is what it holds, ``down`` how it fails."""

    version: int = 1
    down: FailureKind | None = None
    renew_down: FailureKind | None = None
    leased: int = 0
    dropped: list[str] = field(default_factory=list)
    renewed: int = 0
    owners: set[UserId] = field(default_factory=set)

    async def lease(self, owner: UserId, connection_id: ConnectionId) -> Lease:
        if self.down is not None:
            raise broken(self.down)
        self.leased += 1
        self.owners.add(owner)
        return self._lease(connection_id, f"handle-{self.leased}")

    async def renew(self, lease: Lease) -> Lease:
        if self.renew_down is not None:
            raise broken(self.renew_down)
        self.renewed += 1
        return self._lease(lease.connection_id, lease.handle)

    async def drop(self, lease: Lease) -> None:
        self.dropped.append(lease.handle)

    def _lease(self, connection_id: ConnectionId, handle: str) -> Lease:
        return Lease(
            connection_id=connection_id,
            handle=handle,
            api_key="key",
            version=self.version,
            needs_passphrase=False,
            expires_in_s=3600,
        )


@dataclass
class FakeVenue:
    """An account. ``verdict`` may be a failure; ``hangs`` makes every question wait for ever."""

    verdict: KeyVerdict | FailureKind = GOOD
    trial: FailureKind | None = None
    hangs: bool = False
    asked: list[str] = field(default_factory=list)
    closed: bool = False
    leases: list[str] = field(default_factory=list)
    trials: list[tuple[Symbol, Decimal, Decimal]] = field(default_factory=list)
    patience_s: list[float | None] = field(default_factory=list)
    pushes: list[object] = field(default_factory=list)

    async def key_verdict(self) -> KeyVerdict:
        await self._ask("key")
        if isinstance(self.verdict, str):
            raise broken(self.verdict)
        return self.verdict

    async def try_order(self, symbol: Symbol, amount: str, price: str) -> None:
        await self._ask("trial")
        self.trials.append((symbol, Decimal(amount), Decimal(price)))
        if self.trial is not None:
            raise broken(self.trial)

    async def balances(self, *, within_s: float | None = None) -> tuple[Balance, ...]:
        await self._ask("balances")
        self.patience_s.append(within_s)
        return (Balance(currency="USDT", free=Decimal(7), held=Decimal(0)),)

    async def open_orders(self, symbol: Symbol) -> tuple[OrderFact, ...]:
        await self._ask(f"orders of {symbol}")
        return ()

    async def watch_private(self, on_change: Callable[[str | None], None], on_gap: Callable[[], None]) -> None:
        self.pushes += [on_change, on_gap]
        await asyncio.Event().wait()

    def use(self, lease: Lease) -> None:
        self.leases.append(lease.handle)

    async def close(self) -> None:
        self.closed = True

    async def place(self, command: PlaceOrder, *, within_s: float) -> str:
        raise NotImplementedError

    async def find_order(self, client_order_id: ClientOrderId, symbol: Symbol) -> OrderFact | None:
        raise NotImplementedError

    async def trades(self, symbol: Symbol, since_ms: int, exchange_order_id: str | None) -> tuple[TradeFact, ...]:
        raise NotImplementedError

    async def cancel(self, client_order_id: ClientOrderId, symbol: Symbol) -> None:
        raise NotImplementedError

    async def _ask(self, what: str) -> None:
        self.asked.append(what)
        if self.hangs:
            await asyncio.Event().wait()


@dataclass
class FakePublic:
    """What the exchange tells everybody."""

    down: FailureKind | None = None
    ahead_ms: int = 0
    tops: dict[Symbol, Top] = field(default_factory=dict)
    asked: list[Symbol] = field(default_factory=list)

    async def server_time_ms(self) -> int:
        if self.down is not None:
            raise broken(self.down)
        return START_MS + int(asyncio.get_running_loop().time() * 1000) + self.ahead_ms

    async def fetch_top(self, symbol: Symbol) -> Top | None:
        self.asked.append(symbol)
        return self.tops.get(symbol)


class FakePublisher:
    """Keeps what is published."""

    def __init__(self) -> None:
        self.records: list[Outgoing] = []

    async def publish(self, record: Outgoing) -> int:
        return (await self.publish_all([record]))[0]

    async def publish_all(self, records: Sequence[Outgoing]) -> list[int]:
        self.records += records
        return list(range(len(records)))

    def messages(self) -> list[Message | None]:
        return [record.value for record in self.records]

    def states(self) -> list[ConnectionState]:
        return [value for value in self.messages() if isinstance(value, ConnectionState)]


@dataclass
class FakeFeed:
    """A stream connection that a test makes speak."""

    on_top: Callable[[Symbol, Top], None]
    on_lost: Callable[[frozenset[Symbol]], None]
    wanted: frozenset[Symbol] = frozenset()
    well: bool = True
    restarts: list[str] = field(default_factory=list)

    def want(self, symbols: frozenset[Symbol]) -> None:
        self.wanted = symbols

    def healthy(self) -> bool:
        return self.well

    def silent_for_s(self) -> float | None:
        return 0.0 if self.well else 99.0

    def restart(self, why: str) -> None:
        self.restarts.append(why)

    async def run(self) -> None:
        await asyncio.Event().wait()

    def __hash__(self) -> int:
        return id(self)
