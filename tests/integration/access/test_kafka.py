"""Apache Kafka with logins and its own authorizer: each service can do its work, and nothing else."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from backfuture_common.bus import Committer, GroupReader, KafkaSettings, Outgoing, Publisher, Reader, ensure_topics
from backfuture_common.bus.settings import KafkaLogin
from backfuture_common.domain.ids import ExchangeId, Symbol
from backfuture_common.errors import Fatal
from backfuture_common.identities import Acl, kafka_acls
from backfuture_common.messages.market import Subscription
from backfuture_common.provision import make_topics
from backfuture_common.topics import (
    BOT_COMMANDS,
    BOT_STATE,
    FIXED_TOPICS,
    MARKET_SUBSCRIPTIONS,
    ORDER_EVENTS,
    Topic,
    connection_commands,
    exchange_topics,
    order_commands,
    order_ledger,
)
from confluent_kafka.admin import (
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)

from tests.support.apache_kafka import running_kafka, why_not

pytestmark = [pytest.mark.real_kafka, pytest.mark.kafka_bounded]

EXCHANGES = (ExchangeId("paper-kucoin"), ExchangeId("paper-mexc"))
KUCOIN, MEXC = EXCHANGES
USERS = ("admin", "gateway", "strategy-engine", "connector-paper-kucoin", "connector-paper-mexc")
MECHANISM = "SCRAM-SHA-512"
_KIND = {
    "TOPIC": ResourceType.TOPIC,
    "GROUP": ResourceType.GROUP,
    "TRANSACTIONAL_ID": ResourceType.TRANSACTIONAL_ID,
}

As = Callable[[str], KafkaSettings]


def overrides(folder: Path, password: str) -> dict[str, str]:
    """Return the settings of a broker that wants logins; the password is read from a file, as in the compose files."""
    secret = folder / "broker.properties"
    secret.write_text(f"admin={password}\n")
    secret.chmod(0o600)
    given = f"${{file:{secret}:admin}}"
    module = "org.apache.kafka.common.security"
    controller = f'username="admin" password="{given}" user_admin="{given}"'
    return {
        "listeners": "SASL_PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}",
        "advertised.listeners": "SASL_PLAINTEXT://127.0.0.1:{port}",
        "listener.security.protocol.map": "SASL_PLAINTEXT:SASL_PLAINTEXT,CONTROLLER:SASL_PLAINTEXT",
        "security.inter.broker.protocol": "SASL_PLAINTEXT",
        "sasl.enabled.mechanisms": MECHANISM,
        "sasl.mechanism.inter.broker.protocol": MECHANISM,
        "sasl.mechanism.controller.protocol": "PLAIN",
        "listener.name.controller.sasl.enabled.mechanisms": "PLAIN",
        "listener.name.controller.plain.sasl.jaas.config": f"{module}.plain.PlainLoginModule required {controller};",
        "listener.name.sasl_plaintext.scram-sha-512.sasl.jaas.config": (
            f'{module}.scram.ScramLoginModule required username="admin" password="{given}";'
        ),
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": "User:admin",
        "config.providers": "file",
        "config.providers.file.class": "org.apache.kafka.common.config.provider.FileConfigProvider",
    }


@pytest.fixture(scope="module")
def login(tmp_path_factory: pytest.TempPathFactory) -> Iterator[As]:
    """Yield who-is-it -> settings, on a broker with users, permissions and topics."""
    if reason := why_not():
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("logins")
    passwords = {user: secrets.token_hex(12) for user in USERS}
    for user, password in passwords.items():
        (folder / user).write_text(password)
        (folder / user).chmod(0o600)
    # the tool takes it as an argument only; this one dies with the test
    first = ("--add-scram", f"{MECHANISM}=[name=admin,password={passwords['admin']}]")
    with running_kafka(overrides=overrides(folder, passwords["admin"]), format_options=first) as cluster:

        def settings(user: str) -> KafkaSettings:
            return KafkaSettings(
                bootstrap_servers=cluster.bootstrap,
                client_id=f"{user}-{secrets.token_hex(3)}",
                owner_partitions=2,
                login=KafkaLogin(user, folder / user),
            )

        asyncio.run(make_topics(settings("admin"), EXCHANGES))
        _provision(cluster.bootstrap, passwords)
        yield settings


def _provision(bootstrap: str, passwords: dict[str, str]) -> None:
    client = AdminClient(
        {
            "bootstrap.servers": bootstrap,
            "security.protocol": "SASL_PLAINTEXT",
            "sasl.mechanism": MECHANISM,
            "sasl.username": "admin",
            "sasl.password": passwords["admin"],
        }
    )
    made = client.alter_user_scram_credentials(
        [
            UserScramCredentialUpsertion(
                user, ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096), password.encode()
            )
            for user, password in passwords.items()
            if user != "admin"
        ]
    )
    granted = client.create_acls([_binding(acl) for acl in kafka_acls(EXCHANGES)])
    for future in (*made.values(), *granted.values()):
        future.result(30)


def _binding(acl: Acl) -> AclBinding:
    return AclBinding(
        _KIND[acl.kind], acl.name, ResourcePatternType[acl.match], f"User:{acl.user}", "*",
        AclOperation[acl.operation], AclPermissionType.ALLOW,
    )  # fmt: skip


def a_record(topic: Topic) -> Outgoing:
    return Outgoing(topic, "k", Subscription(exchange=KUCOIN, symbol=Symbol("A/B"), partition=0, wanted=True))


async def writes(kafka: KafkaSettings, topic: Topic) -> None:
    async with Publisher(kafka, deadline_s=10) as publisher:
        await publisher.publish(a_record(topic))


async def reads(kafka: KafkaSettings, topic: Topic) -> None:
    async with Reader(kafka, [topic], on_poison=lambda _: None) as reader:
        await reader.poll(1)


async def commits(kafka: KafkaSettings, transactional_id: str, topic: Topic) -> None:
    async with Committer(kafka, transactional_id) as committer:
        await committer.commit([a_record(topic)])


async def joins(kafka: KafkaSettings, group: str, topic: Topic) -> None:
    async with GroupReader(kafka, (topic,), group, instance_id="one") as reader:
        async with asyncio.timeout(15):
            while not await reader.poll(0.3):
                pass


@pytest.mark.parametrize(
    ("user", "works"),
    [
        ("strategy-engine", lambda kafka: ensure_topics(kafka, FIXED_TOPICS)),
        ("strategy-engine", lambda kafka: commits(kafka, "backfuture.strategy-engine.1", BOT_STATE)),
        ("strategy-engine", lambda kafka: commits(kafka, "backfuture.strategy-engine.0", order_commands(KUCOIN))),
        ("strategy-engine", lambda kafka: joins(kafka, "strategy-engine", BOT_COMMANDS)),
        ("connector-paper-kucoin", lambda kafka: ensure_topics(kafka, exchange_topics(KUCOIN))),
        ("connector-paper-kucoin", lambda kafka: joins(kafka, "connector.paper-kucoin", order_commands(KUCOIN))),
        ("connector-paper-kucoin", lambda kafka: commits(kafka, "connector.paper-kucoin", order_ledger(KUCOIN))),
        ("connector-paper-kucoin", lambda kafka: reads(kafka, MARKET_SUBSCRIPTIONS)),
        ("gateway", lambda kafka: commits(kafka, "gateway-outbox", connection_commands(MEXC))),
        ("gateway", lambda kafka: reads(kafka, BOT_STATE)),
    ],
)  # fmt: skip
async def test_each_can_do_its_work(login: As, user: str, works: Callable[[KafkaSettings], Awaitable[None]]) -> None:
    await works(login(user))


@pytest.mark.parametrize(
    ("user", "tries"),
    [
        ("gateway", lambda kafka: writes(kafka, order_commands(KUCOIN))),
        ("gateway", lambda kafka: writes(kafka, ORDER_EVENTS)),
        ("gateway", lambda kafka: reads(kafka, order_ledger(KUCOIN))),
        ("gateway", lambda kafka: commits(kafka, "backfuture.strategy-engine.0", BOT_COMMANDS)),
        ("strategy-engine", lambda kafka: writes(kafka, ORDER_EVENTS)),
        ("strategy-engine", lambda kafka: reads(kafka, connection_commands(KUCOIN))),
        ("connector-paper-kucoin", lambda kafka: writes(kafka, order_commands(KUCOIN))),
        ("connector-paper-kucoin", lambda kafka: writes(kafka, BOT_COMMANDS)),
        ("connector-paper-kucoin", lambda kafka: reads(kafka, order_commands(MEXC))),
        ("connector-paper-kucoin", lambda kafka: commits(kafka, "connector.paper-mexc", order_ledger(KUCOIN))),
        ("connector-paper-kucoin", lambda kafka: joins(kafka, "connector.paper-mexc", order_commands(KUCOIN))),
    ],
)  # fmt: skip
async def test_what_is_not_its_own_is_refused(
    login: As, user: str, tries: Callable[[KafkaSettings], Awaitable[None]]
) -> None:
    with pytest.raises(Fatal, match=r"Authoriz|does not exist|took longer"):
        await tries(login(user))
    await tries(login("admin"))  # who may everything: what was refused was the right, not the request


async def test_without_the_right_password_nobody_gets_in(login: As, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong"
    wrong.write_text("guess")
    wrong.chmod(0o600)
    known = login("gateway")
    stranger = KafkaSettings(
        bootstrap_servers=known.bootstrap_servers, client_id="stranger", login=KafkaLogin("gateway", wrong)
    )
    nobody = KafkaSettings(bootstrap_servers=known.bootstrap_servers, client_id="nobody")
    for kafka in (stranger, nobody):
        with pytest.raises(Fatal):
            await ensure_topics(kafka, [ORDER_EVENTS], deadline_s=4)
