"""Commands for other services, written in the same transaction as what they follow from."""

import asyncio

from backfuture_common.domain.ids import ExchangeId, UserId
from backfuture_common.messages.bots import BotCommand
from backfuture_common.messages.codec import Message, encode
from backfuture_common.messages.connections import ConnectionCommand
from backfuture_common.runtime.clock import Clock
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncSession

from backfuture_gateway.db.tables import OutboxRow


class Outbox:
    """Where services leave commands; the relay takes them to their topics, in this order, each once."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.filled = asyncio.Event()

    def to_engine(self, session: AsyncSession, owner: UserId, command: BotCommand) -> None:
        self._add(session, None, owner, command)

    def to_connector(self, session: AsyncSession, command: ConnectionCommand) -> None:
        self._add(session, command.exchange, command.connection_id, command)

    def _add(self, session: AsyncSession, exchange: ExchangeId | None, key: str, command: Message) -> None:
        session.add(OutboxRow(exchange=exchange, key=key, value=encode(command), created_ms=self._clock.now_ms()))
        event.listen(session.sync_session, "after_commit", lambda _session: self.filled.set(), once=True)
