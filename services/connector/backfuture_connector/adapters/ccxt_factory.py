"""Makes the objects of one exchange: the reference, price feeds, accounts. All share the reference's markets."""

import weakref

from backfuture_common.domain.ids import ExchangeId
from backfuture_common.messages.market import Instrument
from backfuture_common.runtime.clock import Clock

from backfuture_connector.adapters.ccxt_classes import Ccxt, make
from backfuture_connector.adapters.ccxt_dialects import DIALECTS
from backfuture_connector.adapters.ccxt_feed import CcxtFeed
from backfuture_connector.adapters.ccxt_hooks import Budget, Wiring
from backfuture_connector.adapters.ccxt_venue import CcxtAccount, CcxtPublic
from backfuture_connector.core.facts import venue_of
from backfuture_connector.ports import Lease, OnLost, OnTop, Signer


class CcxtFactory:
    """One exchange. ``base_url`` None: the live one. Nothing but the reference works before its markets are loaded."""

    def __init__(
        self,
        exchange: ExchangeId,
        base_url: str | None,
        budget: Budget,
        signer: Signer,
        clock: Clock,
        *,
        timeout_s: float,
    ) -> None:
        self._venue = venue_of(exchange)
        self._dialect = DIALECTS[self._venue]
        self._base_url = base_url
        self._budget = budget
        self._signer = signer
        self._clock = clock
        self._timeout_s = timeout_s
        self._others: weakref.WeakSet[Ccxt] = weakref.WeakSet()
        self._reference = make(self._venue, base_url, Wiring(budget), timeout_s=timeout_s)
        self.public = CcxtPublic(self._reference, exchange, self._dialect, clock)

    @property
    def topics_per_feed(self) -> int:
        """Return how many markets one feed may carry."""
        return self._dialect.topics_per_link

    async def load_instruments(self) -> tuple[Instrument, ...]:
        """Load the markets anew, for all objects."""
        instruments = await self.public.load_instruments()
        for other in self._others:
            other.set_markets_from_exchange(self._reference)
        return instruments

    def feed(self, on_top: OnTop, on_lost: OnLost) -> CcxtFeed:
        """Return a price feed that is not running yet."""
        return CcxtFeed(self._share(Wiring(self._budget)), self._dialect, on_top, on_lost)

    def account(self, lease: Lease, clock_offset_ms: int) -> CcxtAccount:
        """Return the account behind a lease. ``clock_offset_ms``: the exchange's clock minus ours."""
        wiring = Wiring(self._budget, account=lease.connection_id, signer=self._signer, lease=lease)
        exchange = self._share(wiring, lease)
        exchange.options["timeDifference"] = -clock_offset_ms
        return CcxtAccount(exchange, self._dialect, self._clock)

    async def close(self) -> None:
        """Close the reference and whatever feed or account is still open."""
        for exchange in (self._reference, *self._others):
            await exchange.close()

    def _share(self, wiring: Wiring, lease: Lease | None = None) -> Ccxt:
        other = make(self._venue, self._base_url, wiring, timeout_s=self._timeout_s, lease=lease)
        other.set_markets_from_exchange(self._reference)
        other.ssl_context = self._reference.ssl_context
        self._others.add(other)
        return other
