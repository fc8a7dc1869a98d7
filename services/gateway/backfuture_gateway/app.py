"""The HTTP application: routes, error shape, limits, description."""

from fastapi import APIRouter, Depends, FastAPI
from structlog.stdlib import BoundLogger

from backfuture_gateway.accounts import endpoints as accounts
from backfuture_gateway.auth import endpoints as auth
from backfuture_gateway.bots import endpoints as bots
from backfuture_gateway.connections import endpoints as connections
from backfuture_gateway.decisions import endpoints as decisions
from backfuture_gateway.events import endpoints as events
from backfuture_gateway.groups import endpoints as groups
from backfuture_gateway.health import endpoints as health
from backfuture_gateway.http.description import Description
from backfuture_gateway.http.handlers import Handlers
from backfuture_gateway.http.middleware import BodyLimit, SecurityHeaders
from backfuture_gateway.market import endpoints as market
from backfuture_gateway.orders import endpoints as orders
from backfuture_gateway.services import Services
from backfuture_gateway.users import endpoints as users

PREFIX = "/api/v1"
_SLICES = (auth, users, market, connections, bots, groups, orders, decisions, accounts, events, health)
_DESCRIPTION = """
The only way into a BackFuture installation.

Amounts are text in plain digits, times are milliseconds since 1970 (UTC). Every error has the body
`{"error": {"code", "message", "hint", "retryable"}}`. Requests that change something take an `Idempotency-Key`.
"""


def create_app(services: Services, log: BoundLogger, *further: APIRouter) -> FastAPI:
    """Return the app; ``further`` routers (health, metrics) stand beside the API and are not described."""
    app = FastAPI(
        title="BackFuture",
        version="1",
        description=_DESCRIPTION,
        openapi_url=f"{PREFIX}/openapi.json",
        docs_url=None,  # the interactive pages load scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.services = services
    description = Description(app, PREFIX)
    for part in _SLICES:
        app.include_router(part.router, prefix=PREFIX, dependencies=[Depends(description.refuse_unknown_query)])
    for router in further:
        app.include_router(router)
    app.add_middleware(BodyLimit)
    app.add_middleware(SecurityHeaders)
    Handlers(log, description).install(app)
    return app
