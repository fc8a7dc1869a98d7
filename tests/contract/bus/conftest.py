"""One broker for the whole session; every test has topics, groups and ids of its own."""

import secrets
from collections.abc import Iterator

import pytest
from backfuture_common.bus import KafkaSettings
from backfuture_common.domain.ids import ExchangeId

from tests.support.broker import running_broker


@pytest.fixture(scope="session")
def kafka_bootstrap() -> Iterator[str]:
    with running_broker() as bootstrap:
        yield bootstrap


@pytest.fixture
def kafka(kafka_bootstrap: str) -> KafkaSettings:
    return KafkaSettings(bootstrap_servers=kafka_bootstrap, client_id=f"test-{secrets.token_hex(4)}")


@pytest.fixture
def unique() -> str:
    """A prefix for everything with a name, so that no test meets another one's leftovers."""
    return f"t{secrets.token_hex(5)}"


@pytest.fixture
def exchange(unique: str) -> ExchangeId:
    return ExchangeId(unique)
