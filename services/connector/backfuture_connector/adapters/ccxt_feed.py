"""One stream connection for the prices of some markets."""

import asyncio
from collections.abc import Mapping

from backfuture_common.domain.ids import Symbol

from backfuture_connector.adapters.ccxt_classes import Ccxt
from backfuture_connector.adapters.ccxt_dialects import Dialect
from backfuture_connector.adapters.ccxt_link import Link
from backfuture_connector.core.raw import MalformedError
from backfuture_connector.ports import OnLost, OnTop


class CcxtFeed:
    """Calls ``on_top`` with each new best price of the wanted markets; recovers by itself.

    ``on_lost`` tells whose prices are no longer to be trusted: their connection ended.
    """

    def __init__(self, exchange: Ccxt, dialect: Dialect, on_top: OnTop, on_lost: OnLost) -> None:
        self._exchange = exchange
        self._dialect = dialect
        self._on_top = on_top
        self._on_lost = on_lost
        self._link = Link(exchange, dialect.venue, "prices")
        self._wanted: frozenset[Symbol] = frozenset()
        self._changed = asyncio.Event()
        exchange.wiring.on_push = self._push

    def want(self, symbols: frozenset[Symbol]) -> None:
        """Watch these; more are added to the running connection, fewer take effect at its next renewal."""
        self._wanted = symbols
        self._changed.set()

    def healthy(self) -> bool:
        return self._link.healthy()

    def silent_for_s(self) -> float | None:
        return self._link.silent_for_s()

    def restart(self, why: str) -> None:
        """Start the connection anew: its prices are not to be trusted."""
        self._link.restart(why)

    async def run(self) -> None:
        """Keep the connection, for ever."""
        await self._link.hold(self._watch, lambda: self._on_lost(self._wanted), lambda: bool(self._wanted))

    async def _watch(self) -> None:
        watched: set[Symbol] = set()
        async with asyncio.TaskGroup() as group:
            while True:
                self._changed.clear()
                new = sorted(self._wanted - watched)
                size = self._dialect.topics_per_message
                for start in range(0, len(new), size):
                    group.create_task(self._subscribe([str(symbol) for symbol in new[start : start + size]]))
                watched |= set(new)
                await self._changed.wait()

    async def _subscribe(self, symbols: list[str]) -> None:
        await self._dialect.watch_prices(self._exchange, symbols)

    def _push(self, message: Mapping[str, object]) -> None:
        try:
            found = self._dialect.top(message)
        except MalformedError:
            self._link.restart("MalformedPrice")
            return
        if found is not None:
            market_id, top = found
            symbol = Symbol(self._exchange.safe_symbol(market_id))
            if symbol in self._wanted:
                self._on_top(symbol, top)
