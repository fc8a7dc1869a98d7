"""Folds snapshots and journal records into the rows of bots, groups, orders, decisions."""

from collections.abc import Mapping
from typing import assert_never

import msgspec
from backfuture_common.domain.ids import GroupId
from backfuture_common.domain.money import ZERO, divide
from backfuture_common.messages import journal
from backfuture_common.messages.bots import BotSnapshot, Group, Strategy
from backfuture_common.messages.journal import JournalRecord
from backfuture_common.messages.orders import OrderUpdate
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from backfuture_gateway.db.types import upsert
from backfuture_gateway.events.changes import Change
from backfuture_gateway.read_model.orders import OrderNews, add_intent, apply_news, new_order, set_fills, sum_up
from backfuture_gateway.read_model.tables import BotView, DecisionView, GroupView, JournalView, OrderView, RefusalView


class BotFold:
    """Applies one batch's records about bots inside one transaction, and gathers what changed."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session
        self.changes: list[Change] = []

    async def snapshot(self, snapshot: BotSnapshot) -> None:
        state = snapshot.state
        view = await self._session.get(BotView, state.spec.bot_id)
        if view is not None and view.seq > state.seq:
            return
        if view is None:
            view = BotView(bot_id=state.spec.bot_id, owner_id=state.spec.owner)
            self._session.add(view)
        view.running = state.running
        view.deleted = state.deleted
        view.fault = state.fault
        view.seq = state.seq
        view.decisions = state.decisions
        view.groups_opened = state.groups_opened
        view.groups_closed = state.groups_closed
        view.groups_live = len(state.groups)
        view.realised_quote = state.realised_quote
        view.spec_version = state.spec.version
        view.updated_ms = snapshot.at_ms
        self.changes.append(Change("bot", state.spec.bot_id))
        for group in state.groups:
            await self._live_group(snapshot, group)

    async def record(self, record: JournalRecord) -> None:
        row = {
            "bot_id": record.bot_id,
            "seq": record.seq,
            "owner_id": record.owner,
            "at_ms": record.context.now_ms,
            "event": msgspec.to_builtins(record.event),
            "facts": msgspec.to_builtins(record.facts),
        }
        await upsert(self._session, JournalView, [row], key=("bot_id", "seq"), keep=True)
        touched: dict[GroupId, None] = {}
        for fact in record.facts:
            if (group_id := await self._fact(record, fact)) is not None:
                touched[group_id] = None
        for group_id in touched:
            await self._sum_up(record, group_id)
            self.changes.append(Change("group", group_id))

    async def order_update(self, update: OrderUpdate) -> None:
        row = await self._session.get(OrderView, update.client_order_id)
        if row is None:
            row = _order_without_intent(update)
            self._session.add(row)
        news = OrderNews(update.status, update.fills, update.error, update.at_ms, update.exchange_order_id)
        if apply_news(row, news):
            self.changes.append(Change("order", update.client_order_id))

    async def _fact(self, record: JournalRecord, fact: journal.Fact) -> GroupId | None:  # noqa: PLR0911 - one table
        match fact:
            case journal.Decided():
                await self._decided(record, fact)
                return None
            case journal.CommandRefused():
                await self._refused(record, fact)
                return None
            case journal.GroupOpened():
                await self._group(record, fact.group_id, fact.symbol, fact.strategy, fact.at_ms)
                return fact.group_id
            case journal.OrderIntended():
                await self._intended(fact)
                return fact.command.group_id
            case journal.OrderProgressed():
                return await self._progressed(fact)
            case journal.CloseRequested():
                return await self._close_requested(fact.group_id)
            case journal.GroupClosed():
                return await self._closed(fact)
            case (
                journal.BotCreated()
                | journal.BotUpdated()
                | journal.BotStarted()
                | journal.BotStopped()
                | journal.BotDeleted()
                | journal.BotFaulted()
                | journal.SignalHeard()
                | journal.SignalEnded()
            ):
                return None  # the snapshot of the same transaction tells
            case _:
                assert_never(fact)

    async def _decided(self, record: JournalRecord, fact: journal.Decided) -> None:
        decision = fact.decision
        row: Mapping[str, object] = {
            "decision_id": decision.decision_id,
            "owner_id": record.owner,
            "bot_id": record.bot_id,
            "group_id": decision.group_id,
            "symbol": decision.symbol,
            "verdict": decision.verdict,
            "reasons": list(decision.reasons),
            "numbers": dict(decision.numbers),
            "at_ms": decision.at_ms,
        }
        await upsert(self._session, DecisionView, [row], key=("decision_id",), keep=True)
        self.changes.append(Change("decision", decision.decision_id))

    async def _refused(self, record: JournalRecord, fact: journal.CommandRefused) -> None:
        row: Mapping[str, object] = {
            "bot_id": record.bot_id,
            "owner_id": record.owner,
            "command_id": fact.command_id,
            "reason": fact.reason,
            "at_ms": record.context.now_ms,
        }
        await upsert(self._session, RefusalView, [row], key=("bot_id",))
        self.changes.append(Change("bot", record.bot_id))

    async def _intended(self, fact: journal.OrderIntended) -> None:
        row = await self._session.get(OrderView, fact.command.client_order_id)
        if row is None:
            self._session.add(new_order(fact.command, fact.zone))
        else:
            add_intent(row, fact.command, fact.zone)
        self.changes.append(Change("order", fact.command.client_order_id))

    async def _progressed(self, fact: journal.OrderProgressed) -> GroupId:
        row = await self._session.get(OrderView, fact.client_order_id)
        if row is not None and apply_news(row, OrderNews(fact.status, fact.fills, fact.error, fact.at_ms)):
            self.changes.append(Change("order", fact.client_order_id))
        return fact.group_id

    async def _close_requested(self, group_id: GroupId) -> GroupId:
        group = await self._session.get(GroupView, group_id)
        if group is not None:
            group.close_requested = True
        return group_id

    async def _closed(self, fact: journal.GroupClosed) -> GroupId:
        group = await self._session.get(GroupView, fact.group_id)
        if group is not None:
            group.status = "canceled" if fact.reason == "nothing_filled" else "closed"
            group.closed_ms = fact.at_ms
            group.close_reason = fact.reason
            group.realised_quote = fact.realised_quote
            group.dust_base = fact.dust_base
        return fact.group_id

    async def _sum_up(self, record: JournalRecord, group_id: GroupId) -> None:
        """Fold the fills of a group's orders, unless a snapshot of this step or a later one has told already."""
        group = await self._session.get(GroupView, group_id)
        if group is None or (group.closed_ms is None and group.seen_seq >= record.seq):
            return
        orders = await self._session.execute(select(OrderView).where(OrderView.group_id == group_id))
        sum_up(group, list(orders.scalars()))
        if group.bought_amount:
            group.average = divide(group.bought_cost, group.bought_amount)

    async def _live_group(self, snapshot: BotSnapshot, group: Group) -> None:
        row = await self._session.get(GroupView, group.group_id)
        if row is None:
            row = _new_group(snapshot.state.spec.bot_id, snapshot.state.spec.owner, group.group_id, group.symbol)
            self._session.add(row)
        elif row.seen_seq > snapshot.state.seq:
            return
        row.seen_seq = snapshot.state.seq
        for name in _LEVELS:
            setattr(row, name, getattr(group, name))
        if row.closed_ms is not None:  # the journal was read first; what it says of the end stays
            return
        for name in _COPIED:
            setattr(row, name, getattr(group, name))
        row.strategy = msgspec.to_builtins(group.strategy)
        row.zones_used = list(group.zones_used)
        self.changes.append(Change("group", group.group_id))

    async def _group(
        self, record: JournalRecord, group_id: GroupId, symbol: str, strategy: Strategy, opened_ms: int
    ) -> None:
        if await self._session.get(GroupView, group_id) is None:
            row = _new_group(record.bot_id, record.owner, group_id, symbol)
            row.strategy = msgspec.to_builtins(strategy)
            row.opened_ms = opened_ms
            self._session.add(row)


