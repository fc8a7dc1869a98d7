"""Asks every process of the platform how it is, and remembers the answers."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import httpx
from backfuture_common.runtime.clock import Clock
from backfuture_common.runtime.health import Health

from backfuture_gateway.health.schemas import CheckOut, HealthOut, PartOut

_EVERY_S = 3.0
_DEADLINE_S = 2.0
_OLD_MS = 15_000
_MOST_CHECKS = 50


@dataclass(slots=True)
class _Seen:
    ready: bool = False
    detail: str = "has not answered yet"
    checks: list[CheckOut] = field(default_factory=list)
    answered_ms: int | None = None


class PlatformHealth:
    """State of all parts. ``parts`` are names and base addresses of the other processes' health servers."""

    def __init__(self, parts: Sequence[tuple[str, str]], own: Health, clock: Clock) -> None:
        self._addresses = dict(parts)
        self._seen = {name: _Seen() for name in self._addresses}
        self._own = own
        self._clock = clock

    async def run(self) -> None:
        """Ask for ever, all parts at once, each with a deadline."""
        async with httpx.AsyncClient(timeout=_DEADLINE_S, trust_env=False, follow_redirects=False) as client:
            while True:
                async with asyncio.TaskGroup() as tasks:
                    for name, address in self._addresses.items():
                        tasks.create_task(self._ask(client, name, address))
                await asyncio.sleep(_EVERY_S)

    def report(self) -> HealthOut:
        now_ms = self._clock.now_ms()
        parts = [self._own_part(), *(self._part(name, seen, now_ms) for name, seen in self._seen.items())]
        return HealthOut(ready=all(part.ready for part in parts), parts=parts)

    def _own_part(self) -> PartOut:
        checks = [CheckOut(name=part.name, ok=part.ok, detail=part.detail) for part in self._own.parts]
        detail = "; ".join(f"{check.name}: {check.detail}" for check in checks if not check.ok)
        return PartOut(name="gateway", ready=self._own.ready, detail=detail, checks=checks, age_ms=0)

    def _part(self, name: str, seen: _Seen, now_ms: int) -> PartOut:
        age_ms = None if seen.answered_ms is None else max(0, now_ms - seen.answered_ms)
        fresh = age_ms is not None and age_ms <= _OLD_MS
        return PartOut(
            name=name, ready=seen.ready and fresh, detail=seen.detail, checks=list(seen.checks), age_ms=age_ms
        )

    async def _ask(self, client: httpx.AsyncClient, name: str, address: str) -> None:
        seen = self._seen[name]
        try:
            async with asyncio.timeout(_DEADLINE_S):
                response = await client.get(f"{address}/readyz")
        except (httpx.HTTPError, TimeoutError) as error:
            seen.ready, seen.detail = False, f"does not answer ({type(error).__name__})"
            return
        seen.answered_ms = self._clock.now_ms()
        seen.checks = _checks_of(response)
        seen.ready = response.status_code == 200
        failing = "; ".join(f"{check.name}: {check.detail}" for check in seen.checks if not check.ok)
        seen.detail = "" if seen.ready else failing or f"answers {response.status_code}"


def _checks_of(response: httpx.Response) -> list[CheckOut]:
    """Read the checks of one of our services; others (broker, monitoring) only have a status code."""
    try:
        parts = response.json()["parts"][:_MOST_CHECKS]
        return [
            CheckOut(name=str(part["name"]), ok=part["ok"] is True, detail=str(part["detail"])[:300]) for part in parts
        ]
    except (ValueError, KeyError, TypeError):
        return []
