"""Replay as a process: journal records as JSON lines on the input, the answer as one JSON line on the output.

Every record's input goes through this version's core again; the facts have to be the recorded ones.
"""

import sys
from collections.abc import Iterable
from typing import BinaryIO

from backfuture_common.contracts.backtest import Failed, JournalDifference, ReplayResult
from backfuture_common.domain.ids import BotId
from backfuture_common.errors import PlatformError, Refused
from backfuture_common.messages.codec import Decoder, encode_part
from backfuture_common.messages.codec import encode as encode_message
from backfuture_common.messages.journal import Fact, JournalRecord

from backfuture_engine.core.replay import replay

_SHOWN = 20


def main() -> int:
    """Replay what stands on the input; 0 when it could be read, whatever came out."""
    return answer(sys.stdin.buffer, sys.stdout.buffer)


def answer(source: BinaryIO, sink: BinaryIO) -> int:
    """Read a journal and write the answer."""
    try:
        result, code = reread(_records(source)), 0
    except PlatformError as error:
        sink.write(encode_message(Failed(error=error.info)) + b"\n")
        return 1
    sink.write(encode_message(result) + b"\n")
    return code


def reread(records: Iterable[JournalRecord]) -> ReplayResult:
    """Decide everything once more, bot by bot; Refused when a bot's journal lacks a record."""
    by_bot: dict[BotId, list[JournalRecord]] = {}
    for record in records:
        by_bot.setdefault(record.bot_id, []).append(record)
    if not by_bot:
        raise Refused("replay.empty", "the journal has no records")
    differences: list[JournalDifference] = []
    for bot, journal in by_bot.items():
        try:
            found = replay(journal).differences
        except ValueError as error:
            hint = "a journal is replayed from a bot's first record; was it cut, or is it older than the topic keeps?"
            raise Refused("replay.missing_record", str(error), hint) from None
        at_ms = {record.seq: record.context.now_ms for record in journal}
        differences += (
            JournalDifference(
                bot_id=bot,
                seq=one.seq,
                at_ms=at_ms[one.seq],
                recorded=_texts(one.recorded),
                decided=_texts(one.decided),
            )
            for one in found
        )
    return ReplayResult(
        bots=len(by_bot),
        records=sum(map(len, by_bot.values())),
        difference_count=len(differences),
        differences=tuple(differences[:_SHOWN]),
    )


def _records(source: BinaryIO) -> Iterable[JournalRecord]:
    decoder = Decoder(JournalRecord)
    for number, line in enumerate(source, 1):
        if line.strip():
            try:
                yield decoder.decode(line)
            except Refused as error:
                raise Refused("replay.unreadable", f"line {number}: {error.info.message}") from None


def _texts(facts: tuple[Fact, ...]) -> tuple[str, ...]:
    return tuple(encode_part(fact).decode() for fact in facts)


if __name__ == "__main__":
    sys.exit(main())
