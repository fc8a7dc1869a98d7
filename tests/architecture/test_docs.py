"""Documents that repeat what the code says say the same."""

import re

import pytest
from backfuture_common import topics
from backfuture_common.domain.ids import ExchangeId

from tests.architecture.source import ROOT

ALL_TOPICS = (*topics.FIXED_TOPICS, *topics.exchange_topics(ExchangeId("<exchange>")))


@pytest.mark.parametrize("topic", ALL_TOPICS, ids=lambda topic: topic.name)
def test_the_topic_table_tells_key_writer_and_readers(topic: topics.Topic) -> None:
    row = f"| `{topic.name}` | {topic.key} | {topic.producer} | {', '.join(topic.consumers)} |"
    assert row in (ROOT / "docs" / "topics.md").read_text()


def test_every_link_between_documents_leads_somewhere() -> None:
    documents = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    assert len(documents) > 10
    dead = [
        f"{document.relative_to(ROOT)} -> {target}"
        for document in documents
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", document.read_text())
        if not (document.parent / target).exists()
    ]
    assert not dead, dead
