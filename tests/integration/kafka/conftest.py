"""Three nodes of Apache Kafka for the session; each test leaves all of them running."""

from collections.abc import Iterator

import pytest

from tests.support.apache_kafka import Cluster, running_kafka, why_not


@pytest.fixture(scope="session")
def three_nodes() -> Iterator[Cluster]:
    if reason := why_not():
        pytest.skip(reason)
    with running_kafka(3) as cluster:
        yield cluster


@pytest.fixture
def cluster(three_nodes: Cluster) -> Iterator[Cluster]:
    yield three_nodes
    for node in three_nodes.nodes:
        if node.process is None:
            node.start()
    for node in three_nodes.nodes:
        node.wait_ready()
