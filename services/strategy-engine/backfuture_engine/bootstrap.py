"""Puts the engine together: the only place that knows all of its parts."""

from backfuture_common.bus import KafkaSettings, ensure_topics
from backfuture_common.runtime.service import Runtime
from backfuture_common.topics import FIXED_TOPICS

from backfuture_engine.settings import EngineSettings
from backfuture_engine.shell.engine import Engine


async def main(runtime: Runtime[EngineSettings]) -> None:
    """Run bots until the process stops."""
    runtime.health.set("kafka", ok=False, detail="connecting")
    kafka = KafkaSettings.of(runtime.settings, service=runtime.service, instance=runtime.settings.instance)
    await ensure_topics(kafka, FIXED_TOPICS)
    runtime.health.set("kafka", ok=True)  # and it stays so: an engine that loses Kafka ends
    await Engine(runtime, kafka).run()
