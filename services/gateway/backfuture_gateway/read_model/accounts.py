"""Folds what connectors tell of connections, balances and instruments."""

import msgspec
from backfuture_common.messages.connections import AccountBalances, ConnectionState
from backfuture_common.messages.market import Instrument
from sqlalchemy import delete, update
from sqlalchemy.ext.asyncio import AsyncSession

from backfuture_gateway.db.tables import ConnectionRow
from backfuture_gateway.db.types import upsert
from backfuture_gateway.read_model.tables import BalanceView, ConnectionView, InstrumentView


async def fold_connection(session: AsyncSession, state: ConnectionState) -> None:
    """Take over a connection's state. A key that may never be used is marked for destruction by the same commit."""
    row = {
        "connection_id": state.connection_id,
        "owner_id": state.owner,
        "status": state.status,
        "trade_allowed": state.trade_allowed,
        "code": state.code,
        "message": state.message,
        "hint": state.hint,
        "steps": msgspec.to_builtins(state.steps),
        "rights": list(state.rights),
        "ip_restricted": state.ip_restricted,
        "key_expires_ms": state.key_expires_ms,
        "test_id": state.test_id,
        "updated_ms": state.updated_ms,
    }
    await upsert(session, ConnectionView, [row], key=("connection_id",))
    if state.status == "refused":
        await session.execute(
            update(ConnectionRow)
            .where(
                ConnectionRow.id == state.connection_id,
                ConnectionRow.phase == "kept",
                ConnectionRow.credential_version <= state.credential_version,
            )
            .values(phase="destroying", destroy_after_ms=0, destroy_attempts=0)
        )


async def fold_balances(session: AsyncSession, message: AccountBalances) -> None:
    """Replace all balances of a connection."""
    await session.execute(delete(BalanceView).where(BalanceView.connection_id == message.connection_id))
    rows = [
        {
            "connection_id": message.connection_id,
            "currency": balance.currency,
            "owner_id": message.owner,
            "free": balance.free,
            "held": balance.held,
            "at_ms": message.at_ms,
        }
        for balance in message.balances
    ]
    await upsert(session, BalanceView, rows, key=("connection_id", "currency"))


async def fold_instruments(session: AsyncSession, instruments: list[Instrument]) -> None:
    """Take over the newest description of each market."""
    newest = {(one.exchange, one.symbol): one for one in instruments}
    rows = [
        {
            "exchange": one.exchange,
            "symbol": one.symbol,
            "base": one.base,
            "quote": one.quote,
            "price_step": one.price_step,
            "amount_step": one.amount_step,
            "amount_min": one.amount_min,
            "cost_min": one.cost_min,
            "taker_fee": one.taker_fee,
            "maker_fee": one.maker_fee,
            "active": one.active,
            "updated_ms": one.updated_ms,
        }
        for one in newest.values()
    ]
    await upsert(session, InstrumentView, rows, key=("exchange", "symbol"))
