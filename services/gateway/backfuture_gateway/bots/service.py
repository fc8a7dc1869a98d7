"""What owners do with their bots. Every change is a row here and a command to the engine, in one transaction."""

from decimal import Decimal

import msgspec
from backfuture_common.domain.ids import BotId, CommandId, ConnectionId, ExchangeId, Symbol, UserId, new_id
from backfuture_common.messages.bots import BotSpec, CreateBot, DeleteBot, Signal, StartBot, StopBot
from backfuture_common.runtime.clock import Clock
from sqlalchemy.ext.asyncio import AsyncSession

from backfuture_gateway.accounts import repository as accounts
from backfuture_gateway.bots import checks, repository
from backfuture_gateway.bots.drafts import Plan, complete
from backfuture_gateway.bots.presenting import present
from backfuture_gateway.bots.preview import preview
from backfuture_gateway.bots.repository import Found
from backfuture_gateway.bots.schemas import (
    BotCreate,
    BotDraft,
    BotOut,
    BotPreview,
    JournalEntryOut,
    PreviewOut,
    SignalIn,
    SignalOut,
)
from backfuture_gateway.connections import repository as connections
from backfuture_gateway.connections.presenting import is_online
from backfuture_gateway.db.engine import Database
from backfuture_gateway.db.tables import BotRow, ConnectionRow, Wanted
from backfuture_gateway.events.changes import Change, Changes
from backfuture_gateway.http.errors import ApiError, Conflict, Invalid, NotFound
from backfuture_gateway.outbox.outbox import Outbox
from backfuture_gateway.read_model.prices import Prices
from backfuture_gateway.read_model.tables import InstrumentView

_MOST_BOTS = 500


