"""A broker that restarts is survived; a broker or a client that goes silent ends the reader."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from backfuture_common.bus import Assigned, GroupReader, KafkaSettings, Publisher, Reader, ensure_topics, source
from backfuture_common.errors import Fatal

from tests.contract.bus.build import deleting, numbers, read_all, record
from tests.support.broker import BrokerProcess, embedded_broker, free_port


@pytest.fixture
def own_broker() -> Iterator[BrokerProcess]:
    with embedded_broker() as broker:
        yield broker
        os.kill(broker.process.pid, signal.SIGCONT)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "STALL_S", 1.5)
    monkeypatch.setattr(source, "_LOOK_EVERY_S", 0.3)


@pytest.mark.embedded
async def test_publisher_and_reader_go_on_after_a_restart_of_the_broker(tmp_path: Path, unique: str) -> None:
    port = free_port()
    kafka = KafkaSettings(bootstrap_servers=f"127.0.0.1:{port}", client_id=unique)
    topic = deleting(unique)
    with embedded_broker(tmp_path, port=port):
        await ensure_topics(kafka, [topic])
        publisher = await Publisher(kafka).__aenter__()
        reader = await Reader(kafka, [topic]).__aenter__()
        await publisher.publish(record(topic, "k", 1))
    try:
        with embedded_broker(tmp_path, port=port):
            await publisher.publish(record(topic, "k", 2))
            read: list[int] = []
            while len(read) < 2:
                read += numbers(await reader.poll(timeout_s=5))
            assert read == [1, 2]
            async with Reader(kafka, [topic]) as later:
                assert numbers(await read_all(later)) == [1, 2]
    finally:
        await publisher.__aexit__(None, None, None)
        await reader.__aexit__(None, None, None)


@pytest.mark.embedded
@pytest.mark.usefixtures("impatient")
async def test_a_broker_that_does_not_answer_is_fatal(own_broker: BrokerProcess, unique: str) -> None:
    kafka = KafkaSettings(bootstrap_servers=own_broker.bootstrap, client_id=unique)
    topic = deleting(unique)
    await ensure_topics(kafka, [topic])
    async with Reader(kafka, [topic]) as reader:
        os.kill(own_broker.process.pid, signal.SIGSTOP)
        try:
            with pytest.raises(Fatal, match="nothing was heard") as failure:
                await poll_on(reader)
        finally:
            os.kill(own_broker.process.pid, signal.SIGCONT)
    assert failure.value.info.code == "kafka.silent"


@pytest.mark.usefixtures("impatient")
async def test_a_client_that_no_longer_fetches_is_fatal(kafka: KafkaSettings, unique: str) -> None:
    topic = deleting(unique)
    await ensure_topics(kafka, [topic])
    async with Publisher(kafka) as publisher, Reader(kafka, [topic]) as reader:
        fetcher = reader._source.consumer._fetcher
        assert fetcher is not None
        fetcher._fetch_task.cancel()
        await publisher.publish(record(topic, "k"))
        with pytest.raises(Fatal, match="nothing was heard") as failure:
            await poll_on(reader)
    assert failure.value.info.code == "kafka.silent"


@pytest.mark.usefixtures("impatient")
async def test_paused_and_finished_partitions_are_not_called_silent(kafka: KafkaSettings, unique: str) -> None:
    paused, finished = deleting(f"{unique}.paused"), deleting(f"{unique}.finished")
    await ensure_topics(kafka, [paused, finished])
    async with Publisher(kafka) as publisher, GroupReader(kafka, [paused, finished], unique) as reader:
        await publisher.publish_all([record(paused, "k"), record(finished, "k")])
        for _ in range(40):
            for item in await reader.poll(timeout_s=0.1):
                if isinstance(item, Assigned):
                    reader.seek(dict.fromkeys(item.partitions, 0))
                    reader.resume([(finished.name, 0)])


async def poll_on(reader: Reader) -> None:
    for _ in range(100):
        await reader.poll(timeout_s=0.1)
