"""Bots."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from backfuture_gateway.bots.schemas import (
    BotCreate,
    BotOut,
    BotPreview,
    JournalEntryOut,
    PreviewOut,
    SignalIn,
    SignalOut,
)
from backfuture_gateway.http.dependencies import CallerDep, RequestKeyDep, ServicesDep
from backfuture_gateway.http.errors import refusals
from backfuture_gateway.http.pages import Limit
from backfuture_gateway.http.texts import PathId

router = APIRouter(prefix="/bots", tags=["bots"])


@router.get("", responses=refusals(401))
async def list_bots(caller: CallerDep, services: ServicesDep) -> list[BotOut]:
    """Return my bots."""
    return await services.bots.list_of(caller.user_id)


@router.post("", status_code=201, response_model=BotOut, responses=refusals(400, 401, 404, 409))
async def create_bot(body: BotCreate, caller: CallerDep, services: ServicesDep, key: RequestKeyDep) -> Response:
    """Make a bot; it does nothing until it is started.

    With a preset, everything but the name, the connection and the symbols may be left out.
    """
    return await services.requests.once(
        services.db, key, 201, lambda session: services.bots.create(session, caller.user_id, body)
    )


@router.post("/preview", responses=refusals(400, 401, 404))
async def preview_bot(body: BotPreview, caller: CallerDep, services: ServicesDep) -> PreviewOut:
    """Show what a bot would do: each order with price, size, average, break-even, target. Nothing is made."""
    return await services.bots.preview(caller.user_id, body)


@router.get("/{bot_id}", responses=refusals(401, 404))
async def get_bot(bot_id: PathId, caller: CallerDep, services: ServicesDep) -> BotOut:
    """Return one of my bots."""
    return await services.bots.get(caller.user_id, bot_id)


@router.delete("/{bot_id}", status_code=202, response_model=BotOut, responses=refusals(401, 404, 409))
async def delete_bot(bot_id: PathId, caller: CallerDep, services: ServicesDep, key: RequestKeyDep) -> Response:
    """Delete a stopped bot without open groups."""
    return await services.requests.once(
        services.db, key, 202, lambda session: services.bots.delete(session, caller.user_id, bot_id)
    )


@router.post("/{bot_id}/start", status_code=202, response_model=BotOut, responses=refusals(401, 404, 409))
async def start_bot(bot_id: PathId, caller: CallerDep, services: ServicesDep, key: RequestKeyDep) -> Response:
    """Let the bot open groups."""
    return await services.requests.once(
        services.db, key, 202, lambda session: services.bots.start(session, caller.user_id, bot_id)
    )


@router.post("/{bot_id}/stop", status_code=202, response_model=BotOut, responses=refusals(401, 404, 409))
async def stop_bot(bot_id: PathId, caller: CallerDep, services: ServicesDep, key: RequestKeyDep) -> Response:
    """Let the bot open and add nothing more. Open groups are still closed at their targets."""
    return await services.requests.once(
        services.db, key, 202, lambda session: services.bots.stop(session, caller.user_id, bot_id)
    )


@router.post("/{bot_id}/signals", status_code=202, response_model=SignalOut, responses=refusals(400, 401, 404, 409))
async def signal_bot(
    bot_id: PathId, body: SignalIn, caller: CallerDep, services: ServicesDep, key: RequestKeyDep
) -> Response:
    """Hand an idea to a bot. Nothing is bought that its rules forbid; the decision says what became of it."""
    return await services.requests.once(
        services.db, key, 202, lambda session: services.bots.signal(session, caller.user_id, bot_id, body)
    )


@router.get("/{bot_id}/journal", responses=refusals(401, 404))
async def get_journal(
    bot_id: PathId,
    caller: CallerDep,
    services: ServicesDep,
    before_seq: Annotated[int | None, Query(ge=1, le=2**53, description="Continue before this entry.")] = None,
    limit: Limit = 100,
) -> list[JournalEntryOut]:
    """Return everything that happened to a bot, newest first: each input and the facts that followed."""
    return await services.bots.journal(caller.user_id, bot_id, before_seq=before_seq, limit=limit)
