"""What the last owners of partitions have committed."""

from collections.abc import Iterable, Mapping

from backfuture_common.bus import GroupReader, KafkaSettings, Table
from backfuture_common.messages.bots import CHECKPOINT_KEY, BotSnapshot, Checkpoint, StateRecord
from backfuture_common.messages.market import Subscription
from backfuture_common.topics import BOT_COMMANDS, BOT_STATE, MARKET_SUBSCRIPTIONS, ORDER_EVENTS

from backfuture_engine.shell.wishes import Market
from backfuture_engine.shell.worker import Restored

INPUTS = (BOT_COMMANDS, ORDER_EVENTS)


async def restore(kafka: KafkaSettings, inputs: GroupReader, partitions: Iterable[int]) -> dict[int, Restored]:
    """Read the partitions' changelog to its end. Call it after the old owners are fenced: then nothing can follow.

    Where there is no checkpoint yet, reading begins at the oldest records kept.
    """
    async with Table[StateRecord](kafka, BOT_STATE) as states, Table[Subscription](kafka, MARKET_SUBSCRIPTIONS) as told:
        found = {}
        for partition in partitions:
            rows = states.partition(partition)
            found[partition] = Restored(
                bots=tuple(row.state for row in rows.values() if isinstance(row, BotSnapshot)),
                positions=await _positions(inputs, partition, rows),
                wanted=_wanted(told.values(), partition),
            )
        return found


def _wanted(told: Iterable[Subscription], partition: int) -> frozenset[Market]:
    return frozenset((wish.exchange, wish.symbol) for wish in told if wish.partition == partition and wish.wanted)


async def _positions(inputs: GroupReader, partition: int, rows: Mapping[str, StateRecord]) -> dict[str, int]:
    oldest = await inputs.beginning_offsets([(topic.name, partition) for topic in INPUTS])
    positions = {topic: offset for (topic, _), offset in oldest.items()}
    checkpoint = rows.get(CHECKPOINT_KEY)
    if isinstance(checkpoint, Checkpoint):
        positions |= {topic: offset for topic, offset in checkpoint.positions if topic in positions}
    return positions
