"""All connections of this exchange, each with its worker."""

import asyncio
from collections.abc import Iterable

from backfuture_common.domain.ids import ConnectionId, ExchangeId
from backfuture_common.messages.connections import ConnectionState
from backfuture_common.runtime import metrics

from backfuture_connector.shell.account import Account, Command, Done, Surroundings

COUNT_EVERY_S = 5.0
_STATUSES = ("testing", "online", "attention", "refused", "removed")


class Accounts:
    """Makes a worker for each connection that is published, or that a command names."""

    def __init__(self, exchange: ExchangeId, shared: Surroundings) -> None:
        self._exchange = exchange
        self._shared = shared
        self._accounts: dict[ConnectionId, Account] = {}
        self._new: asyncio.Queue[Account] = asyncio.Queue()

    def restore(self, states: Iterable[ConnectionState]) -> None:
        """Take up the connections as published before this process started."""
        for state in states:
            if state.exchange == self._exchange and state.status != "removed":
                self._add(state.connection_id, state)

    def submit(self, command: Command, done: Done) -> None:
        """Give the command to its connection's worker."""
        account = self._accounts.get(command.connection_id) or self._add(command.connection_id, None)
        account.submit(command, done)

    def first_expiry_ms(self) -> int | None:
        """Return when the first key in use expires, None when none does."""
        found = [account.key_expires_ms for account in self._accounts.values()]
        return min((at_ms for at_ms in found if at_ms is not None), default=None)

    async def run(self) -> None:
        """Run all workers, for ever; the failure of one is the failure of the process."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._count())
            while True:
                group.create_task((await self._new.get()).run())

    def _add(self, connection_id: ConnectionId, state: ConnectionState | None) -> Account:
        account = self._accounts[connection_id] = Account(connection_id, state, self._shared)
        self._new.put_nowait(account)
        return account

    async def _count(self) -> None:
        while True:
            found = [account.status for account in self._accounts.values()]
            for status in _STATUSES:
                metrics.CONNECTIONS.labels(exchange=self._exchange, status=status).set(found.count(status))
            await asyncio.sleep(COUNT_EVERY_S)
