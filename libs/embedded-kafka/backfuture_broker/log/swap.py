"""Replacing closed segments by their compacted copy, so that a crash at any point leaves one or the other.

1. ``<base>-<end>.cleaning`` is written and forced: nothing has happened yet.
2. It is renamed to ``<base>-<end>.swap``: from here on it stands for every segment with a base in [base, end).
3. Those segments are removed, and the file is renamed to ``<base>.log``.

A start finishes what it finds half done.
"""

from pathlib import Path

from backfuture_broker.disk import sync_folder


def cleaning_path(folder: Path, base: int, end: int) -> Path:
    return folder / f"{base:020d}-{end:020d}.cleaning"


def swap_in(cleaned: Path, *, durable: bool) -> Path:
    """Put a forced ``.cleaning`` file in the place of the segments it was made of; return its new path."""
    committed = cleaned.rename(cleaned.with_suffix(".swap"))
    if durable:
        sync_folder(committed.parent)
    final = _finish(committed)
    if durable:
        sync_folder(committed.parent)
    return final


def finish_swaps(folder: Path) -> None:
    """Bring a folder to a state with segments only, after a crash."""
    for left in (*folder.glob("*.cleaning"), *folder.glob("*.tmp")):
        left.unlink()
    for committed in folder.glob("*.swap"):
        _finish(committed)


def _finish(committed: Path) -> Path:
    base, end = (int(part) for part in committed.stem.split("-"))
    for replaced in committed.parent.glob("*.log"):
        if base <= int(replaced.stem) < end:
            replaced.with_suffix(".index").unlink(missing_ok=True)
            replaced.unlink()
    return committed.rename(committed.with_name(f"{base:020d}.log"))
