"""Clients that are broken or mean do not harm the others."""

import asyncio
import random
import resource
import socket
import struct
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from tests.contract.broker.client import NewTopic
from tests.contract.broker.kit import Kafka
from tests.integration.broker.raw import connect, frame
from tests.support.broker import BrokerProcess, embedded_broker

pytestmark = pytest.mark.embedded

MIB = 1 << 20


def memory_of(broker: BrokerProcess) -> int:
    """Return the resident bytes of the broker."""
    pages = int(Path(f"/proc/{broker.process.pid}/statm").read_text().split()[1])
    return pages * 4096


def send_and_hang_up(broker: BrokerProcess, data: bytes) -> None:
    with connect(broker) as connection, suppress(OSError):  # it may close first
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65536):
            pass


async def still_works(kafka: Kafka) -> None:
    topic = await kafka.topic()
    await kafka.fill(topic, [b"fine"])
    assert await kafka.values(topic) == [b"fine"]


async def test_random_frames_end_their_connection_and_nothing_else(tmp_path: Path) -> None:
    chance = random.Random(7)  # noqa: S311 - a test that can be repeated
    with embedded_broker(tmp_path) as broker:
        kafka = Kafka(broker.bootstrap)
        keys = sorted(kafka.apis)
        for _ in range(1500):
            key = chance.choice(keys)
            lowest, highest = kafka.apis[key]
            body = bytes(chance.choice([0, 1, 2, 255, chance.randrange(256)]) for _ in range(chance.randrange(80)))
            await asyncio.to_thread(send_and_hang_up, broker, frame(key, chance.randint(lowest, highest), body))
        assert broker.process.poll() is None
        await still_works(kafka)
    assert (tmp_path / "broker.stderr").read_text() == ""


async def test_frames_that_end_anywhere_or_claim_too_much_are_survived(tmp_path: Path) -> None:
    huge = struct.pack(">i", 0x7FFFFFFF)
    with embedded_broker(tmp_path) as broker:
        kafka = Kafka(broker.bootstrap)
        before = memory_of(broker)
        for data in (
            huge + b"x",
            struct.pack(">i", -5),
            struct.pack(">i", 0),
            b"GET / HTTP/1.1\r\n\r\n",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",  # the beginning of TLS
            struct.pack(">i", 90 * MIB) + b"x" * 1000,
            frame(3, 1, huge),
            frame(3, 1, struct.pack(">i", 2) + struct.pack(">h", 30_000)),
            frame(1, 4, struct.pack(">iiiib", -1, 100, 1, MIB, 0) + huge),
            frame(0, 3, struct.pack(">hhi", -1, -1, 1000) + huge),
            frame(19, 2, huge),
            frame(19, 2, struct.pack(">ihsiH", 1, 1, b"t", 0x7FFFFFFF, 1)),
            frame(9999, 0, b""),
            frame(3, 99, b""),
        ):
            await asyncio.to_thread(send_and_hang_up, broker, data)
        assert broker.process.poll() is None
        assert memory_of(broker) - before < 20 * MIB
        await still_works(kafka)


async def test_a_thousand_idle_connections_cost_little_and_leave_room(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 4096)), hard))
    with embedded_broker(tmp_path) as broker, ExitStack() as idle:
        kafka = Kafka(broker.bootstrap)
        before = memory_of(broker)
        for _ in range(1000):
            idle.enter_context(connect(broker))
        await still_works(kafka)
        assert memory_of(broker) - before < 30 * MIB
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def test_more_topics_than_can_be_kept_are_refused(tmp_path: Path) -> None:
    with embedded_broker(tmp_path) as broker:
        kafka = Kafka(broker.bootstrap)
        async with kafka.admin() as admin:
            answer = await admin.create_topics([NewTopic("many", 10_001, 1)])
            assert answer.topic_errors[0][1] == 37
        await still_works(kafka)


async def test_a_client_that_reads_no_answers_does_not_fill_the_memory(tmp_path: Path) -> None:
    with embedded_broker(tmp_path) as broker:
        kafka = Kafka(broker.bootstrap)
        topic = await kafka.topic()
        await kafka.fill(topic, [b"x" * 100_000] * 100)
        fetch = struct.pack(">iiiib", -1, 0, 1, 50 * MIB, 0) + struct.pack(">ih", 1, len(topic)) + topic.encode()
        fetch += struct.pack(">iiqi", 1, 0, 0, 10 * MIB)
        before = memory_of(broker)
        with connect(broker) as connection:
            connection.settimeout(1)
            with suppress(TimeoutError):
                for _ in range(2000):
                    connection.sendall(frame(1, 4, fetch))
            await asyncio.sleep(0.5)
            assert memory_of(broker) - before < 60 * MIB
            await still_works(kafka)
