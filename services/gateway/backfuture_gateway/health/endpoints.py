"""Health of the platform, a sign of life, the version."""

from importlib.metadata import version

from fastapi import APIRouter
from pydantic import BaseModel

from backfuture_gateway.health.schemas import HealthOut
from backfuture_gateway.http.dependencies import CallerDep, ServicesDep
from backfuture_gateway.http.errors import refusals

router = APIRouter(tags=["health"])


class PingOut(BaseModel):
    status: str = "pong"


class VersionOut(BaseModel):
    version: str
    api: str = "v1"


@router.get("/health", responses=refusals(401))
async def get_health(caller: CallerDep, services: ServicesDep) -> HealthOut:
    """Return how every process is; the details are for administrators."""
    report = services.health.report()
    if caller.is_admin:
        return report
    parts = [part.model_copy(update={"detail": "", "checks": []}) for part in report.parts]
    return report.model_copy(update={"parts": parts})


@router.get("/ping")
async def ping() -> PingOut:
    """Answer, without a token."""
    return PingOut()


@router.get("/version")
async def get_version() -> VersionOut:
    """Return the version, without a token."""
    return VersionOut(version=version("backfuture-gateway"))
