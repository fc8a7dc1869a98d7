"""A journal read again: folded, and decided once more."""

import msgspec
import pytest
from backfuture_common.messages.codec import Decoder, encode
from backfuture_common.messages.journal import BotStarted, BotStopped, JournalRecord
from backfuture_engine.core.replay import fold, replay
from msgspec.structs import replace

from tests.unit.engine.build import D, Life, bot_with_group, close, fills, stop


def a_whole_life() -> Life:
    life = bot_with_group(in_base=True)
    life.hear(life.order_at(2850), "open", fills(D("0.02"), D(2850)))
    pending = life.group.pending
    assert pending is not None
    life.hear(pending.command, "canceled", fills(D("0.05"), D(2850)))
    life.online = False
    life.see(3300)
    life.online = True
    life.hear(life.order_at(3300), "canceled", fills(D("0.03"), D(3300)))
    life.pass_time(1_000)
    life.feel(close(life.group.group_id))
    life.fill(life.order_at(2500))
    life.feel(stop())
    return life


def test_the_state_is_the_fold_of_the_journal() -> None:
    life = a_whole_life()
    assert fold(life.journal) == life.state


def test_every_decision_falls_again_as_it_fell() -> None:
    life = a_whole_life()
    assert replay(life.journal) == (life.state, ())


def test_the_journal_survives_the_wire() -> None:
    life = a_whole_life()
    decoder = Decoder(JournalRecord)
    records = [decoder.decode(encode(record)) for record in life.journal]
    assert records == life.journal
    assert replay(records) == (life.state, ())
    assert all(msgspec.json.decode(encode(record))["type"] == "bot.journal.v1" for record in records)


def test_a_record_that_this_code_would_not_write_is_shown() -> None:
    life = a_whole_life()
    forged = [replace(r, facts=(BotStopped(),)) if r.facts == (BotStarted(),) else r for r in life.journal[:2]]
    differences = replay(forged).differences
    assert [(d.seq, d.recorded, d.decided) for d in differences] == [(2, (BotStopped(),), (BotStarted(),))]


@pytest.mark.parametrize("read", [fold, replay])
def test_a_missing_record_is_not_read_over(read: object) -> None:
    journal = a_whole_life().journal
    with pytest.raises(ValueError, match="record 5 where 4 is due"):
        read([*journal[:3], *journal[4:]])  # type: ignore[operator]  # either reader
