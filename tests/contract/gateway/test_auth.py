"""Login, refresh, logout, roles: over HTTP, on a real database."""

from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import pytest
from backfuture_common.runtime.clock import ManualClock
from backfuture_gateway.auth.throttle import MAX_PER_NAME, WINDOW_S

from tests.support.gateway import PASSWORD, GatewayUnderTest, gateway_in_process

Headers = dict[str, str]


def _bearer(token: str) -> Headers:
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture
async def timed(tmp_path: Path) -> AsyncIterator[tuple[GatewayUnderTest, ManualClock]]:
    clock = ManualClock()
    async with gateway_in_process(tmp_path, clock) as running:
        await running.add_user("ana")
        yield running, clock


async def _tokens(gateway: GatewayUnderTest, name: str = "ana") -> dict[str, str]:
    answer = await gateway.client.post("/auth/login", json={"username": name, "password": PASSWORD})
    assert answer.status_code == 200
    tokens: dict[str, str] = answer.json()
    return tokens


async def test_a_user_logs_in_and_is_known(gateway: GatewayUnderTest) -> None:
    await gateway.add_user("ana", "admin")

    answer = await gateway.client.get("/me", headers=await gateway.log_in("Ana"))

    assert answer.json()["name"] == "ana"
    assert answer.json()["role"] == "admin"


async def test_a_wrong_password_and_a_wrong_name_get_the_same_answer(gateway: GatewayUnderTest) -> None:
    await gateway.add_user("ana")

    wrong_password = await gateway.client.post("/auth/login", json={"username": "ana", "password": "wrong one here"})
    wrong_name = await gateway.client.post("/auth/login", json={"username": "bob", "password": "wrong one here"})

    assert wrong_password.status_code == wrong_name.status_code == 401
    assert wrong_password.json() == wrong_name.json()
    assert wrong_password.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("path", ["/me", "/connections", "/bots", "/groups", "/orders", "/events", "/health", "/users"])
async def test_without_a_token_nothing_is_shown(gateway: GatewayUnderTest, path: str) -> None:
    answer = await gateway.client.get(path)

    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "auth.token_missing"


async def test_a_forged_token_is_refused(gateway: GatewayUnderTest) -> None:
    await gateway.add_user("ana")
    head, _, _ = (await _tokens(gateway))["access_token"].partition(".")
    unsigned = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.eyJzdWIiOiJ4Iiwic2lkIjoieSIsImV4cCI6OTk5OTk5OTk5OX0."

    for token in (f"{head}.e30.AAAA", unsigned, "nonsense"):
        answer = await gateway.client.get("/me", headers=_bearer(token))
        assert answer.status_code == 401
        assert answer.json()["error"]["code"] == "auth.token_invalid"


async def test_an_access_token_ends_after_its_time(timed: tuple[GatewayUnderTest, ManualClock]) -> None:
    gateway, clock = timed
    headers = await gateway.log_in("ana")

    clock.advance(901)
    answer = await gateway.client.get("/me", headers=headers)

    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "auth.token_expired"


async def test_a_refresh_token_works_once_and_is_replaced(gateway: GatewayUnderTest) -> None:
    await gateway.add_user("ana")
    first = await _tokens(gateway)

    second = await gateway.client.post("/auth/refresh", json={"refresh_token": first["refresh_token"]})

    assert second.status_code == 200
    assert second.json()["refresh_token"] != first["refresh_token"]
    assert (await gateway.client.get("/me", headers=_bearer(second.json()["access_token"]))).status_code == 200


async def test_a_refresh_token_used_twice_ends_the_whole_session(gateway: GatewayUnderTest) -> None:
    await gateway.add_user("ana")
    first = await _tokens(gateway)
    second = (await gateway.client.post("/auth/refresh", json={"refresh_token": first["refresh_token"]})).json()

    again = await gateway.client.post("/auth/refresh", json={"refresh_token": first["refresh_token"]})
    thief_or_owner = await gateway.client.post("/auth/refresh", json={"refresh_token": second["refresh_token"]})
    access = await gateway.client.get("/me", headers=_bearer(second["access_token"]))

    assert again.status_code == thief_or_owner.status_code == access.status_code == 401
    assert access.json()["error"]["code"] == "auth.session_ended"


async def test_a_refresh_token_ends_after_its_time(timed: tuple[GatewayUnderTest, ManualClock]) -> None:
    gateway, clock = timed
    tokens = await _tokens(gateway)

    clock.advance(30 * 86_400 + 1)
    answer = await gateway.client.post("/auth/refresh", json={"refresh_token": tokens["refresh_token"]})

    assert answer.status_code == 401


async def test_a_logout_ends_access_and_refresh_at_once(gateway: GatewayUnderTest) -> None:
    await gateway.add_user("ana")
    tokens = await _tokens(gateway)
    other_session = await gateway.log_in("ana")

    out = await gateway.client.post("/auth/logout", headers=_bearer(tokens["access_token"]))

    assert out.status_code == 204
    assert (await gateway.client.get("/me", headers=_bearer(tokens["access_token"]))).status_code == 401
    refreshed = await gateway.client.post("/auth/refresh", json={"refresh_token": tokens["refresh_token"]})
    assert refreshed.status_code == 401
    assert (await gateway.client.get("/me", headers=other_session)).status_code == 200


async def test_guessing_is_throttled_even_with_the_right_password_at_last(
    timed: tuple[GatewayUnderTest, ManualClock],
) -> None:
    gateway, clock = timed
    for _ in range(MAX_PER_NAME):
        await gateway.client.post("/auth/login", json={"username": "ana", "password": "a wrong password"})

    throttled = await gateway.client.post("/auth/login", json={"username": "ANA", "password": PASSWORD})
    clock.advance(WINDOW_S + 1)
    later = await gateway.client.post("/auth/login", json={"username": "ana", "password": PASSWORD})

    assert throttled.status_code == 429
    assert 0 < int(throttled.headers["Retry-After"]) <= WINDOW_S + 1
    assert throttled.json()["error"]["retryable"] is True
    assert later.status_code == 200


async def test_refresh_tokens_stand_in_the_database_as_hashes_only(gateway: GatewayUnderTest, tmp_path: Path) -> None:
    await gateway.add_user("ana")
    tokens = await _tokens(gateway)

    stored = await anyio.to_thread.run_sync(
        lambda: b"".join(file.read_bytes() for file in tmp_path.glob("gateway.db*"))
    )

    assert tokens["refresh_token"].encode() not in stored
    assert PASSWORD.encode() not in stored


async def test_only_administrators_see_and_make_users(gateway: GatewayUnderTest, ana: Headers) -> None:
    await gateway.add_user("root", "admin")
    root = await gateway.log_in("root")
    new = {"name": "bob", "password": "bob's long password", "role": "user"}

    refused = await gateway.client.post("/users", json=new, headers=ana)
    made = await gateway.client.post("/users", json=new, headers=root)
    twice = await gateway.client.post("/users", json={**new, "name": "BOB"}, headers=root)
    listed = await gateway.client.get("/users", headers=root)

    assert refused.status_code == 403
    assert (await gateway.client.get("/users", headers=ana)).status_code == 403
    assert made.status_code == 201
    assert "password" not in made.text
    assert twice.status_code == 409
    assert {user["name"] for user in listed.json()} == {"ana", "root", "bob"}
    await gateway.log_in("bob", "bob's long password")
