"""Consumer groups: hand-over of partitions, positions in the owner's hands, restarts that disturb nobody."""

import asyncio
import sys
import time
from collections.abc import Callable

import pytest
from backfuture_common.bus import (
    Assigned,
    GroupReader,
    Incoming,
    KafkaSettings,
    Poison,
    Publisher,
    Revoked,
    ensure_topics,
)
from backfuture_common.errors import Fatal
from backfuture_common.topics import Topic

from tests.contract.bus.build import deleting, numbers, publish_raw, record

WAIT_S = 30.0


class Member:
    """A member that starts each partition at ``start`` and remembers what it was told and given."""

    def __init__(self, reader: GroupReader, start: int = 0) -> None:
        self.reader = reader
        self.start = start
        self.owned: set[tuple[str, int]] = set()
        self.changes: list[Assigned | Revoked] = []
        self.records: list[Incoming] = []

    async def until(self, reached: Callable[[], bool]) -> None:
        until_s = time.monotonic() + WAIT_S
        while not reached():
            assert time.monotonic() < until_s, f"waited in vain: {self.changes} {len(self.records)}"
            await self.step()

    async def step(self) -> None:
        for item in await self.reader.poll(timeout_s=0.2):
            match item:
                case Incoming():
                    self.records.append(item)
                    continue
                case Assigned(partitions):
                    self.owned |= partitions
                    self.reader.seek(dict.fromkeys(partitions, self.start))
                    self.reader.resume(partitions)
                case Revoked(partitions):
                    self.owned -= partitions
            self.changes.append(item)


@pytest.fixture
async def topic(kafka: KafkaSettings, unique: str) -> Topic:
    topic = deleting(unique, partitions=4)
    await ensure_topics(kafka, [topic])
    async with Publisher(kafka) as publisher:
        await publisher.publish_all([record(topic, "k", n, partition=n % 4) for n in range(20)])
    return topic


async def test_nothing_is_read_before_the_owner_has_said_from_where(kafka: KafkaSettings, topic: Topic) -> None:
    async with GroupReader(kafka, [topic], topic.name, "one") as reader:
        items: list[Incoming | Assigned | Revoked] = []
        until_s = time.monotonic() + WAIT_S
        while not items and time.monotonic() < until_s:
            items += await reader.poll(timeout_s=0.2)
        assert items == [Assigned(frozenset((topic.name, n) for n in range(4)))]
        assert await reader.poll(timeout_s=0.7) == []

        reader.seek({(topic.name, 2): 3})
        reader.resume([(topic.name, 2)])
        records = await reader.poll(timeout_s=10)
        assert [(r.partition, r.offset) for r in records if isinstance(r, Incoming)] == [(2, 3), (2, 4)]


async def test_a_paused_partition_is_silent_and_loses_nothing(kafka: KafkaSettings, topic: Topic) -> None:
    async with GroupReader(kafka, [topic], topic.name, "one") as reader, Publisher(kafka) as publisher:
        member = Member(reader)
        await member.until(lambda: len(member.records) == 20)
        reader.pause([(topic.name, 1)])
        await publisher.publish_all([record(topic, "k", 100 + n, partition=n) for n in range(4)])
        await member.until(lambda: len(member.records) == 23)
        await member.step()
        assert sorted(numbers(member.records[20:])) == [100, 102, 103]
        reader.resume([(topic.name, 1)])
        await member.until(lambda: len(member.records) == 24)
        assert numbers(member.records[23:]) == [101]


async def test_two_members_split_the_partitions_and_one_takes_over(kafka: KafkaSettings, topic: Topic) -> None:
    everything = {(topic.name, n) for n in range(4)}
    async with GroupReader(kafka, [topic], topic.name) as staying:
        first = Member(staying)
        await first.until(lambda: first.owned == everything)
        async with GroupReader(kafka, [topic], topic.name) as leaving:
            second = Member(leaving)
            async with asyncio.TaskGroup() as both:
                both.create_task(first.until(lambda: len(first.owned) == 2))
                both.create_task(second.until(lambda: len(second.owned) == 2))
            assert first.owned | second.owned == everything
            assert Revoked(frozenset(everything)) in first.changes
        await first.until(lambda: first.owned == everything)


