"""Money on its way: what the buy orders in flight on each connection may still cost."""

from decimal import Decimal

from backfuture_common.domain.ids import BotId, ConnectionId
from backfuture_common.domain.money import ZERO
from backfuture_common.messages.bots import BotState

from backfuture_engine.core.margin import in_flight


class Buying:
    """Totals per connection, over the bots of one partition: all that share a connection are there."""

    def __init__(self) -> None:
        self._of: dict[BotId, tuple[ConnectionId, Decimal]] = {}
        self._total: dict[ConnectionId, Decimal] = {}

    def note(self, bot: BotId, state: BotState) -> None:
        """Take in what a bot has in flight now."""
        connection, amount = self._of.pop(bot, (state.spec.connection_id, ZERO))
        self._total[connection] = self.on(connection) - amount
        now = sum((in_flight(group) for group in state.groups), ZERO)
        if now:
            self._of[bot] = (state.spec.connection_id, now)
            self._total[state.spec.connection_id] = self.on(state.spec.connection_id) + now

    def on(self, connection: ConnectionId) -> Decimal:
        """Return the total of a connection."""
        return self._total.get(connection, ZERO)
