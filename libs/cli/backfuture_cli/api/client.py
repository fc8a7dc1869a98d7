"""Speaks to the gateway: bearer token, refresh, an idempotency key for each change, failures with hints."""

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Generic, TypeVar

import httpx
import msgspec

from backfuture_cli.api.session import Session, SessionFile
from backfuture_cli.api.views import Me, Tokens
from backfuture_cli.exits import CliError, Exit

T = TypeVar("T")
JsonObject = Mapping[str, object]

PREFIX = "/api/v1"
_TIMEOUT_S = 15.0
_STREAM_TIMEOUT = httpx.Timeout(_TIMEOUT_S, read=60.0)
_EXITS = {400: Exit.BAD_INPUT, 403: Exit.REFUSED, 404: Exit.NOT_FOUND, 409: Exit.REFUSED, 413: Exit.BAD_INPUT,
          422: Exit.BAD_INPUT, 503: Exit.NOT_RUNNING, 504: Exit.TIMEOUT}  # fmt: skip
_KEY_CODES = ("connection.key", "connection.passphrase", "connection.no_key", "credential.", "vault_")


class Page(msgspec.Struct, Generic[T]):
    """One page of a long list."""

    items: list[T]


class _ErrorDetail(msgspec.Struct):
    code: str = ""
    message: str = ""
    hint: str = ""


class _ErrorBody(msgspec.Struct):
    error: _ErrorDetail


class Gateway:
    """The API of one gateway, as the user of a session file."""

    def __init__(self, url: str, sessions: SessionFile, transport: httpx.BaseTransport | None = None) -> None:
        self._url = url.rstrip("/")
        self._sessions = sessions
        self._http = httpx.Client(base_url=self._url + PREFIX, timeout=_TIMEOUT_S, trust_env=False, transport=transport)

    def login(self, username: str, password: str) -> Session:
        """Log in and remember the tokens."""
        body = {"username": username, "password": password}
        answer = self._checked(self._send("POST", "/auth/login", body))
        tokens = _decode(answer, Tokens)
        session = Session(self._url, username, tokens.access_token, tokens.refresh_token)
        self._sessions.save(session)
        return session

    def logout(self) -> None:
        """End the session at the gateway and forget it here; forgotten here even when the gateway is away."""
        session = self._sessions.load()
        if session is None:
            return
        try:
            self._checked(self._send("POST", "/auth/logout", {"refresh_token": session.refresh_token}, session))
        finally:
            self._sessions.forget()

    def get(self, path: str, kind: type[T], **query: object) -> T:
        """Ask for one thing."""
        return _decode(self.raw("GET", path, query=query), kind)

    def items(self, path: str, kind: type[T], **query: object) -> list[T]:
        """Ask for a list; of a long one, the newest page."""
        answer = self.raw("GET", path, query=query)
        if answer.content.lstrip()[:1] == b"[":
            return _decode(answer, list[kind])  # type: ignore[valid-type]  # a type made of an argument
        return _decode(answer, Page[kind]).items  # type: ignore[valid-type]  # as above

    def send(self, method: str, path: str, body: JsonObject | None = None) -> httpx.Response:
        """Change something. A repeated attempt under the same key is answered and not done again."""
        return self.raw(method, path, body=body, key=secrets.token_urlsafe(18))

    def post(self, path: str, kind: type[T], body: JsonObject | None = None) -> T:
        """Change something and read the answer."""
        return _decode(self.send("POST", path, body), kind)

    def raw(
        self,
        method: str,
        path: str,
        *,
        body: JsonObject | None = None,
        query: Mapping[str, object] | None = None,
        key: str | None = None,
    ) -> httpx.Response:
        """Send as the logged-in user, with fresh tokens when the old ones have expired."""
        session = self._session()
        answer = self._send(method, path, body, session, query=query, key=key)
        if answer.status_code == 401:
            answer = self._send(method, path, body, self._refreshed(session), query=query, key=key)
        return self._checked(answer)

    @contextmanager
    def stream(self, path: str, headers: Mapping[str, str]) -> Iterator[httpx.Response]:
        """Open an endless answer; the caller reads its lines. A gateway that is silent for 60 s is given up."""
        self.get("/me", Me)  # refreshes the tokens where needed: a stream cannot be asked twice
        bearer = {"Authorization": f"Bearer {self._session().access_token}"}
        with (
            self._connected(),
            self._http.stream("GET", path, headers={**headers, **bearer}, timeout=_STREAM_TIMEOUT) as answer,
        ):
            if answer.status_code >= 400:
                answer.read()
            yield self._checked(answer)

    def _session(self) -> Session:
        session = self._sessions.load()
        if session is None or session.gateway != self._url:
            raise CliError("nobody is logged in", "log in first: backfuture login", code="not_logged_in")
        return session

    def _refreshed(self, session: Session) -> Session:
        answer = self._send("POST", "/auth/refresh", {"refresh_token": session.refresh_token})
        if answer.status_code in {401, 403}:
            self._sessions.forget()
            raise CliError("the login has expired", "log in again: backfuture login", code="login_expired")
        tokens = _decode(self._checked(answer), Tokens)
        fresh = Session(self._url, session.user, tokens.access_token, tokens.refresh_token)
        self._sessions.save(fresh)
        return fresh

    def _send(
        self,
        method: str,
        path: str,
        body: JsonObject | None = None,
        session: Session | None = None,
        *,
        query: Mapping[str, object] | None = None,
        key: str | None = None,
    ) -> httpx.Response:
        headers = {"Authorization": f"Bearer {session.access_token}"} if session else {}
        if key:
            headers["Idempotency-Key"] = key
        params = {name: str(value) for name, value in (query or {}).items() if value is not None}
        with self._connected():
            return self._http.request(method, path, json=body, headers=headers, params=params)

    @contextmanager
    def _connected(self) -> Iterator[None]:
        try:
            yield
        except httpx.ConnectError:
            raise CliError(
                f"no gateway answers at {self._url}",
                "start the platform with `backfuture up`, or name the gateway in BACKFUTURE_GATEWAY_URL",
                exit_code=Exit.NOT_RUNNING,
            ) from None
        except httpx.TimeoutException:
            raise CliError(
                f"the gateway at {self._url} did not answer in time",
                "look with `backfuture doctor`; whether a change was made, the lists show",
                exit_code=Exit.TIMEOUT,
            ) from None
        except httpx.HTTPError as error:
            raise CliError(f"the conversation with the gateway broke off: {error}", "try again") from None

    def _checked(self, answer: httpx.Response) -> httpx.Response:
        if answer.status_code < 400:
            return answer
        raise error_of(answer.status_code, answer.content)


def error_of(status: int, body: bytes) -> CliError:
    """Return the gateway's refusal as a command's failure with its exit code."""
    try:
        told = msgspec.json.decode(body, type=_ErrorBody).error
    except (msgspec.DecodeError, msgspec.ValidationError):
        return CliError(f"the answer was HTTP {status}, and not as the gateway answers", "is the address right?")
    exit_code = _EXITS.get(status, Exit.ERROR)
    if told.code.startswith(_KEY_CODES):
        exit_code = Exit.KEY_PROBLEM
    return CliError(told.message, told.hint, exit_code=exit_code, code=told.code)


def _decode(answer: httpx.Response, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(answer.content, type=kind)
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise CliError(
            f"the gateway's answer cannot be read: {error}", "are command and gateway of the same version?"
        ) from None
