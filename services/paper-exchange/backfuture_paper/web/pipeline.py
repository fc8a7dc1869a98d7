"""The way of every request: fault, limit, authentication, right, handler, answer, fault."""

import asyncio
from typing import Protocol

import msgspec
from aiohttp import web
from backfuture_common.runtime import metrics

from backfuture_paper.core.instruments import Venue
from backfuture_paper.core.keys import Right
from backfuture_paper.core.limits import Verdict
from backfuture_paper.core.refusals import ExchangeRefusal
from backfuture_paper.web.call import Call, Json, VenueError
from backfuture_paper.web.endpoints import Endpoint, Router
from backfuture_paper.web.faults import Fault, Faults, RequestRecord
from backfuture_paper.world import World

CUT = 499
"""Stands for no answer at all: the line was cut."""


class VenueApi(Protocol):
    """What a venue adds to the common way: its endpoints, codes and envelope."""

    venue: Venue
    prefix: str
    router: Router

    def charge(self, call: Call, endpoint: Endpoint) -> Verdict: ...

    def authenticate(self, call: Call) -> None:
        """Set the call's key, or raise VenueError."""

    def require(self, call: Call, right: Right) -> None:
        """Raise VenueError when the authenticated key lacks the right."""

    def limited(self, verdict: Verdict) -> VenueError: ...

    def limit_headers(self, verdict: Verdict) -> dict[str, str]: ...

    def refused(self, refusal: ExchangeRefusal, call: Call) -> VenueError: ...

    def unknown_endpoint(self, call: Call) -> VenueError: ...

    def success(self, data: Json) -> Json: ...

    def failure(self, error: VenueError) -> Json: ...

    def client_order_ids(self, call: Call) -> list[str]: ...


class VenueHandler:
    """Serves one venue's REST interface below its prefix."""

    def __init__(self, api: VenueApi, world: World, faults: Faults) -> None:
        self._api = api
        self._world = world
        self._faults = faults

    async def serve(self, request: web.Request) -> web.StreamResponse:
        api = self._api
        call = await self._call(request)
        record = RequestRecord(
            at_ms=call.now_ms,
            venue=api.venue,
            method=call.method,
            path=call.path,
            api_key=call.headers.get("KC-API-KEY") or call.headers.get("X-MEXC-APIKEY") or "",
            client_order_ids=api.client_order_ids(call),
        )
        self._faults.requests.append(record)
        fault = self._faults.take("before", api.venue, call.method, call.path)
        response = await apply_fault(request, fault)
        if response is None:
            response = self._answer(call)
            fault = self._faults.take("after", api.venue, call.method, call.path)
            response = await apply_fault(request, fault) or response
        metrics.PAPER_REQUESTS.labels(venue=api.venue, status=str(response.status)).inc()
        record.status = 0 if response.status == CUT else response.status
        return response

    async def _call(self, request: web.Request) -> Call:
        target = request.raw_path.removeprefix(self._api.prefix)
        return Call(
            method=request.method,
            path=request.path.removeprefix(self._api.prefix),
            target=target,
            params=dict(request.query),
            body=await request.read(),
            headers=request.headers,
            address=request.remote or "",
            now_ms=self._world.now_ms(),
            base_url=f"{request.scheme}://{request.host}",
        )

    def _answer(self, call: Call) -> web.Response:
        api = self._api
        headers: dict[str, str] = {}
        try:
            found = api.router.find(call.method, call.path)
            if found is None:
                raise api.unknown_endpoint(call)
            endpoint, parts = found
            call.params.update(parts)
            if endpoint.right is not None:
                api.authenticate(call)
            verdict = api.charge(call, endpoint)
            headers = api.limit_headers(verdict)
            if not verdict.allowed:
                raise api.limited(verdict)
            if endpoint.right is not None:
                api.require(call, endpoint.right)
            return _json(200, api.success(endpoint.handler(call)), headers)
        except ExchangeRefusal as refusal:
            error = api.refused(refusal, call)
        except VenueError as venue_error:
            error = venue_error
        return _json(error.status, api.failure(error), headers | error.headers)


async def apply_fault(request: web.Request, fault: Fault | None) -> web.Response | None:
    """Do what was ordered. None: go on as usual."""
    if fault is None:
        return None
    if fault.delay_ms:
        await asyncio.sleep(fault.delay_ms / 1000)
    if fault.action == "delay":
        return None
    if fault.action == "cut":
        if request.transport is not None:
            request.transport.abort()
        return web.Response(status=CUT)
    return web.Response(
        status=fault.status, text=fault.body, content_type=fault.content_type, headers=fault.headers, charset="utf-8"
    )


def _json(status: int, data: Json, headers: dict[str, str]) -> web.Response:
    return web.Response(status=status, body=msgspec.json.encode(data), content_type="application/json", headers=headers)
