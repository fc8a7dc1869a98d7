"""Notes beside the log that make a start quick. Never needed: without them the log is read instead.

* ``<base>.index``: the sparse index of a segment that was forced to the disk. Its presence says that the first
  ``size`` bytes of the segment need no check.
* ``<offset>.producers``: what was known of the producers when the log ended at ``offset``.
"""

import json
from array import array
from contextlib import suppress
from pathlib import Path

from backfuture_broker.disk import replace_file, sealed, unsealed
from backfuture_broker.errors import StorageFullError
from backfuture_broker.log.producers import Producers
from backfuture_broker.log.segment import Segment, SparseIndex


def leave_notes(segment: Segment, producers: str, *, durable: bool) -> None:
    """Note the index of a forced segment, and the producers as they were at its end."""
    with suppress(StorageFullError):  # a full disk costs time at the next start, nothing else
        leave_index(segment, durable=durable)
        latest = segment.path.with_name(f"{segment.end:020d}.producers")
        replace_file(latest, sealed(producers), durable=durable)
        for older in segment.path.parent.glob("*.producers"):
            if older != latest:
                older.unlink()


def leave_index(segment: Segment, *, durable: bool) -> None:
    """Note the index of a segment whose bytes are on the disk. StorageFullError leaves no note."""
    index = segment.index
    columns = [index.offsets.tolist(), index.positions.tolist(), index.times.tolist()]
    text = json.dumps([segment.size, segment.end, segment.latest_ms, segment.born_ms, columns], separators=(",", ":"))
    replace_file(_index_path(segment), sealed(text), durable=durable)
    segment.noted_size = segment.size


def forget_index(segment: Segment) -> None:
    """Remove the note on a segment that is going to be removed or replaced."""
    _index_path(segment).unlink(missing_ok=True)


def recall_index(segment: Segment, file_size: int) -> bool:
    """Give a freshly opened segment its index back. False if there is no whole note that fits the file."""
    text = _text(_index_path(segment))
    if text is None:
        return False
    size, end, latest_ms, born_ms, columns = json.loads(text)
    if size > file_size:
        return False
    index = SparseIndex(*(array("q", column) for column in columns))
    segment.restore(index, size=size, end=end, latest_ms=latest_ms, born_ms=born_ms)
    return True


def recall_producers(folder: Path, now_ms: int) -> tuple[int, Producers]:
    """Return the latest note on producers, with the offset it was made at; offset 0 and nobody if there is none."""
    for path in sorted(folder.glob("*.producers"), reverse=True):
        text = _text(path)
        if text is not None:
            return int(path.stem), Producers.load(text, now_ms)
    return 0, Producers()


def _index_path(segment: Segment) -> Path:
    return segment.path.with_suffix(".index")


def _text(path: Path) -> str | None:
    try:
        return unsealed(path.read_bytes())
    except FileNotFoundError:
        return None
