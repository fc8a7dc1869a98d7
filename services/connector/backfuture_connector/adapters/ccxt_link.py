"""One stream connection of ccxt: held, watched for silence, and dropped for good when it hangs.

ccxt hangs without an error in several cases (an expired token, a forgotten listen key, an exception in a handler).
Whatever the reason: no frame for ``SILENCE_S`` although we ping every few seconds means the link is dead. Then the
client is taken out and closed, and the tokens ccxt remembers are forgotten, so that the next try starts from nothing.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

from backfuture_common.runtime.logging import get_logger

from backfuture_connector.adapters import ccxt_calls
from backfuture_connector.adapters.ccxt_classes import Ccxt
from backfuture_connector.adapters.ccxt_errors import translate
from backfuture_connector.core.budget import Priority
from backfuture_connector.core.facts import Venue
from backfuture_connector.core.failures import VenueError, local_failure

SILENCE_S = 12.0
LOOK_EVERY_S = 1.0
MAX_LIFE_S = 23 * 3600
"""The venues cut every connection after a day; we renew before, at a moment of our own."""
_FIRST_DELAY_S, _MAX_DELAY_S = 0.2, 30.0
_CLOSE_S = 3.0

_log = get_logger("backfuture.connector.link")


class Link:
    """The stream connection of one ccxt object."""

    def __init__(self, exchange: Ccxt, venue: Venue, what: str) -> None:
        self._exchange = exchange
        self._venue: Venue = venue
        self._what = what
        self._restart_why: str | None = None
        self._failures = 0

    def silent_for_s(self) -> float | None:
        """Return the seconds since the last frame, None before the first."""
        heard = [client.last_message_at for client in list(self._exchange.clients.values()) if client.last_message_at]
        return max(0.0, time.time() - max(heard) / 1000) if heard else None

    def healthy(self) -> bool:
        """Say whether frames come in."""
        silent_s = self.silent_for_s()
        return silent_s is not None and silent_s < SILENCE_S

    def restart(self, why: str) -> None:
        """Drop the connection at the next look and start anew."""
        self._restart_why = why

    async def hold(
        self,
        watch: Callable[[], Awaitable[object]],
        on_lost: Callable[[], None],
        needed: Callable[[], bool] = lambda: True,
    ) -> None:
        """Keep ``watch`` going for ever while it is ``needed``: it is started anew when its connection is lost."""
        while True:
            if not needed():
                await asyncio.sleep(LOOK_EVERY_S / 10)
                continue
            started_s = time.monotonic()
            why = await self._once(watch)
            await self._drop()
            on_lost()
            if time.monotonic() - started_s > SILENCE_S:
                self._failures = 0
            delay_s = min(_MAX_DELAY_S, _FIRST_DELAY_S * 2**self._failures)
            self._failures = min(self._failures + 1, 10)
            _log.warning("link.lost", what=self._what, why=why, delay_s=delay_s)
            await asyncio.sleep(delay_s)

    async def _once(self, watch: Callable[[], Awaitable[object]]) -> str:
        """Return why the connection ended."""
        self._restart_why = None
        why = "ended"
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._run(watch))
                group.create_task(self._look())
        except* VenueError as errors:
            why = str(_first(errors))
        return why

    async def _run(self, watch: Callable[[], Awaitable[object]]) -> None:
        failure: VenueError | None = None
        with ccxt_calls.call(Priority.QUERY, MAX_LIFE_S):
            try:
                self._exchange.open()
                await watch()
            except Exception as error:  # noqa: BLE001  # arch: catch-all - translated and raised below, without its text
                failure = translate(self._venue, error, ccxt_calls.Call(Priority.QUERY, 0.0))
        raise failure or VenueError(local_failure("network", "WatchEnded")) from None

    async def _look(self) -> None:
        started_s = time.monotonic()
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            age_s = time.monotonic() - started_s
            silent_s = self.silent_for_s()
            if self._restart_why is not None:
                raise VenueError(local_failure("network", self._restart_why))
            if age_s > SILENCE_S and (silent_s is None or silent_s > SILENCE_S):
                raise VenueError(local_failure("network", "Silence"))
            if age_s > MAX_LIFE_S:
                raise VenueError(local_failure("network", "DailyRenewal"))

    async def _drop(self) -> None:
        """Take out and close every connection, and forget the tokens behind them."""
        clients, self._exchange.clients = self._exchange.clients, {}
        self._exchange.options["listenKey"] = None
        self._exchange.options["listenKeyFetching"] = False
        self._exchange.options["urls"] = {}
        for client in clients.values():
            try:
                async with asyncio.timeout(_CLOSE_S):
                    await client.close()
            except Exception as error:  # noqa: BLE001  # arch: catch-all - the connection is dropped whatever it says
                _log.debug("link.close_failed", what=self._what, cause=type(error).__name__)


def _first(group: BaseExceptionGroup[VenueError]) -> VenueError:
    first = group.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
