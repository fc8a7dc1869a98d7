"""Liveness, readiness and metrics, on the exchange's own port."""

from aiohttp import web
from backfuture_common.runtime import metrics
from backfuture_common.runtime.health import Health

from backfuture_paper.web.json_api import answer


class HealthApi:
    """The same three routes every service has."""

    def __init__(self, service: str, health: Health) -> None:
        self._service = service
        self._health = health

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/livez", self.live), web.get("/readyz", self.ready), web.get("/metrics", self.metrics)]

    async def live(self, _request: web.Request) -> web.Response:
        return answer({"status": "alive", "service": self._service})

    async def ready(self, _request: web.Request) -> web.Response:
        parts = [{"name": part.name, "ok": part.ok, "detail": part.detail} for part in self._health.parts]
        return answer({"ready": self._health.ready, "parts": parts}, 200 if self._health.ready else 503)

    async def metrics(self, _request: web.Request) -> web.Response:
        body, content_type = metrics.exposition()
        return web.Response(body=body, headers={"Content-Type": content_type})
