"""A disk that is full: what does not fit is refused, what is stored stays, and with room again all goes on."""

import asyncio
import os
import resource
from pathlib import Path

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError
from aiokafka.structs import OffsetAndMetadata

from tests.contract.broker.client import NewTopic
from tests.contract.broker.kit import Kafka, produce_raw, raw_batch
from tests.support.broker import BrokerProcess, embedded_broker

pytestmark = pytest.mark.embedded

STORAGE_ERROR = 56
LIMIT = 200_000


def limit_files_of(broker: BrokerProcess, size: int) -> None:
    """Have the system refuse to let the broker's files grow beyond a size, as a full disk would."""
    _, hard = resource.prlimit(broker.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(broker.process.pid, resource.RLIMIT_FSIZE, (size, hard))


def size_of_largest_log(folder: Path) -> int:
    return max(log.stat().st_size for log in folder.glob("topics/*/*.log"))


@pytest.mark.parametrize("fsync_ms", ["-1", "0"])
async def test_records_that_do_not_fit_are_refused_and_the_log_stays_whole(tmp_path: Path, fsync_ms: str) -> None:
    stored: list[bytes] = []
    with embedded_broker(tmp_path, options=("--fsync-ms", fsync_ms)) as broker:
        kafka = Kafka(broker.bootstrap)
        topic = await kafka.topic(segment_bytes="1000000000")
        async with kafka.producer() as producer:

            async def send(number: int) -> int:
                value = b"%06d" % number + os.urandom(1000)
                code = await produce_raw(producer, topic, bytes(raw_batch([value])))
                if code == 0:
                    stored.append(value)
                return code

            await producer.send_and_wait(topic, b"first", partition=0)
            stored.append(b"first")
            limit_files_of(broker, LIMIT)
            codes = [await send(number) for number in range(300)]
            assert 0 < codes.count(STORAGE_ERROR) < 300
            assert set(codes) == {0, STORAGE_ERROR}
            assert codes == sorted(codes), "nothing fits any more"
            assert await kafka.values(topic) == stored, "reading goes on"

            limit_files_of(broker, resource.RLIM_INFINITY)
            assert await send(300) == 0
        broker.process.kill()
        broker.process.wait(10)

    with embedded_broker(tmp_path) as broker:
        assert await Kafka(broker.bootstrap).values(topic) == stored


async def test_what_the_journal_has_no_room_for_is_refused_and_forgotten(tmp_path: Path) -> None:
    with embedded_broker(tmp_path) as broker:
        kafka = Kafka(broker.bootstrap)
        topic = await kafka.topic()
        place = TopicPartition(topic, 0)
        await kafka.fill(topic, [b"v"])

        async def commit() -> None:
            async with kafka.consumer(group_id="g") as consumer:
                consumer.assign([place])
                await consumer.commit({place: OffsetAndMetadata(1, "x" * 1000)})

        limit_files_of(broker, (tmp_path / "journal").stat().st_size + 10)

        async with kafka.admin() as admin:
            answer = await admin.create_topics([NewTopic("does-not-fit", 3, 1)])
            assert answer.topic_errors[0][1] == STORAGE_ERROR
            assert await admin.list_topics() == [topic]
        with pytest.raises((KafkaError, TimeoutError)):
            await asyncio.wait_for(commit(), 2)
        assert broker.process.poll() is None, "it lives"

        limit_files_of(broker, resource.RLIM_INFINITY)
        async with kafka.admin() as admin:
            answer = await admin.create_topics([NewTopic("fits-now", 3, 1)])
            assert answer.topic_errors[0][1] == 0
        broker.process.kill()
        broker.process.wait(10)

    with embedded_broker(tmp_path) as broker:
        async with Kafka(broker.bootstrap).admin() as admin:
            assert sorted(await admin.list_topics()) == sorted([topic, "fits-now"])


async def test_a_transaction_caught_by_a_full_disk_ends_whole_once_there_is_room(tmp_path: Path) -> None:
    with embedded_broker(tmp_path) as broker:
        kafka = Kafka(broker.bootstrap)
        left, right = await kafka.topic(), await kafka.topic()
        async with kafka.producer(transactional_id="tx", retry_backoff_ms=50) as producer:
            await producer.begin_transaction()
            for topic in (left, right):
                await producer.send_and_wait(topic, b"v" * 1000, partition=0)
            limit_files_of(
                broker, size_of_largest_log(tmp_path) + 20
            )  # room for the decision in the journal perhaps, for markers never
            async with asyncio.TaskGroup() as tasks:
                committing = tasks.create_task(producer.commit_transaction())
                await asyncio.sleep(0.5)
                assert await kafka.values(left, committed=True) == []
                assert await kafka.values(right, committed=True) == []
                limit_files_of(broker, resource.RLIM_INFINITY)
                await committing
        for topic in (left, right):
            await kafka.committed_become(topic, [b"v" * 1000])
