"""Groups as their owner sees them, and the one thing an owner can do: close one."""

from collections.abc import Sequence
from decimal import Decimal

from backfuture_common.domain.ids import BotId, CommandId, ExchangeId, GroupId, Symbol, UserId, new_id
from backfuture_common.messages.bots import CloseGroup
from backfuture_common.runtime.clock import Clock
from sqlalchemy.ext.asyncio import AsyncSession

from backfuture_gateway.db.engine import Database
from backfuture_gateway.groups import repository
from backfuture_gateway.groups.presenting import present
from backfuture_gateway.groups.repository import Found, GroupFilter
from backfuture_gateway.groups.schemas import GroupDetail, GroupOut
from backfuture_gateway.http.errors import Conflict, NotFound
from backfuture_gateway.http.pages import Page, Position
from backfuture_gateway.orders.service import present as present_order
from backfuture_gateway.outbox.outbox import Outbox
from backfuture_gateway.read_model.prices import Prices


class GroupService:
    """Groups of one owner at a time."""

    def __init__(self, *, db: Database, outbox: Outbox, prices: Prices, clock: Clock) -> None:
        self._db = db
        self._outbox = outbox
        self._prices = prices
        self._clock = clock

    async def page(self, owner: UserId, wanted: GroupFilter, cursor: str | None, limit: int) -> Page[GroupOut]:
        async with self._db.read() as session:
            found = await repository.page(session, owner, wanted, after=Position.parse(cursor), limit=limit + 1)
        last = found[limit - 1][0] if found[limit:] else None
        more = Position(at_ms=last.opened_ms, row_id=last.group_id) if last else None
        return Page(
            items=[present(one, self._bid(one)) for one in found[:limit]], next_cursor=more.write() if more else None
        )

    async def get(self, owner: UserId, group_id: str) -> GroupDetail:
        async with self._db.read() as session:
            found = await self._find(session, owner, group_id)
            orders = await repository.orders_of(session, group_id)
        shown = present(found, self._bid(found))
        return GroupDetail(**dict(shown), orders=[present_order(order) for order in orders])

    async def present_many(self, session: AsyncSession, ids: Sequence[str]) -> list[tuple[str, GroupOut]]:
        """Return owner and look of these groups."""
        found = await repository.find_many(session, ids)
        return [(one[0].owner_id, present(one, self._bid(one))) for one in found]

    async def close(self, session: AsyncSession, owner: UserId, group_id: str) -> GroupOut:
        """Ask the engine to sell the whole group now, at a loss if need be."""
        found = await self._find(session, owner, group_id)
        group = found[0]
        if group.closed_ms is not None:
            raise Conflict("group.closed", "The group has ended already.", "")
        command = CloseGroup(
            command_id=CommandId(new_id("cmd")),
            owner=owner,
            bot_id=BotId(group.bot_id),
            group_id=GroupId(group.group_id),
            at_ms=self._clock.now_ms(),
        )
        self._outbox.to_engine(session, owner, command)
        return present(found, self._bid(found))

    async def _find(self, session: AsyncSession, owner: UserId, group_id: str) -> Found:
        found = await repository.find(session, owner, group_id)
        if found is None:
            raise NotFound("group.not_found", "You have no such group.", "GET /groups lists yours.")
        return found

    def _bid(self, found: Found) -> Decimal | None:
        tick = self._prices.get(ExchangeId(found[2].exchange), Symbol(found[0].symbol))
        return tick.bid if tick else None
