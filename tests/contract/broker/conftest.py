"""One broker for the session: the one given by KAFKA_BOOTSTRAP_SERVERS, else an embedded one on a free port."""

from collections.abc import Callable, Iterator

import pytest

from tests.contract.broker.kit import Kafka
from tests.support.broker import running_broker


@pytest.fixture(scope="session")
def kafka() -> Iterator[Kafka]:
    with running_broker() as bootstrap:
        yield Kafka(bootstrap)


@pytest.fixture
def needs_api(kafka: Kafka) -> Callable[[int], None]:
    """Skip a check when the broker does not offer a request."""

    def check(key: int) -> None:
        if key not in kafka.apis:
            pytest.skip(f"the broker does not offer request {key}")

    return check
