"""The table of identities: least rights, and every generated or hand-kept rule says the same."""

import re

import pytest
from backfuture_common.identities import Acl, identities, kafka_acls, kafka_script, postgres_script, vault_policies
from backfuture_common.provision import EXCHANGES
from backfuture_common.topics import ORDER_EVENTS, order_commands, order_ledger

from tests.architecture.source import ROOT

KUCOIN, MEXC = EXCHANGES[0], EXCHANGES[1]
ACLS = kafka_acls(EXCHANGES)


def may(user: str, operation: str, topic: str) -> bool:
    return any(
        acl.user == user and acl.kind == "TOPIC" and acl.operation == operation and _matches(acl, topic) for acl in ACLS
    )


def _matches(acl: Acl, topic: str) -> bool:
    return topic == acl.name if acl.match == "LITERAL" else topic.startswith(acl.name)


def test_only_the_engine_writes_orders_and_only_their_connector_reads_them() -> None:
    topic = order_commands(KUCOIN).name
    users = {identity.name for identity in identities(EXCHANGES)}
    assert {user for user in users if may(user, "WRITE", topic)} == {"strategy-engine"}
    assert {user for user in users if may(user, "READ", topic)} == {"strategy-engine", f"connector-{KUCOIN}"}


def test_a_connector_has_nothing_of_another_exchange() -> None:
    assert may(f"connector-{KUCOIN}", "WRITE", order_ledger(KUCOIN).name)
    for operation in ("READ", "WRITE", "DESCRIBE"):
        assert not may(f"connector-{KUCOIN}", operation, order_ledger(MEXC).name)


def test_the_gateway_can_say_nothing_in_the_name_of_an_exchange() -> None:
    assert may("gateway", "READ", ORDER_EVENTS.name)
    assert not may("gateway", "WRITE", ORDER_EVENTS.name)


@pytest.mark.parametrize(
    ("file", "text"),
    [("deploy/kafka/acls.sh", kafka_script(EXCHANGES)), ("deploy/postgres/access.sql", postgres_script(EXCHANGES))],
)
def test_the_scripts_are_current(file: str, text: str) -> None:
    assert (ROOT / file).read_text() == text, "run `make access`"


@pytest.mark.parametrize("name", sorted(vault_policies(EXCHANGES)))
def test_the_secret_stores_policies_say_what_the_table_says(name: str) -> None:
    text = (ROOT / "deploy" / "vault" / "policies" / f"{name}.hcl").read_text()
    blocks = re.findall(r'path "([^"]+)" \{(.*?)\n\}', text, re.DOTALL)
    found = {
        path: tuple(sorted(re.findall(r'"(\w+)"', re.findall(r"capabilities\s*=\s*\[(.*?)\]", body)[0])))
        for path, body in blocks
    }
    assert found == dict(vault_policies(EXCHANGES)[name])