async def test_equal_partitions_of_two_topics_stay_together(kafka: KafkaSettings, unique: str) -> None:
    names = f"{unique}.one", f"{unique}.two"
    topics = [deleting(name, partitions=3) for name in names]
    await ensure_topics(kafka, topics)
    async with GroupReader(kafka, topics, unique) as one, GroupReader(kafka, topics, unique) as two:
        members = Member(one), Member(two)
        async with asyncio.TaskGroup() as both:
            for member in members:
                both.create_task(member.until(lambda: all(0 < len(m.owned) < 6 for m in members)))
    for member in members:
        first, second = ({number for name, number in member.owned if name == wanted} for wanted in names)
        assert first == second


async def test_a_killed_static_member_gets_its_partitions_back_at_once(kafka: KafkaSettings, topic: Topic) -> None:
    await kill_a_member(kafka, topic, "only")
    started_s = time.monotonic()
    async with GroupReader(kafka, [topic], topic.name, "only") as reader:
        member = Member(reader)
        await member.until(lambda: len(member.owned) == 4)
    assert time.monotonic() - started_s < 10  # the dead one's session lasts 30 s


async def test_the_restart_of_a_static_member_disturbs_nobody(kafka: KafkaSettings, topic: Topic) -> None:
    async with GroupReader(kafka, [topic], topic.name, "a") as reader:
        staying = Member(reader)
        async with GroupReader(kafka, [topic], topic.name, "b") as restarting:
            before = Member(restarting)
            async with asyncio.TaskGroup() as both:
                both.create_task(staying.until(lambda: len(staying.owned) == 2))
                both.create_task(before.until(lambda: len(before.owned) == 2))
        changes = list(staying.changes)
        async with GroupReader(kafka, [topic], topic.name, "b") as restarted:
            after = Member(restarted)
            await after.until(lambda: len(after.owned) == 2)
            for _ in range(20):  # longer than a heartbeat, which would tell of a change
                await staying.step()
        assert after.owned == before.owned
        assert staying.changes == changes


async def test_positions_can_be_stored_with_the_group(kafka: KafkaSettings, topic: Topic) -> None:
    where = (topic.name, 0)
    async with GroupReader(kafka, [topic], topic.name, "only") as reader:
        member = Member(reader)
        await member.until(lambda: len(member.owned) == 4)
        assert await reader.committed_positions([where]) == {}
        assert await reader.commit_positions({where: 3})
    async with GroupReader(kafka, [topic], topic.name, "only") as reader:
        member = Member(reader)
        await member.until(lambda: len(member.owned) == 4)
        assert await reader.committed_positions(member.owned) == {where: 3}
        assert await reader.end_offsets([where]) == {where: 5}
        assert await reader.beginning_offsets([where]) == {where: 0}


async def test_burying_a_record_may_take_long_and_loses_nothing(kafka: KafkaSettings, topic: Topic) -> None:
    async def bury_slowly(_poison: Poison) -> None:
        await asyncio.sleep(2)

    await publish_raw(kafka, topic, b"bad", b"not json")
    async with GroupReader(kafka, [topic], topic.name, on_poison=bury_slowly) as reader:
        member = Member(reader)
        await member.until(lambda: len(member.records) == 20)
    assert sorted(numbers(member.records)) == list(range(20))


async def test_storing_positions_of_partitions_that_are_gone_is_no_failure(kafka: KafkaSettings, topic: Topic) -> None:
    async with GroupReader(kafka, [topic], topic.name, "only") as reader:
        assert not await reader.commit_positions({(topic.name, 0): 3})


async def test_a_topic_that_is_not_read_cannot_be_sought(kafka: KafkaSettings, topic: Topic) -> None:
    async with GroupReader(kafka, [topic], topic.name) as reader:
        with pytest.raises(Fatal) as failure:
            reader.seek({("misspelt", 0): 3})
    assert failure.value.info.code == "bus.not_subscribed"


async def kill_a_member(kafka: KafkaSettings, topic: Topic, instance_id: str) -> None:
    """Let another process join the group, own the partitions, and die without a word."""
    script = f"""
import asyncio
from backfuture_common.bus import Assigned, GroupReader, KafkaSettings
from tests.contract.bus.build import deleting

async def main():
    kafka = KafkaSettings(bootstrap_servers={kafka.bootstrap_servers!r}, client_id="doomed")
    async with GroupReader(kafka, [deleting({topic.name!r}, partitions=4)], {topic.name!r}, {instance_id!r}) as reader:
        while True:
            for item in await reader.poll():
                if isinstance(item, Assigned):
                    print("owning", flush=True)

asyncio.run(main())
"""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", script, stdout=asyncio.subprocess.PIPE)
    try:
        assert process.stdout is not None
        async with asyncio.timeout(WAIT_S):
            assert await process.stdout.readline() == b"owning\n"
    finally:
        process.kill()
        await process.wait()
