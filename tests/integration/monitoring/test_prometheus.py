"""Rules and dashboards on real Prometheus: each query parses, and each panel shows something of a platform in use."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.architecture.source import ROOT
from tests.support.newcomer import closed_groups, connect, eventually, make_bot, open_group, paper_key
from tests.support.platform import Platform

pytestmark = pytest.mark.timeout(300)

PROMETHEUS = ROOT / "deploy" / "prometheus"
DASHBOARDS = sorted((ROOT / "deploy" / "grafana" / "dashboards").glob("*.json"))
MISSING = "Prometheus is not installed here (make prometheus-deps)"
needs_promtool = pytest.mark.skipif(shutil.which("promtool") is None, reason=MISSING)


def panels(file: Path) -> list[tuple[str, str]]:
    """Return title and query of every panel, variables filled in as Grafana does."""
    board = json.loads(file.read_text())
    return [
        (f"{file.stem}: {panel['title']}", _filled(target["expr"]))
        for panel in board["panels"]
        for target in panel["targets"]
    ]


def _filled(expression: str) -> str:
    return expression.replace("$__rate_interval", "1m").replace("$exchange", ".*")


@needs_promtool
def test_the_rules_are_valid_and_each_alert_fires_when_it_should() -> None:
    rules = [str(file) for file in sorted((PROMETHEUS / "rules").glob("*.yml"))]
    for command in (["check", "rules", *rules], ["test", "rules", str(PROMETHEUS / "tests" / "rules_test.yml")]):
        done = subprocess.run(["promtool", *command], capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_is_tested_and_links_to_its_runbook() -> None:
    text = (PROMETHEUS / "rules" / "alerts.yml").read_text()
    alerts = re.findall(r"- alert: (\w+)", text)
    assert len(alerts) > 15
    tested = (PROMETHEUS / "tests" / "rules_test.yml").read_text()
    for alert in alerts:
        page = f"docs/operations/runbooks/{alert}.md"
        assert f"runbook: {page}" in text
        assert (ROOT / page).is_file()
        assert re.search(rf"alertname: {alert}\n\s+exp_alerts:\n", tested), f"{alert} has no test in which it fires"


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A platform with its Prometheus, after somebody has used it for a while; yields Prometheus' address."""
    if shutil.which("prometheus") is None:
        pytest.skip(MISSING)
    platform = Platform(tmp_path_factory.mktemp("watched"), PROMETHEUS="1")
    platform.environment["BACKFUTURE_PAPER_CONTROL_PORT"] = str(platform.base_port + 6)
    try:
        platform.start()
        _use(platform)
        yield f"http://127.0.0.1:{platform.base_port + 90}"
    finally:
        platform.stop()


def _use(platform: Platform) -> None:
    """Two bots that open and close groups, one key that is refused."""
    steps = {"take_profit_percent": "0.1", "step_percent": "5"}
    with platform.api() as api:
        bots = []
        for venue, symbol in (("kucoin", "BTC/USDT"), ("mexc", "SOL/USDT")):
            connection = connect(api, f"paper-{venue}", paper_key(platform, venue))
            bots.append(make_bot(api, connection["id"], symbol, f"{venue} bot", **steps))
        connect(api, "paper-mexc", paper_key(platform, "mexc", ("read", "withdraw")), "refused")
        eventually(lambda: all(open_group(api, bot) or closed_groups(api, bot) for bot in bots), 60, lambda: "groups")


@pytest.mark.parametrize("file", DASHBOARDS, ids=lambda file: file.stem)
def test_every_panel_shows_something(prometheus: str, file: Path) -> None:
    empty: dict[str, Any] = {}

    def all_show_something() -> bool:
        empty.clear()
        for title, expression in panels(file):
            answer = httpx.get(f"{prometheus}/api/v1/query", params={"query": expression}, timeout=10).json()
            assert answer["status"] == "success", f"{title}: {answer}"
            if not answer["data"]["result"]:
                empty[title] = expression
        return not empty

    eventually(all_show_something, 60, lambda: f"panels without data: {empty}")


def test_every_rule_is_evaluated_without_error_and_a_healthy_platform_is_quiet(prometheus: str) -> None:
    answer: dict[str, Any] = {}

    def evaluated() -> bool:
        answer.update(httpx.get(f"{prometheus}/api/v1/rules", timeout=10).json()["data"])
        found = [rule for group in answer["groups"] for rule in group["rules"]]
        return bool(found) and all(rule["health"] == "ok" for rule in found)

    eventually(evaluated, 30, lambda: f"rules to be evaluated: {answer}")
    alerts = [rule for group in answer["groups"] for rule in group["rules"] if rule["type"] == "alerting"]
    assert [rule["name"] for rule in alerts if rule["state"] == "firing"] == []


def test_series_are_few_and_no_label_names_a_person_or_an_order(prometheus: str) -> None:
    query = {"query": 'count({__name__=~"backfuture_.*"})'}
    answer = httpx.get(f"{prometheus}/api/v1/query", params=query, timeout=10).json()
    assert int(answer["data"]["result"][0]["value"][1]) < 2_000
    labels = set(httpx.get(f"{prometheus}/api/v1/labels", timeout=10).json()["data"])
    assert not labels & {"user", "owner", "bot", "bot_id", "order_id", "client_order_id", "connection_id", "symbol"}
