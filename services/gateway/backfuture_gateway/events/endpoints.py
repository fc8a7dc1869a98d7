"""The event stream."""

from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Header
from fastapi.responses import StreamingResponse

from backfuture_gateway.auth.service import Caller
from backfuture_gateway.events.stream import Event, Listener
from backfuture_gateway.http.dependencies import CallerDep, ServicesDep
from backfuture_gateway.http.errors import refusals
from backfuture_gateway.services import Services

router = APIRouter(tags=["events"])

_HEARTBEAT_S = 15.0
_CHECK_S = 10.0
"""How long a session is trusted. Shorter than a heartbeat, so that every heartbeat of a quiet stream checks."""
_COME_BACK_MS = 2_000
_ANSWER: dict[int | str, dict[str, Any]] = {
    200: {
        "description": (
            "Server-sent events. `event` is `connection`, `bot`, `group`, `order`, `decision` (data: the thing as its "
            "GET shows it), `price` (without an id), or `reset` (too much was missed: read everything anew)."
        ),
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    }
}


@router.get("/events", response_class=StreamingResponse, responses={**refusals(401, 429), **_ANSWER})
async def stream_events(
    caller: CallerDep,
    services: ServicesDep,
    last_event_id: Annotated[
        str | None, Header(pattern=r"^[0-9]{1,18}$", description="Continue after this event.")
    ] = None,
) -> StreamingResponse:
    """Follow every change of my things as it happens.

    The stream ends some seconds after its access token or session: refresh, and come back with the last event's id.
    """
    listener = services.broadcaster.listen(caller.user_id, int(last_event_id) if last_event_id else None)
    return StreamingResponse(_frames(listener, services, caller), media_type="text/event-stream")


async def _frames(listener: Listener, services: Services, caller: Caller) -> AsyncIterator[str]:
    try:
        yield f"retry: {_COME_BACK_MS}\n\n"
        checked_s = services.clock.monotonic_s()
        while not listener.ended:
            events = await listener.next(_HEARTBEAT_S)
            if services.clock.monotonic_s() - checked_s >= _CHECK_S:
                if not await services.auth.holds(caller):
                    yield ": the session has ended\n\n"
                    return
                checked_s = services.clock.monotonic_s()
            yield "".join(_frame(event) for event in events) or ": still here\n\n"
        yield f": {listener.ended}\n\n"
    finally:
        services.broadcaster.leave(listener)


def _frame(event: Event) -> str:
    number = f"id: {event.id}\n" if event.id is not None else ""
    return f"{number}event: {event.kind}\ndata: {event.data}\n\n"