class BotService:
    """Bots of one owner at a time; somebody else's do not exist."""

    def __init__(self, *, db: Database, outbox: Outbox, prices: Prices, changes: Changes, clock: Clock) -> None:
        self._db = db
        self._outbox = outbox
        self._prices = prices
        self._changes = changes
        self._clock = clock

    async def list_of(self, owner: UserId) -> list[BotOut]:
        async with self._db.read() as session:
            return [present(found) for found in await repository.list_of(session, owner)]

    async def get(self, owner: UserId, bot_id: str) -> BotOut:
        async with self._db.read() as session:
            return present(await self._find(session, owner, bot_id))

    async def present_many(self, session: AsyncSession, ids: list[str]) -> list[tuple[str, BotOut]]:
        """Return owner and look of these bots."""
        return [(found[0].owner_id, present(found)) for found in await repository.find_many(session, ids)]

    async def create(self, session: AsyncSession, owner: UserId, wanted: BotCreate) -> BotOut:
        """Make a bot, stopped; refused with the numbers when its connection, market, sizes or limits do not fit."""
        connection, online = await self._connection(session, owner, wanted)
        checks.require_online(online, connection.name)
        symbols = tuple(dict.fromkeys(Symbol(symbol) for symbol in wanted.symbols))
        listed = await repository.instruments(session, connection.exchange, symbols)
        checks.require_listed(symbols, listed, connection.exchange)
        plan = await self._plan(session, connection, wanted, listed[symbols[0]].quote)
        prices = self._asks(connection, list(listed.values()))
        for problem in checks.problems(plan, list(listed.values()), prices):
            raise problem
        await self._require_room(session, owner, wanted.name)
        spec = BotSpec(
            bot_id=BotId(new_id("bot")),
            owner=owner,
            name=wanted.name,
            connection_id=ConnectionId(connection.id),
            exchange=ExchangeId(connection.exchange),
            symbols=symbols,
            strategy=plan.strategy,
            margin_limit_quote=plan.margin_limit_quote,
            group_limit_quote=plan.group_limit_quote if plan.group_limit_given else None,
            max_active_groups=plan.max_active_groups,
            margin_limit_percent=plan.margin_limit_percent,
            connection_limit_quote=plan.connection_limit_quote,
            symbol_limit_quote=plan.symbol_limit_quote,
            reserve=plan.reserve,
            signal_max_lag_ms=plan.signal_max_lag_ms,
        )
        command = CreateBot(command_id=CommandId(new_id("cmd")), spec=spec, at_ms=self._clock.now_ms())
        row = BotRow(
            id=spec.bot_id,
            owner_id=owner,
            name=spec.name,
            connection_id=spec.connection_id,
            spec=msgspec.to_builtins(spec),
            preset=wanted.preset,
            wanted="stopped",
            wanted_ms=command.at_ms,
            created_ms=command.at_ms,
            command_id=command.command_id,
        )
        session.add(row)
        self._outbox.to_engine(session, owner, command)
        self._changes.note(session, Change("bot", row.id))
        await session.flush()
        return present((row, None, None))

    async def preview(self, owner: UserId, wanted: BotPreview) -> PreviewOut:
        """Return the ladder and all problems, without making anything."""
        async with self._db.read() as session:
            connection, online = await self._connection(session, owner, wanted)
            listed = await repository.instruments(session, connection.exchange, [wanted.symbol])
            checks.require_listed([wanted.symbol], listed, connection.exchange)
            instrument = listed[wanted.symbol]
            plan = await self._plan(session, connection, wanted, instrument.quote)
        price = wanted.price or self._asks(connection, [instrument]).get(instrument.symbol)
        if price is None:
            raise Invalid(
                "bot.price_unknown", f"There is no price of {wanted.symbol} yet.", "Give one in the field price."
            )
        refusals: list[ApiError] = []
        try:
            checks.require_online(online, connection.name)
        except ApiError as refusal:
            refusals.append(refusal)
        return preview(plan, instrument, price, "request" if wanted.price else "market", refusals)

    async def start(self, session: AsyncSession, owner: UserId, bot_id: str) -> BotOut:
        """Let the bot open groups; needs its connection online. Clears a fault."""
        found = await self._find(session, owner, bot_id)
        row, view, refusal = found
        self._require_not_deleted(row)
        connection = await connections.find(session, owner, row.connection_id)
        if connection is None:
            raise Conflict(
                "connection.removed", "The connection of this bot was removed.", "Make a new bot on another connection."
            )
        checks.require_online(is_online(*connection), connection[0].name)
        if row.wanted == "running" and view is not None and view.running and view.fault is None:
            return present(found)
        command = StartBot(
            command_id=CommandId(new_id("cmd")), owner=owner, bot_id=BotId(row.id), at_ms=self._clock.now_ms()
        )
        self._outbox.to_engine(session, owner, command)
        self._want(session, row, "running", command.command_id)
        return present((row, view, refusal))

    async def stop(self, session: AsyncSession, owner: UserId, bot_id: str) -> BotOut:
        """Let the bot open and add nothing more; open groups are still closed at their targets."""
        row, view, refusal = await self._find(session, owner, bot_id)
        self._require_not_deleted(row)
        command = StopBot(
            command_id=CommandId(new_id("cmd")), owner=owner, bot_id=BotId(row.id), at_ms=self._clock.now_ms()
        )
        self._outbox.to_engine(session, owner, command)
        self._want(session, row, "stopped", command.command_id)
        return present((row, view, refusal))

    async def signal(self, session: AsyncSession, owner: UserId, bot_id: str, wanted: SignalIn) -> SignalOut:
        """Hand an idea to the engine, which judges it."""
        row, _, _ = await self._find(session, owner, bot_id)
        self._require_not_deleted(row)
        now_ms, command_id = self._clock.now_ms(), new_id("cmd")
        signal = Signal(
            command_id=CommandId(command_id),
            owner=owner,
            bot_id=BotId(row.id),
            signal_id=wanted.id or command_id,
            symbol=Symbol(wanted.symbol),
            intent=wanted.intent,
            sent_ms=now_ms,
            at_ms=now_ms,
        )
        self._outbox.to_engine(session, owner, signal)
        return SignalOut(
            signal_id=signal.signal_id, bot_id=row.id, symbol=signal.symbol, intent=signal.intent, sent_ms=now_ms
        )

    async def delete(self, session: AsyncSession, owner: UserId, bot_id: str) -> BotOut:
        """Forget a stopped bot without open groups. Its history stays readable by id."""
        row, view, refusal = await self._find(session, owner, bot_id)
        if row.wanted == "running" or (view is not None and view.running):
            raise Conflict("bot.running", "The bot is running.", "Stop it first, and wait until it says stopped.")
        if view is not None and view.groups_live:
            raise Conflict(
                "bot.has_groups", f"The bot has {view.groups_live} open groups.",
                "Close them, or wait until they have reached their targets.",
            )  # fmt: skip
        command = DeleteBot(
            command_id=CommandId(new_id("cmd")), owner=owner, bot_id=BotId(row.id), at_ms=self._clock.now_ms()
        )
        self._outbox.to_engine(session, owner, command)
        self._want(session, row, "deleted", command.command_id)
        return present((row, view, refusal))

    async def journal(self, owner: UserId, bot_id: str, *, before_seq: int | None, limit: int) -> list[JournalEntryOut]:
        """Return a page of a bot's journal, newest first; of deleted bots, too."""
        async with self._db.read() as session:
            rows = await repository.journal(session, owner, bot_id, before_seq=before_seq, limit=limit)
            if not rows and before_seq is None:
                await self._find(session, owner, bot_id)
        return [JournalEntryOut.model_validate(row) for row in rows]

    async def _find(self, session: AsyncSession, owner: UserId, bot_id: str) -> Found:
        found = await repository.find(session, owner, bot_id)
        if found is None:
            raise NotFound("bot.not_found", "You have no such bot.", "GET /bots lists yours.")
        return found

    def _require_not_deleted(self, row: BotRow) -> None:
        if row.wanted == "deleted":
            raise Conflict("bot.deleting", "The bot is being deleted.", "")

    async def _connection(self, session: AsyncSession, owner: UserId, wanted: BotDraft) -> tuple[ConnectionRow, bool]:
        found = await connections.find(session, owner, wanted.connection_id)
        if found is None or found[0].removing:
            raise NotFound("connection.not_found", "You have no such connection.", "GET /connections lists yours.")
        return found[0], is_online(*found)

    async def _plan(self, session: AsyncSession, connection: ConnectionRow, wanted: BotDraft, quote: str) -> Plan:
        return complete(wanted, await accounts.total_of(session, connection.id, quote))

    def _asks(self, connection: ConnectionRow, instruments: list[InstrumentView]) -> dict[str, Decimal]:
        exchange = ExchangeId(connection.exchange)
        ticks = {one.symbol: self._prices.get(exchange, Symbol(one.symbol)) for one in instruments}
        return {symbol: tick.ask for symbol, tick in ticks.items() if tick is not None}

    async def _require_room(self, session: AsyncSession, owner: UserId, name: str) -> None:
        if await repository.same_name(session, owner, name) is not None:
            raise Conflict("bot.name_taken", "You have a bot of that name.", "Choose another name.")
        if len(await repository.list_of(session, owner)) >= _MOST_BOTS:
            raise Conflict("bot.too_many", f"You have {_MOST_BOTS} bots.", "Delete some first.")

    def _want(self, session: AsyncSession, row: BotRow, wanted: Wanted, command_id: CommandId) -> None:
        row.wanted, row.wanted_ms, row.command_id = wanted, self._clock.now_ms(), command_id
        self._changes.note(session, Change("bot", row.id))
