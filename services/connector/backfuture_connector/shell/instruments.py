"""The exchange's markets: loaded at start and every hour, published when they change."""

import asyncio

import msgspec
from backfuture_common.bus import Outgoing, Publisher
from backfuture_common.domain.ids import Symbol
from backfuture_common.messages.market import Instrument, market_key
from backfuture_common.runtime.clock import Clock
from backfuture_common.runtime.health import Health
from backfuture_common.runtime.logging import get_logger
from backfuture_common.topics import MARKET_INSTRUMENTS

from backfuture_connector.core.failures import VenueError
from backfuture_connector.ports import LoadInstruments

QUOTE = "USDT"
TRIAL_BASES = ("BTC", "ETH")
_FIRST_DELAY_S, _MAX_DELAY_S = 1.0, 60.0

_log = get_logger("backfuture.connector.instruments")


class Instruments:
    """The newest instruments by symbol. Those against USDT are published, and any other that somebody wants."""

    def __init__(
        self, load: LoadInstruments, publisher: Publisher, clock: Clock, health: Health, refresh_s: float
    ) -> None:
        self._load = load
        self._publisher = publisher
        self._clock = clock
        self._health = health
        self._refresh_s = refresh_s
        self._known: dict[Symbol, Instrument] = {}
        self._published: dict[Symbol, Instrument] = {}
        self._wanted: frozenset[Symbol] = frozenset()

    def get(self, symbol: Symbol) -> Instrument | None:
        """Return the instrument, None when the exchange does not list it."""
        return self._known.get(symbol)

    def trial_market(self) -> Instrument | None:
        """Return an active market that suits a test order: the best known one."""
        usual = [self._known.get(Symbol(f"{base}/{QUOTE}")) for base in TRIAL_BASES]
        others = sorted(self._known.values(), key=lambda one: one.symbol)
        return next((one for one in (*usual, *others) if one is not None and one.active), None)

    async def first_load(self) -> None:
        """Load until it works: nothing can be done without markets."""
        delay_s = _FIRST_DELAY_S
        while not await self._refresh():
            await asyncio.sleep(delay_s)
            delay_s = min(_MAX_DELAY_S, delay_s * 2)

    async def run(self) -> None:
        """Refresh, for ever; an exchange that does not answer leaves what is known."""
        while True:
            await asyncio.sleep(self._refresh_s)
            await self._refresh()

    async def want(self, symbols: frozenset[Symbol]) -> None:
        """Publish these markets, too."""
        self._wanted = symbols
        await self._publish()

    async def _refresh(self) -> bool:
        try:
            found = await self._load()
        except VenueError as error:
            self._health.set("exchange", ok=False, detail=f"markets: {error}")
            _log.warning("markets.not_loaded", kind=error.failure.kind, code=error.failure.raw)
            return False
        fresh = {one.symbol: one for one in found}
        now_ms = self._clock.now_ms()
        gone = {
            symbol: msgspec.structs.replace(old, active=False, updated_ms=now_ms)
            for symbol, old in self._known.items()
            if symbol not in fresh
        }
        self._known = {**gone, **fresh}
        await self._publish()
        _log.info("markets.loaded", markets=len(fresh), gone=len(gone))
        return True

    async def _publish(self) -> None:
        new = [one for symbol, one in self._known.items() if self._is_public(one) and self._is_news(symbol, one)]
        await self._publisher.publish_all(
            [Outgoing(MARKET_INSTRUMENTS, market_key(one.exchange, one.symbol), one) for one in new]
        )
        self._published |= {one.symbol: one for one in new}

    def _is_public(self, one: Instrument) -> bool:
        return one.quote == QUOTE or one.symbol in self._wanted

    def _is_news(self, symbol: Symbol, one: Instrument) -> bool:
        old = self._published.get(symbol)
        return old is None or msgspec.structs.replace(old, updated_ms=one.updated_ms) != one
