"""Orders as their owner sees them."""

from collections.abc import Sequence
from decimal import Decimal

from backfuture_common.domain.ids import UserId
from backfuture_common.domain.money import divide, round_down
from sqlalchemy.ext.asyncio import AsyncSession

from backfuture_gateway.db.engine import Database
from backfuture_gateway.http.errors import ErrorDetail, NotFound
from backfuture_gateway.http.pages import Page, Position
from backfuture_gateway.orders import repository
from backfuture_gateway.orders.repository import OrderFilter
from backfuture_gateway.orders.schemas import FeeOut, OrderOut
from backfuture_gateway.read_model.tables import OrderView

_PRICE_DIGITS = Decimal("0.0000000001")


class OrderService:
    """Reads orders; they are made by the engine alone."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def page(self, owner: UserId, wanted: OrderFilter, cursor: str | None, limit: int) -> Page[OrderOut]:
        async with self._db.read() as session:
            rows = await repository.page(session, owner, wanted, after=Position.parse(cursor), limit=limit + 1)
        more = (
            Position(at_ms=rows[limit - 1].first_ms, row_id=rows[limit - 1].client_order_id) if rows[limit:] else None
        )
        return Page(items=[present(row) for row in rows[:limit]], next_cursor=more.write() if more else None)

    async def get(self, owner: UserId, client_order_id: str) -> OrderOut:
        async with self._db.read() as session:
            row = await repository.find(session, owner, client_order_id)
        if row is None:
            raise NotFound("order.not_found", "You have no such order.", "GET /orders lists yours.")
        return present(row)

    async def present_many(self, session: AsyncSession, ids: Sequence[str]) -> list[tuple[str, OrderOut]]:
        """Return owner and look of these orders."""
        return [(row.owner_id, present(row)) for row in await repository.find_many(session, ids)]


def present(row: OrderView) -> OrderOut:
    average = round_down(divide(row.filled_cost, row.filled_amount), _PRICE_DIGITS) if row.filled_amount else None
    return OrderOut(
        client_order_id=row.client_order_id,
        exchange_order_id=row.exchange_order_id,
        bot_id=row.bot_id,
        group_id=row.group_id,
        connection_id=row.connection_id,
        exchange=row.exchange,
        symbol=row.symbol,
        side=row.side,
        leg=row.leg,
        zone=row.zone,
        decision_id=row.decision_id,
        amount=row.amount,
        limit_price=row.limit_price,
        status=row.status,
        filled_amount=row.filled_amount,
        filled_cost=row.filled_cost,
        average_price=average,
        fee_base=row.fee_base,
        fee_quote=row.fee_quote,
        fee_other=[FeeOut(currency=str(currency), amount=Decimal(amount)) for currency, amount in row.fee_other],
        error=ErrorDetail.model_validate(row.error) if row.error else None,
        issued_ms=row.first_ms,
        updated_ms=max(row.updated_ms, row.first_ms),
    )
