"""Every failure has the one shape, a helpful hint, and never the caller's own words."""

from typing import Any

import pytest

from tests.support.gateway import GatewayUnderTest

Headers = dict[str, str]
BOT = {
    "name": "dips",
    "connection_id": "con_x",
    "symbols": ["BTC/USDT"],
    "strategy": {
        "base_order_quote": "60",
        "max_add_ons": 2,
        "step_percent": "5",
        "take_profit_percent": "1",
    },
    "margin_limit_quote": "600",
}


def _error(answer: Any) -> dict[str, Any]:
    body = answer.json()
    assert set(body) == {"error"}
    error: dict[str, Any] = body["error"]
    assert set(error) == {"code", "message", "hint", "retryable"}
    return error


async def test_an_unknown_address(gateway: GatewayUnderTest) -> None:
    answer = await gateway.client.get("/nothing")

    assert answer.status_code == 404
    assert _error(answer)["code"] == "http.not_found"


async def test_a_method_that_an_address_does_not_know(gateway: GatewayUnderTest) -> None:
    answer = await gateway.client.put("/bots")

    assert answer.status_code == 405
    assert _error(answer)["code"] == "http.method_not_allowed"
    assert "Allow" in answer.headers


@pytest.mark.parametrize("body", [b'{"name": ', b"[1, 2", b'{"a": NaN}', b"\xff\xfe", b"{'a': 1}"])
async def test_a_body_that_is_not_json(gateway: GatewayUnderTest, ana: Headers, body: bytes) -> None:
    answer = await gateway.client.post("/bots", content=body, headers={**ana, "Content-Type": "application/json"})

    assert answer.status_code in {400, 422}
    assert _error(answer)["hint"]


@pytest.mark.parametrize("body", [[], "text", 5, None])
async def test_a_body_that_is_no_object(gateway: GatewayUnderTest, ana: Headers, body: object) -> None:
    answer = await gateway.client.post("/bots", json=body, headers=ana)

    assert answer.status_code == 422
    assert _error(answer)["code"] == "request.invalid"


async def test_a_body_without_its_content_type_says_so(gateway: GatewayUnderTest, ana: Headers) -> None:
    answer = await gateway.client.post("/bots", content=b"{}", headers={**ana, "Content-Type": "text/plain"})

    assert answer.status_code == 422
    assert "Content-Type: application/json" in _error(answer)["hint"]


@pytest.mark.parametrize("declared", [True, False])
async def test_a_body_above_the_limit(gateway: GatewayUnderTest, ana: Headers, declared: bool) -> None:
    async def chunks() -> Any:
        for _ in range(70):
            yield b"x" * 1024

    content = b"x" * 70 * 1024 if declared else chunks()
    answer = await gateway.client.post("/bots", content=content, headers=ana)

    assert answer.status_code == 413
    assert _error(answer)["code"] == "request.too_large"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"margin_limit_quote": "-5"}, "margin_limit_quote must be more than 0"),
        ({"margin_limit_quote": 0.1}, "margin_limit_quote must be text, not a number with a fraction"),
        ({"margin_limit_quote": "1e5"}, "margin_limit_quote must be a decimal number"),
        ({"margin_limit_quote": "NaN"}, "margin_limit_quote must be a decimal number"),
        ({"margin_limit_quote": True}, "margin_limit_quote must be a decimal number"),
        ({"margin_limit_quote": "9" * 17}, "margin_limit_quote must be at most"),
        ({"symbols": []}, "symbols must have at least 1 entries"),
        ({"symbols": ["btc-usdt"]}, "symbols[0] has characters or a form that are not allowed"),
        ({"symbols": "BTC/USDT"}, "symbols must be a list"),
        ({"name": " padded "}, "name has characters or a form that are not allowed"),
        ({"name": "two\nlines"}, "name has characters or a form that are not allowed"),
        ({"max_active_groups": "2"}, "max_active_groups must be a whole number"),
        ({"max_active_groups": 0}, "max_active_groups must be at least 1"),
        ({"preset": "reckless"}, "preset must be one of"),
        ({"strategy": {**BOT["strategy"], "step_percent": "0"}}, "strategy.step_percent must be at least 0.1"),  # type: ignore[dict-item]  # the table above mixes types
        ({"strategy": {**BOT["strategy"], "surprise": 1}}, "is not a field of this request"),  # type: ignore[dict-item]  # the same
        ({"name": None}, "name must be text"),
    ],
)
async def test_a_wrong_value_is_named_with_what_is_wanted(
    gateway: GatewayUnderTest, ana: Headers, change: dict[str, object], words: str
) -> None:
    answer = await gateway.client.post("/bots", json={**BOT, **change}, headers=ana)

    assert answer.status_code == 422
    assert words in _error(answer)["message"]


async def test_a_whole_number_is_an_amount(gateway: GatewayUnderTest, ana: Headers) -> None:
    answer = await gateway.client.post("/bots", json={**BOT, "margin_limit_quote": 600}, headers=ana)

    assert _error(answer)["code"] == "connection.not_found"


async def test_a_secret_in_the_wrong_field_does_not_come_back(gateway: GatewayUnderTest, ana: Headers) -> None:
    secret = "S3cr3tKeyThatNobodyMaySee"
    bodies = [
        {"name": "a", "exchange": "paper-mexc", "api_key": "a" * 16, "secret": "b" * 16, secret: "x"},
        {"name": secret + "\n", "exchange": secret, "api_key": [secret], "secret": {"value": secret}},
        {"name": "a", "exchange": secret, "api_key": secret, "secret": secret, "passphrase": 5},
        secret,
    ]

    for body in bodies:
        answer = await gateway.client.post("/connections", json=body, headers=ana)
        assert answer.status_code == 422
        assert secret not in answer.text
        assert _error(answer)["message"]


async def test_a_key_with_a_line_end_is_refused_with_a_hint(gateway: GatewayUnderTest, ana: Headers) -> None:
    body = {"name": "a", "exchange": "paper-mexc", "api_key": "abcdefgh12345678\n", "secret": "b" * 16}

    answer = await gateway.client.post("/connections", json=body, headers=ana)

    assert answer.status_code == 422
    assert "Copy it again" in _error(answer)["hint"]


async def test_every_answer_carries_the_security_headers(gateway: GatewayUnderTest) -> None:
    for answer in (await gateway.client.get("/ping"), await gateway.client.get("/me"), await gateway.client.get("/no")):
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == "no-store"
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


async def test_no_other_origin_is_let_in(gateway: GatewayUnderTest) -> None:
    headers = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}

    preflight = await gateway.client.options("/auth/login", headers=headers)

    assert preflight.status_code == 405
    assert "Access-Control-Allow-Origin" not in preflight.headers


async def test_ping_and_version_need_no_token(gateway: GatewayUnderTest) -> None:
    assert (await gateway.client.get("/ping")).json() == {"status": "pong"}
    assert (await gateway.client.get("/version")).json()["api"] == "v1"
