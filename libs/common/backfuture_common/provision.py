"""``python -m backfuture_common.provision``: what the operator makes before the services start, and may repeat.

``topics`` makes every topic with the operator's login, so that services need no right to make any; ``access FOLDER``
writes the scripts that give each service its rights (kept in ``deploy/``).
"""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from backfuture_common.bus import KafkaSettings, ensure_topics
from backfuture_common.bus.admin import ensure_dead_letters
from backfuture_common.domain.ids import ExchangeId
from backfuture_common.errors import PlatformError
from backfuture_common.identities import all_topics, kafka_script, postgres_script
from backfuture_common.runtime.settings import ServiceSettings

EXCHANGES = tuple(ExchangeId(name) for name in ("kucoin", "mexc", "paper-kucoin", "paper-mexc"))


async def make_topics(kafka: KafkaSettings, exchanges: Sequence[ExchangeId]) -> int:
    """Make what is missing, dead letters included; return how many topics there are to be. Raises Fatal."""
    topics = all_topics(exchanges)
    await ensure_topics(kafka, topics)
    for topic in topics:
        await ensure_dead_letters(kafka, topic)
    return 2 * len(topics)


def write_access(folder: Path) -> None:
    """Write the scripts below ``folder``."""
    for place, text in (
        ("kafka/acls.sh", kafka_script(EXCHANGES)),
        ("postgres/access.sql", postgres_script(EXCHANGES)),
    ):
        file = folder / place
        file.write_text(text)
        file.chmod(0o755 if file.suffix == ".sh" else 0o644)


def main(arguments: Sequence[str] | None = None) -> int:
    """Do one task and say in one line how it ended."""
    parser = argparse.ArgumentParser(prog="backfuture_common.provision", description=__doc__)
    tasks = parser.add_subparsers(dest="task", required=True)
    topics = tasks.add_parser("topics", help="make every topic")
    topics.add_argument("--exchanges", default=",".join(EXCHANGES), help="separated by commas")
    tasks.add_parser("access", help="write the access scripts").add_argument("folder", type=Path)
    given = parser.parse_args(arguments)
    if given.task == "access":
        write_access(given.folder)
        return 0
    kafka = KafkaSettings.of(ServiceSettings.load(), service="provision")
    exchanges = [ExchangeId(name.strip()) for name in given.exchanges.split(",") if name.strip()]
    try:
        made = asyncio.run(make_topics(kafka, exchanges))
    except PlatformError as error:
        sys.stderr.write(f"{error.info.code}: {error.info.message} {error.info.hint}".rstrip() + "\n")
        return 1
    sys.stdout.write(f"{made} topics are there\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
