"""What a worker has decided and not yet committed.

Steps are kept in order and leave in order, a bounded number per transaction. The checkpoint of a transaction never runs
ahead of the steps in it: whatever prefix is committed before a crash, reading on from its checkpoint comes to the rest.
"""

from collections import deque
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from backfuture_common.bus import Outgoing
from backfuture_common.domain.ids import BotId
from backfuture_common.messages.bots import CHECKPOINT_KEY, BotSnapshot, BotState, Checkpoint
from backfuture_common.messages.journal import JournalRecord
from backfuture_common.messages.market import Subscription, subscription_key
from backfuture_common.messages.orders import OrderCommand
from backfuture_common.topics import BOT_JOURNAL, BOT_STATE, MARKET_SUBSCRIPTIONS, order_commands

STEPS_PER_COMMIT = 500


class Entry(NamedTuple):
    """One step with facts. ``positions`` are the inputs' before it; ``received_s`` is set when a price caused it."""

    state: BotState
    record: JournalRecord
    commands: tuple[OrderCommand, ...]
    positions: Mapping[str, int]
    received_s: float | None


class Batch(NamedTuple):
    """The records of one transaction, the positions it stores, and when the prices behind it were received."""

    records: list[Outgoing]
    positions: Mapping[str, int]
    received_s: list[float]


class Unit:
    """Uncommitted steps of one partition, oldest first. ``positions`` is replaced as a whole, never changed."""

    def __init__(self, partition: int, epoch: int, positions: Mapping[str, int]) -> None:
        self.positions = positions
        self._partition = partition
        self._epoch = epoch
        self._entries: deque[Entry] = deque()
        self._again: list[OrderCommand] = []

    def __len__(self) -> int:
        return len(self._entries) + len(self._again)

    def add(self, entry: Entry) -> None:
        """Take a step in."""
        self._entries.append(entry)

    def send_again(self, commands: Iterable[OrderCommand]) -> None:
        """Send orders that nobody has answered once more, under the ids they have."""
        self._again.extend(commands)

    def take(self, wishes: Iterable[Subscription], now_ms: int, limit: int = STEPS_PER_COMMIT) -> Batch:
        """Remove and return the next transaction: at most ``limit`` steps, and the checkpoint that belongs to them."""
        steps = [self._entries.popleft() for _ in range(min(limit, len(self._entries)))]
        positions = self._entries[0].positions if self._entries else self.positions
        newest = {entry.record.bot_id: entry.state for entry in steps}
        commands = [*self._again, *(command for entry in steps for command in entry.commands)]
        self._again = []
        records = [
            *(self._journal(entry.record) for entry in steps),
            *(self._snapshot(bot_id, state, now_ms) for bot_id, state in newest.items()),
            *(Outgoing(order_commands(command.exchange), command.connection_id, command) for command in commands),
            *(Outgoing(MARKET_SUBSCRIPTIONS, subscription_key(wish), wish) for wish in wishes),
            self._checkpoint(positions, now_ms),
        ]
        return Batch(records, positions, [entry.received_s for entry in steps if entry.received_s is not None])

    def _journal(self, record: JournalRecord) -> Outgoing:
        return Outgoing(BOT_JOURNAL, record.bot_id, record, self._partition)

    def _snapshot(self, bot_id: BotId, state: BotState, now_ms: int) -> Outgoing:
        snapshot = BotSnapshot(state=state, epoch=self._epoch, at_ms=now_ms)
        return Outgoing(BOT_STATE, bot_id, snapshot, self._partition)

    def _checkpoint(self, positions: Mapping[str, int], now_ms: int) -> Outgoing:
        checkpoint = Checkpoint(
            partition=self._partition, positions=tuple(sorted(positions.items())), epoch=self._epoch, at_ms=now_ms
        )
        return Outgoing(BOT_STATE, CHECKPOINT_KEY, checkpoint, self._partition)
