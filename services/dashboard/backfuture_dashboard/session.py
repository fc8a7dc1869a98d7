"""What one logged-in user sees: fetched once, then kept fresh by the gateway's event stream. Server side only."""

import asyncio
import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import httpx
from backfuture_common.errors import PlatformError
from backfuture_common.runtime.logging import get_logger

from backfuture_dashboard.gateway import Gateway, LoggedOut, StreamEvent

_log = get_logger("backfuture.dashboard.session")

Subject = Literal["health", "connections", "bots", "groups", "closed", "orders", "decisions", "balances", "prices"]
Rows = list[dict[str, Any]]

PATHS: dict[Subject, tuple[str, dict[str, str | int]]] = {
    "connections": ("/connections", {}),
    "bots": ("/bots", {}),
    "groups": ("/groups", {"state": "open"}),
    "closed": ("/groups", {"state": "closed", "limit": 50}),
    "orders": ("/orders", {"limit": 40}),
    "decisions": ("/decisions", {"limit": 40}),
    "balances": ("/balances", {}),
    "prices": ("/prices", {}),
}
CHANGED_BY: dict[str, tuple[Subject, ...]] = {
    "connection": ("connections", "balances"),
    "bot": ("bots",),
    "group": ("groups", "closed", "bots"),
    "order": ("orders", "balances"),
    "decision": ("decisions",),
    "reset": tuple(PATHS),
}
"""What is fetched anew when the stream tells of a change."""

_FETCH_EVERY_S = 0.25
_HEALTH_EVERY_S = 2.0
_RETRY_S = 1.0
_IDLE_S = 12 * 3600


@dataclass
class View:
    """The newest rows of each subject, and a number that grows with each change of one."""

    rows: dict[Subject, Rows] = field(default_factory=dict)
    versions: dict[Subject, int] = field(default_factory=dict)
    problem: PlatformError | None = None

    def put(self, subject: Subject, rows: Rows) -> None:
        if self.rows.get(subject) != rows:
            self.rows[subject] = rows
            self.versions[subject] = self.versions.get(subject, 0) + 1

    def price(self, exchange: str, symbol: str) -> dict[str, Any] | None:
        return next(
            (p for p in self.rows.get("prices", []) if p["exchange"] == exchange and p["symbol"] == symbol), None
        )


class Session:
    """One login. ``view`` follows the gateway until the session ends."""

    def __init__(self, gateway: Gateway, user: str) -> None:
        self.gateway = gateway
        self.user = user
        self.view = View()
        self.ended = False
        self.used_s = time.monotonic()
        self._stale: set[Subject] = set(PATHS)
        self._stale_now = asyncio.Event()
        self._last_id = ""

    async def follow(self) -> None:
        """Keep the view fresh until the session ends. A lost gateway is shown, and comes back by itself."""
        while not self.ended:
            try:
                async with asyncio.TaskGroup() as group:
                    group.create_task(self._listen())
                    group.create_task(self._fetch())
                    group.create_task(self._watch_health())
            except* LoggedOut:
                self.ended = True
            except* PlatformError as errors:
                self._note(errors)
            await asyncio.sleep(_RETRY_S)

    def refresh_all(self) -> None:
        """Fetch everything anew, after an action of the user."""
        self._mark(tuple(PATHS))

    async def _listen(self) -> None:
        self._mark(tuple(PATHS))  # what happened while nobody listened
        while True:
            async for event in self.gateway.events(self._last_id):
                self._take(event)
            await asyncio.sleep(_RETRY_S)

    def _take(self, event: StreamEvent) -> None:
        self._last_id = event.id or self._last_id
        if event.kind == "price":
            self._take_price(json.loads(event.data))
        else:
            self._mark(CHANGED_BY.get(event.kind, ()))

    def _take_price(self, price: dict[str, Any]) -> None:
        others = [
            p
            for p in self.view.rows.get("prices", [])
            if (p["exchange"], p["symbol"]) != (price["exchange"], price["symbol"])
        ]
        self.view.put("prices", sorted([*others, price], key=lambda p: (p["exchange"], p["symbol"])))

    def _mark(self, subjects: tuple[Subject, ...]) -> None:
        if subjects:
            self._stale.update(subjects)
            self._stale_now.set()

    async def _fetch(self) -> None:
        while True:
            await self._stale_now.wait()
            self._stale_now.clear()
            subjects, self._stale = self._stale, set()
            for subject in subjects:
                path, query = PATHS[subject]
                self.view.put(subject, await self.gateway.items(path, **query))
            self.view.problem = None
            await asyncio.sleep(_FETCH_EVERY_S)

    async def _watch_health(self) -> None:
        while True:
            answer = await self.gateway.get("/health")
            self.view.put("health", answer["parts"])
            if time.monotonic() - self.used_s > _IDLE_S:
                raise LoggedOut
            await asyncio.sleep(_HEALTH_EVERY_S)

    def _note(self, errors: ExceptionGroup[PlatformError]) -> None:
        first = errors.exceptions[0]
        while isinstance(first, ExceptionGroup):
            first = first.exceptions[0]
        self.view.problem = first
        _log.warning("gateway.lost", code=first.info.code, message=first.info.message)


class Sessions:
    """All logins of this process, by the random token in the user's signed cookie. They end with the process."""

    def __init__(self, gateway_url: str, tasks: asyncio.TaskGroup) -> None:
        self._http = httpx.AsyncClient(base_url=f"{gateway_url.rstrip('/')}/api/v1", trust_env=False)
        self._tasks = tasks
        self._sessions: dict[str, Session] = {}
        self._following: set[asyncio.Task[None]] = set()

    async def login(self, username: str, password: str) -> str:
        """Log in and return a new token; raises what :class:`Gateway` raises."""
        gateway = Gateway(self._http)
        await gateway.login(username, password)
        me = await gateway.get("/me")
        token = secrets.token_urlsafe(32)
        session = Session(gateway, str(me["name"]))
        self._sessions[token] = session
        following = self._tasks.create_task(self._live(token, session))
        self._following.add(following)
        following.add_done_callback(self._following.discard)
        return token

    def find(self, token: object) -> Session | None:
        session = self._sessions.get(token) if isinstance(token, str) else None
        if session is None or session.ended:
            return None
        session.used_s = time.monotonic()
        return session

    async def logout(self, token: object, warn: Callable[[PlatformError], None]) -> None:
        """End a login here at once, and at the gateway if it can be reached."""
        session = self._sessions.pop(token, None) if isinstance(token, str) else None
        if session is None:
            return
        session.ended = True
        try:
            await session.gateway.logout()
        except PlatformError as error:
            warn(error)

    async def close(self) -> None:
        """End all logins here; at the gateway they run out by themselves."""
        for following in self._following:
            following.cancel()
        await self._http.aclose()

    async def _live(self, token: str, session: Session) -> None:
        await session.follow()
        self._sessions.pop(token, None)
