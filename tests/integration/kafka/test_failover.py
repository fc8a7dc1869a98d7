# mypy: untyped-calls-exclude=aiokafka
"""Three nodes of Apache Kafka, replication 3, two in sync: losing one loses and doubles nothing."""

import asyncio
import secrets
from collections import Counter
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer
from backfuture_common.bus import Committer, KafkaSettings, Publisher, Reader, ensure_topics
from backfuture_common.errors import Fatal
from backfuture_common.messages.journal import OrderIntended
from backfuture_common.topics import BOT_JOURNAL, Topic
from backfuture_engine.core.replay import replay

from tests.contract.bus.build import compacted, deleting, keys, numbers, read_all, record
from tests.integration.engine.stage import a_stage, eventually
from tests.integration.engine.test_chaos import keep_alive
from tests.integration.engine.test_life import LONG_REST, a_whole_group
from tests.support.apache_kafka import Cluster, Node
from tests.unit.engine.build import spec

pytestmark = [pytest.mark.real_kafka, pytest.mark.timeout(300)]

COUNT = 120


@pytest.fixture
def kafka(cluster: Cluster) -> KafkaSettings:
    return KafkaSettings(
        bootstrap_servers=cluster.bootstrap, client_id=f"test-{secrets.token_hex(4)}", replication_factor=3
    )


@pytest.fixture
async def pair(kafka: KafkaSettings) -> tuple[Topic, Topic]:
    name = f"t{secrets.token_hex(5)}"
    topics = (compacted(f"{name}.state"), deleting(f"{name}.commands"))
    await ensure_topics(kafka, topics)
    return topics


async def leader_of(kafka: KafkaSettings, cluster: Cluster, topic: Topic) -> Node:
    """Return the node that leads the topic's first partition."""
    producer = AIOKafkaProducer(bootstrap_servers=kafka.bootstrap_servers)
    await producer.start()
    try:
        await producer.partitions_for(topic.name)
        number: int = producer.client.cluster._partitions[topic.name][0].leader
    finally:
        await producer.stop()
    return next(node for node in cluster.nodes if node.number == number)


async def read_numbers(kafka: KafkaSettings, topic: Topic) -> list[int]:
    async with Reader(kafka, [topic]) as reader:
        return numbers(await read_all(reader))


async def commit_all(
    kafka: KafkaSettings, transactional_id: str, pair: tuple[Topic, Topic], progress: list[int]
) -> int:
    """Write the numbers in order, each in a transaction over both topics. After a failure start again as a process
    would: take over, read what is there, go on behind it. Return how often that was needed.
    """
    state, commands = pair
    failures = 0
    while True:
        try:
            async with Committer(kafka, transactional_id) as committer:
                done = await read_numbers(kafka, commands)
                for number in range(len(done), COUNT):
                    await committer.commit([record(state, str(number), number), record(commands, "k", number)])
                    progress.append(number)
                    await asyncio.sleep(0.01)
                return failures
        except Fatal:
            failures += 1
            assert failures < 40, "it never goes on"


@pytest.mark.kafka_bounded
async def test_transactions_survive_the_loss_of_the_leader(
    cluster: Cluster, kafka: KafkaSettings, pair: tuple[Topic, Topic]
) -> None:
    state, commands = pair
    progress: list[int] = []
    leader = await leader_of(kafka, cluster, commands)
    async with asyncio.TaskGroup() as tasks:
        writing = tasks.create_task(commit_all(kafka, secrets.token_hex(5), pair, progress))
        await eventually("some are written", lambda: len(progress) >= COUNT // 4)
        await asyncio.to_thread(leader.kill)
    assert writing.done()
    assert await read_numbers(kafka, commands) == list(range(COUNT))
    async with Reader(kafka, [state]) as reader:
        assert Counter(keys(await read_all(reader))) == Counter(str(number) for number in range(COUNT))


async def test_a_transaction_left_open_by_a_process_and_a_broker_that_died_together_is_never_seen(
    cluster: Cluster, kafka: KafkaSettings, pair: tuple[Topic, Topic]
) -> None:
    _, commands = pair
    transactional_id = secrets.token_hex(5)
    dead = AIOKafkaProducer(bootstrap_servers=kafka.bootstrap_servers, transactional_id=transactional_id)
    await dead.start()
    await dead.begin_transaction()
    await dead.send_and_wait(commands.name, b"{}", key=b"never", partition=0)
    leader = await leader_of(kafka, cluster, commands)
    await asyncio.to_thread(leader.kill)
    await dead.client.close()
    async with Committer(kafka, transactional_id) as heir:
        await heir.commit([record(commands, "of the heir")])
    async with Reader(kafka, [commands]) as reader:
        assert keys(await read_all(reader)) == ["of the heir"]


async def test_leaders_move_under_load_and_nothing_is_lost(
    cluster: Cluster, kafka: KafkaSettings, pair: tuple[Topic, Topic]
) -> None:
    """A node that is stopped in order hands its partitions over first; the idempotent producer notices nothing."""
    _, commands = pair
    leader = await leader_of(kafka, cluster, commands)
    async with Publisher(kafka) as publisher, asyncio.TaskGroup() as tasks:
        stopping = tasks.create_task(asyncio.to_thread(leader.stop))
        number = 0
        while not stopping.done() or number < COUNT:
            await publisher.publish(record(commands, "k", number))
            number += 1
    assert await read_numbers(kafka, commands) == list(range(number))
    assert await leader_of(kafka, cluster, commands) is not leader


async def test_with_one_of_two_in_sync_replicas_left_writes_are_refused(
    cluster: Cluster, kafka: KafkaSettings, pair: tuple[Topic, Topic]
) -> None:
    """What cannot be kept twice is not acknowledged."""
    _, commands = pair
    leader = await leader_of(kafka, cluster, commands)
    async with Publisher(kafka, deadline_s=8) as publisher:
        await publisher.publish(record(commands, "k", 0))
        for node in cluster.nodes:
            if node is not leader:
                await asyncio.to_thread(node.kill)
        with pytest.raises(Fatal):
            await publisher.publish(record(commands, "k", 1))


@pytest.mark.kafka_bounded
async def test_the_engine_goes_on_when_a_broker_dies_under_it(
    cluster: Cluster, kafka: KafkaSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KAFKA_REPLICATION_FACTOR", "3")
    deaths: list[int] = []
    async with a_stage(cluster.bootstrap, tmp_path, replication=3) as stage, asyncio.TaskGroup() as tasks:
        supervisor = tasks.create_task(keep_alive(stage, "", deaths))
        await stage.engine.ready()
        await stage.bot_starts(spec(LONG_REST))
        stage.price(3000)
        await eventually("the entry", lambda: stage.legs() == ["entry"])
        victim = await leader_of(kafka, cluster, BOT_JOURNAL)
        await asyncio.to_thread(victim.kill)
        await a_whole_group(stage)
        state = await stage.until_state("the group is closed", lambda bot: bot.groups_closed == 1)
        supervisor.cancel()
        journal = await stage.journal()
        assert replay(journal) == (state, ())
        intended = [fact.command for r in journal for fact in r.facts if isinstance(fact, OrderIntended)]
        assert [order.leg for order in intended] == ["entry", "add_on", "exit"]
        assert {order.client_order_id for order in stage.received} == {order.client_order_id for order in intended}
        assert all(code == 1 for code in deaths), "the engine ends in order when its broker is lost"
