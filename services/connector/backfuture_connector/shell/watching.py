"""Looks that are repeated: is the exchange there, can keys be used, what may be forgotten."""

import asyncio
import math
from collections.abc import Awaitable, Callable

from backfuture_common.domain.ids import ExchangeId
from backfuture_common.runtime import metrics
from backfuture_common.runtime.clock import Clock
from backfuture_common.runtime.health import Health
from backfuture_common.runtime.logging import get_logger

from backfuture_connector.core.failures import VenueError
from backfuture_connector.ports import PublicVenue
from backfuture_connector.shell.ledger import Ledger

EXCHANGE_EVERY_S = 15.0
KEYS_EVERY_S = 10.0
MEASURE_EVERY_S = 2.0
PRUNE_EVERY_S = 24 * 3600.0

_log = get_logger("backfuture.connector.watching")


async def watch_exchange(public: PublicVenue, health: Health) -> None:
    """Tell whether the exchange answers, for ever."""
    while True:
        try:
            await public.server_time_ms()
            health.set("exchange", ok=True)
        except VenueError as error:
            health.set("exchange", ok=False, detail=str(error))
        await asyncio.sleep(EXCHANGE_EVERY_S)


async def watch_keys(ready: Callable[[], Awaitable[str]], health: Health) -> None:
    """Tell whether the key-vault can give keys, for ever. ``ready`` returns why not, or nothing."""
    while True:
        why = await ready()
        health.set("key-vault", ok=not why, detail=why)
        await asyncio.sleep(KEYS_EVERY_S)


async def measure(
    exchange: ExchangeId,
    clock: Clock,
    *,
    budget_left: Callable[[], float],
    oldest_doubt_ms: Callable[[], int | None],
    first_expiry_ms: Callable[[], int | None],
) -> None:
    """Export what has to be looked at now and then, for ever."""
    while True:
        now_ms, since_ms, expiry_ms = clock.now_ms(), oldest_doubt_ms(), first_expiry_ms()
        metrics.RATE_BUDGET_LEFT.labels(exchange=exchange).set(budget_left())
        age_s = 0 if since_ms is None else max(0, now_ms - since_ms) / 1000
        metrics.ORDER_UNRESOLVED_AGE.labels(exchange=exchange).set(age_s)
        left_s = math.inf if expiry_ms is None else (expiry_ms - now_ms) / 1000
        metrics.KEY_EXPIRES.labels(exchange=exchange).set(left_s)
        await asyncio.sleep(MEASURE_EVERY_S)


async def prune_ledger(ledger: Ledger, clock: Clock) -> None:
    """Forget what no longer matters, once a day."""
    while True:
        forgotten = await ledger.prune(clock.now_ms())
        _log.info("ledger.pruned", orders=forgotten)
        await asyncio.sleep(PRUNE_EVERY_S)
