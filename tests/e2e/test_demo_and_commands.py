"""A newcomer's first five minutes: start, look, watch the demo trade, add a key of one's own, explain an order."""

import json
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.support.newcomer import eventually
from tests.support.platform import Platform

pytestmark = pytest.mark.timeout(400)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """A platform as `make run` starts it, with the demo user logged in at the command line."""
    platform = Platform(tmp_path_factory.mktemp("demo"), DEMO="1")
    try:
        platform.start()
        platform.wait(lambda: "the demo runs" in platform.said(), 120, "the demo")
        platform.cli("login", "--user", "demo", "--password-stdin", stdin=platform.users["demo"])
        yield platform
    finally:
        platform.stop()


def paper_key(platform: Platform, venue: str, *more: str) -> str:
    return json.dumps(platform.cli("paper", "create-key", venue, *more))


def test_the_demo_has_a_connection_online_and_a_bot_running_on_each_paper_exchange(demo: Platform) -> None:
    connections = {c["exchange"]: c["status"] for c in demo.cli("connections", "list")}
    assert connections == {"paper-kucoin": "online", "paper-mexc": "online"}
    bots = {b["exchange"]: b["status"] for b in demo.cli("bots", "list")}
    assert bots == {"paper-kucoin": "running", "paper-mexc": "running"}


def test_groups_of_the_demo_open_add_on_and_close_within_five_minutes(demo: Platform) -> None:
    def has_lived() -> bool:
        groups = demo.cli("groups", "list")
        return any(g["add_ons_done"] for g in groups) and any(g["close_reason"] == "take_profit" for g in groups)

    eventually(has_lived, 300, lambda: f"an add-on and a close: {demo.cli('groups', 'list')}")
    closed = next(g for g in demo.cli("groups", "list") if g["close_reason"] == "take_profit")
    assert Decimal(closed["realised_quote"]) > 0


def test_every_order_of_the_demo_is_explained_by_a_decision(demo: Platform) -> None:
    eventually(lambda: bool(demo.cli("orders")), 60, lambda: "an order")
    for order in demo.cli("orders", "--limit", "3"):
        decision = demo.cli("explain", order["client_order_id"])["decision"]
        assert decision["decision_id"] == order["decision_id"]
        assert decision["numbers"]


def test_no_password_and_no_session_of_the_demo_is_left_in_the_state_folder(demo: Platform) -> None:
    passwords = [password.encode() for password in demo.users.values()]
    assert len(passwords) == 2
    for path in demo.home.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert not any(password in content for password in passwords), path
    assert not (demo.home / "secrets" / "demo-session.json").exists()


def test_a_key_that_can_withdraw_ends_with_exit_code_6(demo: Platform) -> None:
    key = paper_key(demo, "kucoin", "--rights", "read,trade,withdraw")
    ended = demo.cli("connections", "add", "paper-kucoin", "--name", "danger", "--credential-stdin", stdin=key, code=6)
    assert (ended["status"], ended["code"]) == ("refused", "WITHDRAW_ENABLED")


def test_a_key_with_a_wrong_secret_ends_with_exit_code_7_and_is_not_shown(demo: Platform) -> None:
    key = json.loads(paper_key(demo, "mexc"))
    key["secret"] = "0" * len(key["secret"])
    ended = demo.cli(
        "connections", "add", "paper-mexc", "--name", "wrong", "--credential-stdin", stdin=json.dumps(key), code=7
    )
    assert ended["code"] == "SECRET_WRONG"
    demo.cli("connections", "remove", "wrong", "--yes")
    assert "wrong" not in {c["name"] for c in demo.cli("connections", "list") if c["status"] != "removed"}


