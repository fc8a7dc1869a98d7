"""Puts the dashboard together: the only place that knows all of its parts."""

import asyncio

from backfuture_common.runtime.http import health_routes, serve_app
from backfuture_common.runtime.service import Runtime
from fastapi import FastAPI
from nicegui import app as pages
from nicegui import ui

from backfuture_dashboard import overview
from backfuture_dashboard.login import login_routes
from backfuture_dashboard.security import SameOriginOnly, storage_secret
from backfuture_dashboard.session import Sessions
from backfuture_dashboard.settings import DashboardSettings

_COOKIE = {"same_site": "lax", "https_only": False, "session_cookie": "backfuture", "max_age": 12 * 3600}


async def main(runtime: Runtime[DashboardSettings]) -> None:
    """Serve the pages until the process stops."""
    settings = runtime.settings
    async with asyncio.TaskGroup() as tasks:
        sessions = Sessions(settings.gateway_url, tasks)
        app = FastAPI(openapi_url=None)
        app.include_router(health_routes(runtime))
        pages.include_router(login_routes(sessions))  # NiceGUI's own app: it alone has the session cookie
        overview.register(sessions)
        ui.run_with(
            app,
            title="BackFuture",
            favicon="♾️",
            storage_secret=storage_secret(settings.storage_secret_file),
            session_middleware_kwargs=_COOKIE,
            show_welcome_message=False,
        )
        app.add_middleware(SameOriginOnly)
        runtime.health.set("pages", ok=True)
        serving = tasks.create_task(serve_app(runtime, app, host=settings.http_host, port=settings.http_port))
        await asyncio.wait([serving])
        await sessions.close()
