"""The login page: a plain form, so that a password travels once and stays nowhere."""

from html import escape
from pathlib import Path
from string import Template
from urllib.parse import parse_qs

from backfuture_common.errors import PlatformError, Refused
from backfuture_common.runtime.logging import get_logger
from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from backfuture_dashboard.session import Sessions

_log = get_logger("backfuture.dashboard.login")

COOKIE_KEY = "login"
_MAX_FORM_BYTES = 4_096

_PAGE = Template(Path(__file__).with_name("login.html").read_text())


def _page(username: str = "", problem: str = "", status: int = 200) -> HTMLResponse:
    told = f'<div class="bad" role="alert">{escape(problem)}</div>' if problem else ""
    return HTMLResponse(
        _PAGE.substitute(username=escape(username, quote=True), problem=told),
        status_code=status,
        headers={"Cache-Control": "no-store"},
    )


def login_routes(sessions: Sessions) -> APIRouter:
    """Return the routes that open and end a session."""
    router = APIRouter(include_in_schema=False)

    @router.get("/login")
    async def form(request: Request) -> Response:
        if sessions.find(request.session.get(COOKIE_KEY)):
            return RedirectResponse("/", status_code=303)
        return _page()

    @router.post("/login")
    async def login(request: Request) -> Response:
        body = await request.body()
        if len(body) > _MAX_FORM_BYTES:
            return _page(problem="That is too long.", status=413)
        fields = parse_qs(body.decode(errors="replace"))
        username = fields.get("username", [""])[0]
        try:
            token = await sessions.login(username, fields.get("password", [""])[0])
        except PlatformError as error:
            return _page(
                username, f"{error.info.message} {error.info.hint}".strip(), 401 if isinstance(error, Refused) else 503
            )
        request.session.clear()  # nothing from before the login is kept, so nobody can have planted it
        request.session[COOKIE_KEY] = token
        return RedirectResponse("/", status_code=303)

    @router.post("/logout")
    async def logout(request: Request) -> Response:
        token = request.session.get(COOKIE_KEY)
        request.session.clear()
        await sessions.logout(token, lambda error: _log.warning("logout.not_told", code=error.info.code))
        return RedirectResponse("/login", status_code=303)

    return router