_LEVELS = ("anchor", "break_even", "target")
"""What snapshots alone know."""
_COPIED = (
    "status", "opened_ms", "bought_amount", "bought_cost", "sold_amount", "sold_proceeds", "fees_base", "fees_quote",
    "average", "add_ons_done", "close_requested",
)  # fmt: skip


def _new_group(bot_id: str, owner: str, group_id: str, symbol: str) -> GroupView:
    return GroupView(
        group_id=group_id, bot_id=bot_id, owner_id=owner, symbol=symbol, status="entry_pending", seen_seq=0,
        bought_amount=ZERO, bought_cost=ZERO, sold_amount=ZERO, sold_proceeds=ZERO, fees_base=ZERO, fees_quote=ZERO,
        add_ons_done=0, zones_used=[], close_requested=False,
    )  # fmt: skip


def _order_without_intent(update: OrderUpdate) -> OrderView:
    """Return a row for an order whose intent has not been read yet, or is no longer kept."""
    row = OrderView(
        client_order_id=update.client_order_id, owner_id=update.owner, bot_id=update.bot_id, group_id=update.group_id,
        connection_id=update.connection_id, exchange=update.exchange, symbol=update.symbol, side=update.side,
        status=update.status, exchange_order_id=None, error=None, first_ms=update.at_ms, updated_ms=0,
    )  # fmt: skip
    set_fills(row, update.fills)
    return row
