"""What is at stake: coins that live groups hold, those nobody can sell now, and those the account does not have."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from backfuture_common.domain.ids import ConnectionId, ExchangeId
from backfuture_common.domain.money import ZERO
from backfuture_common.messages.bots import BotState, Group
from backfuture_common.messages.market import market_key

from backfuture_engine.shell.world import World


@dataclass(slots=True)
class Stake:
    """Sums of one exchange, in quote currency; an estimate at newest prices, for gauges alone."""

    held: Decimal = ZERO
    unprotected: Decimal = ZERO
    drift: Decimal = ZERO


def stakes(bots: Iterable[BotState], world: World, now_ms: int) -> dict[ExchangeId, Stake]:
    """Return the sums of every exchange that a bot is on."""
    found: dict[ExchangeId, Stake] = {}
    coins: dict[tuple[ExchangeId, ConnectionId, str], Decimal] = defaultdict(Decimal)
    prices: dict[tuple[ExchangeId, str], Decimal] = {}
    for bot in bots:
        exchange = bot.spec.exchange
        stake = found.setdefault(exchange, Stake())
        for group in bot.groups:
            amount = max(ZERO, group.bought_amount - group.sold_amount - group.fees_base)
            seen = world.price(market_key(exchange, group.symbol))
            price = seen.tick.bid if seen is not None else (group.average or ZERO)
            stake.held += amount * price
            if not _can_exit(bot, group, world, now_ms):
                stake.unprotected += amount * price
            base = group.symbol.partition("/")[0]
            coins[exchange, bot.spec.connection_id, base] += amount
            prices[exchange, base] = price
    for (exchange, connection, base), amount in coins.items():
        account = world.balances(connection)
        if account is not None:
            there = sum((one.free + one.held for one in account.balances if one.currency == base), ZERO)
            found[exchange].drift += max(ZERO, amount - there) * prices[exchange, base]
    return found


def _can_exit(bot: BotState, group: Group, world: World, now_ms: int) -> bool:
    connection = world.connection(bot.spec.connection_id)
    seen = world.price(market_key(bot.spec.exchange, group.symbol))
    if bot.fault is not None or connection is None or not connection.trade_allowed or seen is None:
        return False
    return now_ms - seen.tick.observed_ms <= group.strategy.max_price_age_ms
