"""The gateway as operators see it: first user, health, an orderly stop, one at a time."""

import time

import httpx

from tests.integration.gateway.conftest import Bench
from tests.support.gateway import PASSWORD, eventually

NEW_PASSWORD = "another long password"


def test_the_first_user_is_made_once_with_a_password_from_standard_input(bench: Bench) -> None:
    gateway = bench.gateway

    made = gateway.task("create-user", "--name", "Eve", "--role", "admin", stdin=PASSWORD + "\n")
    again = gateway.task("create-user", "--name", "eve", "--role", "user", stdin="some other password\n")
    short = gateway.task("create-user", "--name", "mallory", stdin="short\n")

    assert (made.returncode, made.stdout) == (0, "created\n")
    assert (again.returncode, again.stdout) == (0, "exists\n")
    assert short.returncode == 1
    assert "user.password_length" in short.stderr
    with bench.client("eve") as client:
        assert client.get("/me").json()["role"] == "admin"


def test_a_new_password_ends_all_sessions(bench: Bench) -> None:
    with bench.client() as client:
        changed = bench.gateway.task("set-password", "--name", "admin", stdin=NEW_PASSWORD + "\n")

        assert (changed.returncode, changed.stdout) == (0, "changed\n")
        assert client.get("/me").status_code == 401
    with bench.gateway.log_in("admin", NEW_PASSWORD) as client:
        assert client.get("/me").status_code == 200


def test_it_stops_in_order_and_at_once_with_streams_open(bench: Bench) -> None:
    with bench.client() as client, client.stream("GET", "/events") as stream:
        next(stream.iter_lines())
        started_s = time.monotonic()

        code = bench.gateway.stop()

    assert code == 0
    assert time.monotonic() - started_s < 10
    assert '"level": "error"' not in bench.gateway.log.read_text()


def test_an_unknown_setting_is_refused_by_name(bench: Bench) -> None:
    bench.gateway.stop()
    bench.gateway.environment["BACKFUTURE_DATABSE_URL"] = "x"

    refused = bench.gateway.task()

    assert refused.returncode == 2
    assert "BACKFUTURE_DATABSE_URL" in refused.stderr


def test_all_ports_are_closed_to_other_machines(bench: Bench) -> None:
    assert '"address": "127.0.0.1:' in bench.gateway.log.read_text()


async def test_health_shows_every_part_and_how_old_the_news_is(bench: Bench) -> None:
    bench.add_user("eve")
    bench.gateway.stop()
    own = f"http://127.0.0.1:{bench.gateway.environment['BACKFUTURE_HTTP_PORT']}"
    bench.gateway.environment["BACKFUTURE_PARTS"] = f"itself={own},nobody=http://127.0.0.1:1"
    bench.start()

    with bench.client() as client, bench.client("eve") as eve:

        async def all_asked() -> bool:
            parts = {part["name"]: part for part in client.get("/health").json()["parts"]}
            return bool(parts["itself"]["ready"]) and "does not answer" in parts["nobody"]["detail"]

        await eventually(all_asked)
        seen = client.get("/health").json()
        hidden = eve.get("/health").json()

    parts = {part["name"]: part for part in seen["parts"]}
    assert seen["ready"] is False
    assert parts["gateway"]["ready"] is True
    assert {check["name"] for check in parts["itself"]["checks"]} == {"bus", "read-model", "prices", "key-store"}
    assert parts["itself"]["age_ms"] < 15_000
    assert (parts["nobody"]["ready"], parts["nobody"]["age_ms"]) == (False, None)
    assert [(part["name"], part["ready"], part["checks"]) for part in hidden["parts"]] == [
        ("gateway", True, []),
        ("itself", True, []),
        ("nobody", False, []),
    ]


def test_metrics_and_readiness_stand_beside_the_api(bench: Bench) -> None:
    own = f"http://127.0.0.1:{bench.gateway.environment['BACKFUTURE_HTTP_PORT']}"

    assert httpx.get(f"{own}/readyz").json()["ready"] is True
    assert "backfuture_outbox_pending" in httpx.get(f"{own}/metrics").text