def test_a_bot_is_previewed_made_started_and_stopped(demo: Platform) -> None:
    flags = ("--connection", "Paper MEXC", "--preset", "conservative", "--base-order", "20", "--margin-limit", "200")
    preview = demo.cli("bots", "preview", "BTC/USDT", *flags)
    assert not preview["problems"]
    assert len(preview["steps"]) == 3
    made = demo.cli("bots", "create", "--name", "mine", "--symbol", "BTC/USDT", *flags)
    assert made["preset"] == "conservative"
    eventually(lambda: demo.cli("bots", "show", "mine")["status"] == "stopped", 20, lambda: "the bot to be made")
    demo.cli("bots", "start", "mine")
    eventually(lambda: demo.cli("bots", "show", "mine")["status"] == "running", 20, lambda: "the bot to run")
    demo.cli("bots", "stop", "mine")
    eventually(lambda: demo.cli("bots", "show", "mine")["status"] == "stopped", 20, lambda: "the bot to stop")


def test_what_does_not_exist_and_what_is_wrong_have_their_exit_codes(demo: Platform) -> None:
    assert demo.cli("bots", "show", "nosuch", code=2)["error"]["hint"]
    assert demo.cli("connections", "add", "nosuch", "--credential-stdin", stdin="{}", code=2)["error"]["message"]
    assert demo.cli("explain", "nosuch", code=2)["error"]["hint"]
    wrong = demo.cli("bots", "create", "--name", "x", "--symbol", "NO/PE", "--connection", "Paper MEXC", code=4)
    assert wrong["error"]["code"]


def test_the_feed_is_watched_in_json_and_in_words(demo: Platform) -> None:
    for arguments in (("watch", "--json"), ("watch",)):
        process = subprocess.Popen(
            [sys.executable, "-m", "backfuture_cli", *arguments], env=demo.environment, stdout=subprocess.PIPE
        )
        try:
            assert process.stdout is not None
            lines = [process.stdout.readline().decode() for _ in range(2)]
        finally:
            process.kill()
            process.wait()
        if "--json" in arguments:
            assert {json.loads(line)["kind"] for line in lines} <= {
                "connection",
                "bot",
                "group",
                "order",
                "decision",
                "price",
            }
        else:
            assert lines[0].startswith("watching")
            assert ":" in lines[1]


def test_doctor_finds_nothing_that_fails_while_all_runs(demo: Platform) -> None:
    def healthy() -> bool:
        findings: list[dict[str, Any]] = demo.cli("doctor")["findings"]
        return all(finding["state"] != "fail" for finding in findings)

    assert healthy()
    abouts = {finding["about"] for finding in demo.cli("doctor")["findings"]}
    assert {"disk", "clock", "broker round trip", "vault", "paper-kucoin reachable", "paper-mexc prices"} <= abouts


def test_a_lost_password_is_replaced(demo: Platform) -> None:
    fresh = demo.cli("reset-password", "admin")["password"]
    demo.cli("login", "--user", "admin", "--password-stdin", stdin=demo.users["admin"], code=1)
    assert demo.cli("login", "--user", "admin", "--password-stdin", stdin=fresh)["user"] == "admin"
    demo.cli("login", "--user", "demo", "--password-stdin", stdin=demo.users["demo"])


def test_a_killed_part_is_back_and_the_demo_goes_on(demo: Platform) -> None:
    before = demo.kill("engine")
    demo.wait(lambda: demo.part("engine")["pid"] not in {None, before} and demo.is_ready(), 60, "the engine to be back")
    assert demo.part("engine")["restarts"] == 1
    newest = max(d["at_ms"] for d in demo.cli("decisions"))
    eventually(lambda: max(d["at_ms"] for d in demo.cli("decisions")) > newest, 120, lambda: "a new decision")


def test_detached_it_gives_the_terminal_back_and_down_ends_all(tmp_path: Path) -> None:
    platform = Platform(tmp_path)
    started = subprocess.run(
        [sys.executable, "-m", "backfuture_cli", "up", "--detach"],
        env=platform.environment, capture_output=True, timeout=180, check=False,
    )  # fmt: skip
    try:
        assert started.returncode == 0, started.stdout.decode()
        assert b"BackFuture is running" in started.stdout
        status = platform.cli("status")
        assert all(part["state"] == "ready" for part in status["parts"])
    finally:
        platform.cli("down")
    platform.cli("status", code=3)
    assert list((platform.home / "run" / "pids").iterdir()) == []
    assert "password" not in (platform.home / "logs" / "launcher.log").read_text().lower()
