"""The API client: tokens, refresh, keys of changes, refusals as exit codes."""

import json
from collections.abc import Callable
from pathlib import Path

import httpx
import msgspec
import pytest
from backfuture_cli.api.client import Gateway, error_of
from backfuture_cli.api.session import Session, SessionFile
from backfuture_cli.api.views import Me
from backfuture_cli.exits import CliError, Exit

URL = "http://gateway"
ME = {"id": "usr_1", "name": "ana", "role": "user"}

Answer = Callable[[httpx.Request], httpx.Response]


@pytest.fixture
def sessions(tmp_path: Path) -> SessionFile:
    file = SessionFile(tmp_path / "session.json")
    file.save(Session(URL, "ana", "old-access", "old-refresh"))
    return file


def gateway(sessions: SessionFile, answer: Answer) -> Gateway:
    return Gateway(URL, sessions, httpx.MockTransport(answer))


def refusal(code: str = "some.code") -> dict[str, object]:
    return {"error": {"code": code, "message": "No.", "hint": "Do this.", "retryable": False}}


def test_an_expired_access_token_is_refreshed_once_and_kept(sessions: SessionFile) -> None:
    seen: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(f"{request.url.path} {request.headers.get('Authorization', '')}")
        if request.url.path.endswith("/auth/refresh"):
            assert json.loads(request.content) == {"refresh_token": "old-refresh"}
            return httpx.Response(200, json={"access_token": "new", "refresh_token": "newer", "expires_in_s": 900})
        return httpx.Response(200, json=ME) if "Bearer new" in seen[-1] else httpx.Response(401, json=refusal())

    assert gateway(sessions, answer).get("/me", Me).name == "ana"
    assert seen == ["/api/v1/me Bearer old-access", "/api/v1/auth/refresh ", "/api/v1/me Bearer new"]
    assert sessions.load() == Session(URL, "ana", "new", "newer")


def test_a_login_that_has_ended_is_forgotten_and_said(sessions: SessionFile) -> None:
    api = gateway(sessions, lambda _: httpx.Response(401, json=refusal()))
    with pytest.raises(CliError, match="login has expired"):
        api.get("/me", Me)
    assert sessions.load() is None


def test_a_session_of_another_gateway_is_not_sent(sessions: SessionFile) -> None:
    sessions.save(Session("http://elsewhere", "ana", "a", "r"))

    def answer(_: httpx.Request) -> httpx.Response:
        raise AssertionError("nothing may be sent")

    with pytest.raises(CliError, match="nobody is logged in"):
        gateway(sessions, answer).get("/me", Me)


def test_a_change_repeated_after_a_refresh_carries_the_same_idempotency_key(sessions: SessionFile) -> None:
    keys: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/auth/refresh"):
            return httpx.Response(200, json={"access_token": "new", "refresh_token": "newer", "expires_in_s": 900})
        keys.append(request.headers["Idempotency-Key"])
        return httpx.Response(401, json=refusal()) if len(keys) == 1 else httpx.Response(202, json={})

    gateway(sessions, answer).send("POST", "/bots/b/start")
    assert len(keys) == 2
    assert keys[0] == keys[1]


def test_a_list_is_read_plain_and_as_a_page(sessions: SessionFile) -> None:
    plain = gateway(sessions, lambda _: httpx.Response(200, json=[ME]))
    page = gateway(sessions, lambda _: httpx.Response(200, json={"items": [ME], "next_cursor": None}))
    assert plain.items("/x", Me) == page.items("/x", Me) == [Me(**ME)]


def test_a_gateway_that_is_away_is_told_with_a_way_out(sessions: SessionFile) -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    with pytest.raises(CliError) as caught:
        gateway(sessions, answer).get("/me", Me)
    assert caught.value.exit_code == Exit.NOT_RUNNING
    assert "backfuture up" in caught.value.info.hint


@pytest.mark.parametrize(
    ("status", "code", "exit_code"),
    [
        (404, "bot.not_found", Exit.NOT_FOUND),
        (422, "request.invalid", Exit.BAD_INPUT),
        (409, "connection.in_use", Exit.REFUSED),
        (409, "connection.key_in_use", Exit.KEY_PROBLEM),
        (422, "connection.passphrase_missing", Exit.KEY_PROBLEM),
        (503, "intake.unreachable", Exit.NOT_RUNNING),
        (504, "connection.outcome_unknown", Exit.TIMEOUT),
        (500, "internal", Exit.ERROR),
    ],
)
def test_a_refusal_becomes_message_hint_and_exit_code(status: int, code: str, exit_code: Exit) -> None:
    error = error_of(status, msgspec.json.encode(refusal(code)))
    assert (error.exit_code, error.info.code, error.info.message, error.info.hint) == (
        exit_code,
        code,
        "No.",
        "Do this.",
    )


def test_an_answer_of_something_else_is_not_taken_for_the_gateway(sessions: SessionFile) -> None:
    assert error_of(502, b"<html>").exit_code == Exit.ERROR
    with pytest.raises(CliError, match="cannot be read"):
        gateway(sessions, lambda _: httpx.Response(200, text="<html>")).get("/me", Me)
