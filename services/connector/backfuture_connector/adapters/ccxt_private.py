"""An account's own pushes, used as hints only: whatever they say is asked for by REST, where the digits are exact."""

import asyncio
from collections.abc import Callable, Mapping

from backfuture_connector.adapters.ccxt_classes import Ccxt
from backfuture_connector.adapters.ccxt_dialects import Dialect
from backfuture_connector.adapters.ccxt_link import Link
from backfuture_connector.core.raw import MalformedError


class PrivateStream:
    """The private stream of one account."""

    def __init__(self, exchange: Ccxt, dialect: Dialect) -> None:
        self._exchange = exchange
        self._dialect = dialect
        self._link = Link(exchange, dialect.venue, "private")

    async def run(self, on_change: Callable[[str | None], None], on_gap: Callable[[], None]) -> None:
        """Call ``on_change`` for each push and ``on_gap`` after each lost connection, for ever."""

        def push(message: Mapping[str, object]) -> None:
            try:
                on_change(self._dialect.order_hint(message))
            except MalformedError:
                on_change(None)  # something changed: whoever waits asks

        self._exchange.wiring.on_push = push
        await self._link.hold(self._watch, on_gap)

    async def _watch(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(_forever(self._exchange.watch_orders))
            if self._dialect.venue == "mexc":  # on KuCoin both come through one topic
                group.create_task(_forever(self._exchange.watch_my_trades))


async def _forever(watch: Callable[[], object]) -> None:
    await watch()  # type: ignore[misc]  # an awaitable of ccxt, which only ends by raising
