"""Login, refresh, logout, and who I am."""

from fastapi import APIRouter, Request, Response

from backfuture_gateway.auth.schemas import LoginIn, MeOut, RefreshIn, TokensOut
from backfuture_gateway.http.dependencies import CallerDep, ServicesDep
from backfuture_gateway.http.errors import refusals

router = APIRouter(tags=["auth"])


@router.post("/auth/login", responses=refusals(400, 401, 429))
async def login(body: LoginIn, request: Request, services: ServicesDep) -> TokensOut:
    """Open a session. Too many wrong tries for one name or from one address are refused for a while."""
    address = request.client.host if request.client else "unknown"
    return await services.auth.login(body.username, body.password.get_secret_value(), address)


@router.post("/auth/refresh", responses=refusals(400, 401))
async def refresh(body: RefreshIn, services: ServicesDep) -> TokensOut:
    """Get a new pair of tokens. A refresh token works once; used twice, it ends its session: somebody copied it."""
    return await services.auth.refresh(body.refresh_token.get_secret_value())


@router.post("/auth/logout", status_code=204, response_class=Response, responses=refusals(401))
async def logout(caller: CallerDep, services: ServicesDep) -> None:
    """End this session: its access and refresh tokens stop working at once."""
    await services.auth.logout(caller)


@router.get("/me", responses=refusals(401))
async def me(caller: CallerDep) -> MeOut:
    """Return who I am."""
    return MeOut(id=caller.user_id, name=caller.name, role=caller.role)
