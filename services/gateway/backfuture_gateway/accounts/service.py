"""Balances as their owner sees them."""

from backfuture_common.domain.ids import UserId

from backfuture_gateway.accounts import repository
from backfuture_gateway.accounts.schemas import BalanceOut
from backfuture_gateway.db.engine import Database


class AccountService:
    """Reads balances; the connectors tell them."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def balances(self, owner: UserId) -> list[BalanceOut]:
        async with self._db.read() as session:
            found = await repository.list_of(session, owner)
        return [
            BalanceOut(
                connection_id=connection.id,
                connection_name=connection.name,
                exchange=connection.exchange,
                currency=balance.currency,
                free=balance.free,
                held=balance.held,
                at_ms=balance.at_ms,
            )
            for balance, connection in found
        ]
