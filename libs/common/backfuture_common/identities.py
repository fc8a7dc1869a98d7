"""Who each process is, and all it may do: the one table behind Kafka's ACLs, database grants and Vault policies.

Topics tell who writes and who reads them; this adds groups, transactional ids, roles and paths. Nobody has more: topics
are made by the operator's identity (``python -m backfuture_common.provision``), services only look whether they exist.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from backfuture_common.domain.ids import ExchangeId
from backfuture_common.topics import FIXED_TOPICS, Service, Topic, dead_letters, exchange_topics

Kind = Literal["TOPIC", "GROUP", "TRANSACTIONAL_ID"]
Match = Literal["LITERAL", "PREFIXED"]
Operation = Literal["READ", "WRITE", "DESCRIBE"]
Capabilities = Mapping[str, tuple[str, ...]]

_ANY = ExchangeId("")
"""Stands for every exchange: its topics' names are then prefixes."""


@dataclass(frozen=True, slots=True, order=True)
class Acl:
    """One permission of one identity in Kafka."""

    user: str
    kind: Kind
    name: str
    match: Match
    operation: Operation


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """One service's rights; ``exchange`` for those that have only one exchange's."""

    name: str
    service: Service | None = None
    exchange: ExchangeId | None = None
    group: str = ""
    transactional_id: str = ""
    ids_are_prefixes: bool = False
    database_role: str = ""
    vault: Capabilities = field(default_factory=dict)


_CREDENTIAL = "users/+/connections/+"


def identities(exchanges: Sequence[ExchangeId]) -> tuple[Identity, ...]:
    """Return every identity of an installation with these exchanges."""
    connectors = (
        Identity(
            name=f"connector-{exchange}", service="connector", exchange=exchange, group=f"connector.{exchange}",
            transactional_id=f"connector.{exchange}",
        )
        for exchange in exchanges
    )  # fmt: skip
    return (
        Identity(name="gateway", service="gateway", transactional_id="gateway-outbox", database_role="gateway"),
        Identity(
            name="strategy-engine", service="strategy-engine", group="strategy-engine",
            transactional_id="backfuture.strategy-engine.", ids_are_prefixes=True,
        ),
        *connectors,
        Identity(
            name="intake",
            vault={
                f"exch/data/{_CREDENTIAL}": ("create", "update"),
                f"exch/metadata/{_CREDENTIAL}": ("create", "read", "update"),
                f"exch/destroy/{_CREDENTIAL}": ("update",),
            },
        ),
        Identity(
            name="dispense", vault={f"exch/data/{_CREDENTIAL}": ("read",), f"exch/metadata/{_CREDENTIAL}": ("read",)}
        ),
    )  # fmt: skip


def kafka_acls(exchanges: Sequence[ExchangeId]) -> tuple[Acl, ...]:
    """Return all permissions, sorted; whatever is not in here is refused."""
    found = {acl for identity in identities(exchanges) if identity.service for acl in _acls_of(identity)}
    return tuple(sorted(found))


def all_topics(exchanges: Sequence[ExchangeId]) -> tuple[Topic, ...]:
    """Return every topic of an installation with these exchanges."""
    return (*FIXED_TOPICS, *(topic for exchange in exchanges for topic in exchange_topics(exchange)))


def _acls_of(identity: Identity) -> Iterator[Acl]:
    for topic in FIXED_TOPICS:
        yield from _topic_acls(identity, topic, "LITERAL")
    one = identity.exchange
    for topic in exchange_topics(one if one is not None else _ANY):
        yield from _topic_acls(identity, topic, "LITERAL" if one is not None else "PREFIXED")
    match: Match = "PREFIXED" if identity.ids_are_prefixes else "LITERAL"
    if identity.group:
        yield Acl(identity.name, "GROUP", identity.group, "LITERAL", "READ")
    if identity.transactional_id:
        for operation in ("WRITE", "DESCRIBE"):
            yield Acl(identity.name, "TRANSACTIONAL_ID", identity.transactional_id, match, operation)


def _topic_acls(identity: Identity, topic: Topic, match: Match) -> Iterator[Acl]:
    """A producer may read back what it writes. A consumer may bury what it cannot read. Everybody may look whether a
    topic exists: that is asked at every start.
    """
    writes, reads = topic.producer == identity.service, identity.service in topic.consumers
    if match == "LITERAL" or writes or reads:
        yield Acl(identity.name, "TOPIC", topic.name, match, "DESCRIBE")
    if writes or reads:
        yield Acl(identity.name, "TOPIC", topic.name, match, "READ")
    if writes:
        yield Acl(identity.name, "TOPIC", topic.name, match, "WRITE")
    if reads and match == "LITERAL":
        yield Acl(identity.name, "TOPIC", dead_letters(topic), "LITERAL", "WRITE")
        yield Acl(identity.name, "TOPIC", dead_letters(topic), "LITERAL", "DESCRIBE")


def kafka_script(exchanges: Sequence[ExchangeId]) -> str:
    """Return a shell script that gives these permissions with Kafka's own tool."""
    lines = [
        "#!/usr/bin/env bash",
        "# Generated by `make access` from backfuture_common/identities.py: change that, not this.",
        "# Run with the operator's client settings: BOOTSTRAP=host:port COMMAND_CONFIG=admin.properties acls.sh",
        "set -euo pipefail",
        "acl() {",
        '  kafka-acls.sh --bootstrap-server "$BOOTSTRAP" --command-config "$COMMAND_CONFIG" --force --add "$@"',
        "}",
        "",
    ]
    flags = {"TOPIC": "--topic", "GROUP": "--group", "TRANSACTIONAL_ID": "--transactional-id"}
    grouped: dict[tuple[str, Kind, str, Match], list[str]] = {}
    for acl in kafka_acls(exchanges):
        grouped.setdefault((acl.user, acl.kind, acl.name, acl.match), []).append(acl.operation.capitalize())
    for (user, kind, name, match), operations in grouped.items():
        pattern = " --resource-pattern-type prefixed" if match == "PREFIXED" else ""
        wanted = " ".join(f"--operation {operation}" for operation in operations)
        lines.append(f"acl --allow-principal User:{user} {wanted} {flags[kind]} {name}{pattern}")
    return "\n".join(lines) + "\n"


def postgres_script(exchanges: Sequence[ExchangeId]) -> str:
    """Return SQL for a fresh database: each role with a database role of its own, nothing for the public."""
    (owner,) = (identity.database_role for identity in identities(exchanges) if identity.database_role)
    return _DATABASE_ACCESS.replace("OWNER", owner)


def vault_policies(exchanges: Sequence[ExchangeId]) -> dict[str, Capabilities]:
    """Return the paths and capabilities of each identity that uses the secret store."""
    return {identity.name: identity.vault for identity in identities(exchanges) if identity.vault}


_DATABASE_ACCESS = """\
-- Generated by `make access` from backfuture_common/identities.py: change that, not this.
-- Run once as the server's administrator in the platform's own, empty database; then set the passwords
-- (\\password OWNER, ...). May be repeated.
DO $$
DECLARE wanted text;
BEGIN
  FOREACH wanted IN ARRAY ARRAY['OWNER', 'backup'] LOOP
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN
      EXECUTE format('CREATE ROLE %I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE', wanted);
    END IF;
  END LOOP;
  EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
  EXECUTE format('GRANT CONNECT ON DATABASE %I TO OWNER, backup', current_database());
END $$;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
-- The gateway alone makes and changes tables: it migrates at its start.
GRANT USAGE, CREATE ON SCHEMA public TO OWNER;
-- Backups read everything and change nothing.
GRANT pg_read_all_data TO backup;
"""
