"""The connector's own ccxt adapter against a running paper exchange; keys are signed with in the test process."""

import asyncio
import hashlib
import hmac
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field

import pytest
from backfuture_common.bus import KafkaSettings, Outgoing
from backfuture_common.contracts.key_vault import PASSPHRASE_MARK
from backfuture_common.domain.ids import ConnectionId, ExchangeId, Symbol
from backfuture_common.messages.market import Instrument
from backfuture_common.runtime.clock import Clock
from backfuture_connector.adapters.ccxt_factory import CcxtFactory
from backfuture_connector.adapters.ccxt_venue import CcxtAccount
from backfuture_connector.core.facts import Venue
from backfuture_connector.core.failures import VenueError, local_failure
from backfuture_connector.core.recovery import Rules
from backfuture_connector.ports import Lease
from backfuture_connector.shell.ledger import Ledger
from backfuture_connector.shell.limiter import Limiter
from backfuture_connector.shell.orders import OrderDesk
from backfuture_connector.shell.sending import Sender
from backfuture_connector.shell.settling import Settler
from backfuture_connector.shell.steady import ClockWatch

from tests.support.paper import Credentials, Paper, running_paper

VENUES: tuple[Venue, ...] = ("kucoin", "mexc")


@pytest.fixture(scope="session")
def paper(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Paper]:
    with running_paper(tmp_path_factory.mktemp("paper")) as running:
        yield running


@pytest.fixture(autouse=True)
def _undisturbed(paper: Paper) -> Iterator[None]:
    yield
    paper.clear_faults()
    paper.control("clock", offset_ms=0)
    paper.control("prices", paused=False)
    paper.control("streams", action="accept")
    for symbol in ("BTC/USDT", "ETH/USDT", "SOL/USDT"):
        paper.control("price", symbol=symbol)
        paper.control("fills", symbol=symbol, stopped=False)


@pytest.fixture(params=VENUES)
def venue(request: pytest.FixtureRequest) -> Venue:
    chosen: Venue = request.param
    return chosen


@dataclass
class TestSigner:
    """Knows the secrets of this test's keys, by lease; may be told to be away."""

    __test__ = False

    secrets: dict[str, Credentials] = field(default_factory=dict)
    away: bool = False
    signed: int = 0

    def sign(self, lease: Lease, message: bytes) -> bytes:
        if self.away:
            raise VenueError(local_failure("signer_unavailable", "KeyVaultUnreachable"))
        self.signed += 1
        key = self.secrets[lease.handle]
        plain = key.get("passphrase", "").encode() if message == PASSPHRASE_MARK else message
        return hmac.new(key["secret"].encode(), plain, hashlib.sha256).digest()


@dataclass
class Bed:
    """One venue with its factory, markets loaded."""

    __test__ = False

    venue: Venue
    paper: Paper
    factory: CcxtFactory
    signer: TestSigner
    clock: Clock
    instruments: dict[Symbol, Instrument]

    @property
    def exchange(self) -> ExchangeId:
        return ExchangeId(f"paper-{self.venue}")

    def open(self, key: Credentials, *, offset_ms: int = 0) -> CcxtAccount:
        """Open an account with this key."""
        handle = f"lease-{len(self.signer.secrets)}"
        self.signer.secrets[handle] = key
        lease = Lease(
            connection_id=ConnectionId(f"conn_{len(self.signer.secrets)}"),
            handle=handle,
            api_key=key["api_key"],
            version=1,
            needs_passphrase=self.venue == "kucoin",
            expires_in_s=3600,
        )
        return self.factory.account(lease, offset_ms)

    def price(self, bid: str = "60000", ask: str = "60001") -> None:
        """Hold BTC's price there."""
        self.paper.control("price", symbol="BTC/USDT", bid=bid, ask=ask)


async def load_patiently(factory: CcxtFactory) -> tuple[Instrument, ...]:
    """Load the markets; a machine that is busy starting everything may need a second try."""
    for _ in range(3):
        try:
            return await factory.load_instruments()
        except VenueError:
            await asyncio.sleep(1)
    return await factory.load_instruments()


@pytest.fixture
async def bed(paper: Paper, venue: Venue) -> AsyncIterator[Bed]:
    clock, signer = Clock(), TestSigner()
    exchange = ExchangeId(f"paper-{venue}")
    factory = CcxtFactory(exchange, f"{paper.url}/{venue}", Limiter(venue, clock), signer, clock, timeout_s=2.0)
    try:
        markets = {one.symbol: one for one in await load_patiently(factory)}
        yield Bed(venue, paper, factory, signer, clock, markets)
    finally:
        await factory.close()


class MemoryCommitter:
    """Topics of this test."""

    def __init__(self) -> None:
        self.records: list[Outgoing] = []

    async def commit(self, records: Sequence[Outgoing]) -> None:
        self.records += records


@dataclass
class Desk:
    """An order desk on a ledger in memory."""

    ledger: Ledger
    desk: OrderDesk
    settler: Settler
    sender: Sender


OpenDesk = Callable[[Rules], Desk]


@pytest.fixture
async def open_desk(bed: Bed) -> AsyncIterator[OpenDesk]:
    """Return a function that makes a desk; its ledger is written while the test runs."""
    async with asyncio.TaskGroup() as group:
        writers: list[asyncio.Task[None]] = []

        def make(rules: Rules) -> Desk:
            kafka = KafkaSettings(bootstrap_servers="nowhere", client_id="test")
            ledger = Ledger(kafka, bed.exchange, MemoryCommitter())  # type: ignore[arg-type]  # the one method it needs
            writers.append(group.create_task(ledger.run()))

            async def no_new_lease() -> bool:
                return False

            sender = Sender(bed.clock, no_new_lease, ClockWatch(bed.clock))
            settler = Settler(ledger, sender, bed.clock, rules, asyncio.Event())
            return Desk(ledger, OrderDesk(ledger, sender, settler, bed.clock), settler, sender)

        yield make
        for writer in writers:
            writer.cancel()
