"""What operators see of the engine: gauges and health, taken now and then."""

from collections import Counter
from collections.abc import Sequence

from backfuture_common.messages.bots import BotState, GroupStatus
from backfuture_common.runtime import metrics
from backfuture_common.runtime.clock import Clock
from backfuture_common.runtime.health import Health

from backfuture_engine.shell.feeds import Feeds
from backfuture_engine.shell.stakes import stakes
from backfuture_engine.shell.worker import Worker

_OLD_PRICE_MS = 30_000
_BOT_STATES = ("running", "stopped", "faulted")
_GROUP_STATES: tuple[GroupStatus, ...] = ("entry_pending", "active", "add_on_pending", "exit_pending")


def measure(workers: Sequence[Worker], feeds: Feeds, clock: Clock, health: Health) -> None:
    """Set the gauges and the health of partitions and feeds."""
    bots = [bot for worker in workers for bot in worker.bots.values() if not bot.deleted]
    by_state = Counter(_state_of(bot) for bot in bots)
    for state in _BOT_STATES:
        metrics.BOTS.labels(state=state).set(by_state[state])
    groups = Counter(group.status for bot in bots for group in bot.groups)
    for status in _GROUP_STATES:
        metrics.GROUPS.labels(status=status).set(groups[status])
    issued = [intent.issued_ms for bot in bots for intent in bot.unacknowledged]
    metrics.UNACKNOWLEDGED_AGE.set((clock.now_ms() - min(issued)) / 1000 if issued else 0)
    for exchange, stake in stakes(bots, feeds, clock.now_ms()).items():
        metrics.HELD_NOTIONAL.labels(exchange=exchange).set(stake.held)  # type: ignore[arg-type]  # a Decimal will do
        metrics.UNPROTECTED_NOTIONAL.labels(exchange=exchange).set(stake.unprotected)  # type: ignore[arg-type]  # too
        metrics.POSITION_DRIFT.labels(exchange=exchange).set(stake.drift)  # type: ignore[arg-type]  # likewise
    metrics.UNCOMMITTED.set(sum(worker.uncommitted for worker in workers))
    health.set("partitions", ok=bool(workers), detail=f"{len(workers)} owned" if workers else "none owned yet")
    health.set("feeds", ok=True, detail=_prices(workers, feeds))


def _state_of(bot: BotState) -> str:
    if bot.fault is not None:
        return "faulted"
    return "running" if bot.running else "stopped"


def _prices(workers: Sequence[Worker], feeds: Feeds) -> str:
    """Say in words how old prices are. It is no fault of the engine when they are: exits go on, nothing is opened."""
    markets = frozenset(market for worker in workers for market in worker.markets)
    if not markets:
        return "no prices needed"
    oldest = feeds.oldest_ms(markets)
    if oldest is None:
        return f"waiting for the first price of some of {len(markets)} markets"
    age_ms, market = oldest
    return f"no new price of {market} for {age_ms // 1000} s" if age_ms > _OLD_PRICE_MS else f"{len(markets)} markets"
