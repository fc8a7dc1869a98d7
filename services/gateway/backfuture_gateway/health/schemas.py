"""Body of the health endpoint."""

from typing import Annotated

from pydantic import Field

from backfuture_gateway.http.schemas import Outbound


class CheckOut(Outbound):
    """One part inside a process."""

    name: str
    ok: bool
    detail: str


class PartOut(Outbound):
    """One process of the platform."""

    name: str
    ready: bool
    detail: Annotated[str, Field(description="Why it is not ready, in words.")]
    checks: list[CheckOut]
    age_ms: Annotated[int | None, Field(description="How long ago it last answered; null when it never did.")]


class HealthOut(Outbound):
    ready: Annotated[bool, Field(description="Whether all parts are.")]
    parts: list[PartOut]
