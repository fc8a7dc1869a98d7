"""The gateway's API as one user sees it: with the user's tokens, renewed when they run out."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
from backfuture_common.errors import Refused, Unknown

_DEADLINE_S = 10.0
_STREAM_SILENCE_S = 40.0
"""The gateway sends at least a comment every few seconds; longer silence is a dead connection."""


@dataclass(frozen=True, slots=True)
class StreamEvent:
    """One server-sent event."""

    id: str
    kind: str
    data: str


class LoggedOut(Refused):
    """The session has ended at the gateway; the user has to log in again."""

    def __init__(self) -> None:
        super().__init__("auth.ended", "Your session has ended.", "Log in again.")


class Gateway:
    """One user's calls. Raises :class:`LoggedOut`, :class:`Refused` with the gateway's own words, and
    :class:`Unknown` (``gateway.unreachable``) when there is no answer.
    """

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http
        self._access = ""
        self._refresh = ""
        self._renewing = asyncio.Lock()

    async def login(self, username: str, password: str) -> None:
        """Open a session; the password is not kept."""
        answer = await self._send("POST", "/auth/login", json={"username": username, "password": password})
        self._take_tokens(_body_of(answer))

    async def logout(self) -> None:
        """End the session at the gateway."""
        await self._send("POST", "/auth/logout", token=self._access)
        self._access = self._refresh = ""

    async def get(self, path: str, **query: str | int) -> Any:
        """Return the answer's JSON."""
        return await self._call("GET", path, params=query)

    async def items(self, path: str, **query: str | int) -> list[dict[str, Any]]:
        """Return the first page of a list."""
        answer = await self.get(path, **query)
        found: list[dict[str, Any]] = answer["items"] if isinstance(answer, dict) else answer
        return found

    async def post(self, path: str) -> Any:
        """Ask for an action that needs no body."""
        return await self._call("POST", path)

    async def events(self, last_id: str) -> AsyncIterator[StreamEvent]:
        """Yield changes as they happen, from after ``last_id``; ends when the connection does."""
        headers = {"Authorization": f"Bearer {self._access}", "Accept": "text/event-stream"}
        if last_id:
            headers["Last-Event-ID"] = last_id
        timeout = httpx.Timeout(_DEADLINE_S, read=_STREAM_SILENCE_S)
        try:
            async with self._http.stream("GET", "/events", headers=headers, timeout=timeout) as answer:
                if answer.status_code == httpx.codes.UNAUTHORIZED:
                    await self._renew(self._access)
                    return
                if answer.status_code >= httpx.codes.BAD_REQUEST:
                    await answer.aread()
                    _body_of(answer)
                async for event in parse_events(answer.aiter_lines()):
                    yield event
        except httpx.HTTPError as error:
            raise _unreachable(error) from None

    async def _call(self, method: str, path: str, **request: Any) -> Any:
        token = self._access
        answer = await self._send(method, path, token=token, **request)
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            await self._renew(token)
            answer = await self._send(method, path, token=self._access, **request)
            if answer.status_code == httpx.codes.UNAUTHORIZED:
                raise LoggedOut
        return _body_of(answer)

    async def _renew(self, stale: str) -> None:
        async with self._renewing:
            if self._access != stale:
                return  # another call was faster
            if not self._refresh:
                raise LoggedOut
            answer = await self._send("POST", "/auth/refresh", json={"refresh_token": self._refresh})
            if answer.status_code in {httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN}:
                self._access = self._refresh = ""
                raise LoggedOut
            self._take_tokens(_body_of(answer))

    async def _send(self, method: str, path: str, *, token: str = "", **request: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        try:
            return await self._http.request(method, path, headers=headers, timeout=_DEADLINE_S, **request)
        except httpx.HTTPError as error:
            raise _unreachable(error) from None

    def _take_tokens(self, body: Any) -> None:
        self._access, self._refresh = str(body["access_token"]), str(body["refresh_token"])


async def parse_events(lines: AsyncIterator[str]) -> AsyncIterator[StreamEvent]:
    """Turn the lines of a server-sent stream into events; comments are skipped."""
    fields: dict[str, list[str]] = {}
    async for line in lines:
        if line and not line.startswith(":"):
            name, _, value = line.partition(":")
            fields.setdefault(name, []).append(value.removeprefix(" "))
        elif not line and "data" in fields:
            yield StreamEvent(
                "".join(fields.get("id", [])),
                "".join(fields.get("event", ["message"])),
                "\n".join(fields.get("data", [])),
            )
            fields = {}


def _body_of(answer: httpx.Response) -> Any:
    if answer.is_success:
        return answer.json() if answer.content else None
    try:
        error = answer.json()["error"]
        code, message, hint = str(error["code"]), str(error["message"]), str(error.get("hint") or "")
    except (json.JSONDecodeError, KeyError, TypeError):
        code, message, hint = "gateway.odd", f"The gateway answered {answer.status_code}.", "Look at its log."
    raise Refused(code, message, hint)


def _unreachable(error: httpx.HTTPError) -> Unknown:
    return Unknown(
        "gateway.unreachable",
        "The gateway does not answer.",
        f"It comes back by itself when it runs again ({type(error).__name__}).",
        retryable=True,
    )
