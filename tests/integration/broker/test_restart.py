"""What a broker remembers when it is started again, after a stop and after kill -9."""

import asyncio
import signal
import struct
import subprocess
import time
from pathlib import Path

import pytest
from aiokafka import TopicPartition
from aiokafka.structs import OffsetAndMetadata

from tests.contract.broker.client import NewPartitions
from tests.contract.broker.kit import Kafka, until
from tests.integration.broker.raw import connect, frame
from tests.support.broker import embedded_broker

pytestmark = pytest.mark.embedded


def end(process: "subprocess.Popen[bytes]", how: signal.Signals) -> int:
    process.send_signal(how)
    return process.wait(10)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
async def test_topics_records_settings_and_offsets_are_there_again(tmp_path: Path, how: signal.Signals) -> None:
    group = "g"
    with embedded_broker(tmp_path) as broker:
        kafka = Kafka(broker.bootstrap)
        topic = await kafka.topic(2, cleanup_policy="compact", max_message_bytes="2000000")
        gone = await kafka.topic()
        places = [TopicPartition(topic, 0), TopicPartition(topic, 1)]
        async with kafka.producer(enable_idempotence=True) as producer:
            for n in range(20):
                await producer.send_and_wait(topic, b"%d" % n, key=b"k%d" % n, partition=n % 2)
        async with kafka.consumer(group_id=group) as consumer:
            consumer.assign(places)
            await consumer.commit({places[0]: OffsetAndMetadata(4, "meta"), places[1]: OffsetAndMetadata(10, "")})
        async with kafka.admin() as admin:
            await admin.create_partitions({topic: NewPartitions(3)})
            await admin.delete_topics([gone])
        assert end(broker.process, how) == (-signal.SIGKILL if how == signal.SIGKILL else 0)

    with embedded_broker(tmp_path) as broker:
        kafka = Kafka(broker.bootstrap)
        async with kafka.admin() as admin:
            assert await admin.list_topics() == [topic]
            assert len((await admin.describe_topics([topic]))[0]["partitions"]) == 3
            offsets = await admin.list_consumer_group_offsets(group)
        assert offsets == {places[0]: OffsetAndMetadata(4, "meta"), places[1]: OffsetAndMetadata(10, "")}
        rows = await kafka.read(topic, 3)
        assert sorted(int(row.value or b"") for row in rows) == list(range(20))


async def test_members_of_a_group_come_back_by_themselves_and_resume(tmp_path: Path) -> None:
    seen: list[int] = []
    with embedded_broker(tmp_path) as broker:
        port = int(broker.bootstrap.split(":")[1])
        kafka = Kafka(broker.bootstrap)
        topic = await kafka.topic(2)
        await kafka.fill(topic, [b"%d" % n for n in range(10)])

        async def consume() -> None:
            async with kafka.consumer(
                topic, group_id="g", session_timeout_ms=6000, heartbeat_interval_ms=200, retry_backoff_ms=50
            ) as consumer:
                while len(seen) < 20:
                    for rows in (await consumer.getmany(timeout_ms=200)).values():
                        seen.extend(int(row.value or b"") for row in rows)
                        await consumer.commit()

        async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
            tasks.create_task(consume())
            await until(lambda: len(seen) == 10)
            await asyncio.sleep(0.2)  # the commit
            broker.process.kill()
            broker.process.wait(10)
            with embedded_broker(tmp_path, port=port):
                await kafka.fill(topic, [b"%d" % n for n in range(10, 20)])
                await until(lambda: len(seen) >= 20)

    assert seen == list(range(20))


async def test_a_stop_is_quick_and_leaves_no_line_on_stderr(tmp_path: Path) -> None:
    with embedded_broker(tmp_path) as broker:
        kafka = Kafka(broker.bootstrap)
        topic = await kafka.topic(8)
        await kafka.fill(topic, [b"v"] * 100)
        fetch = struct.pack(">iiiib", -1, 60_000, 1, 1 << 20, 0)  # waits for a minute if nothing comes
        fetch += struct.pack(">ih", 1, len(topic)) + topic.encode() + struct.pack(">iiqi", 1, 1, 0, 1 << 20)
        with connect(broker) as idle, connect(broker) as waiting:
            waiting.sendall(frame(1, 4, fetch))
            began_s = time.monotonic()
            assert await asyncio.to_thread(end, broker.process, signal.SIGTERM) == 0
            assert time.monotonic() - began_s < 3
            assert (idle.recv(1), waiting.recv(1)) == (b"", b"")
    assert (tmp_path / "broker.stderr").read_text() == ""
