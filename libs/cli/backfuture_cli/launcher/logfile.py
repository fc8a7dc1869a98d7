"""Log files of the parts: one each, appended, rotated by size when a process starts."""

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

MAX_BYTES = 10_000_000
KEPT = 3


def open_log(folder: Path, name: str) -> IO[bytes]:
    """Open ``<name>.log`` for appending; a full one becomes ``<name>.log.1`` and so on, the oldest goes."""
    path = folder / f"{name}.log"
    if path.exists() and path.stat().st_size > MAX_BYTES:
        for number in range(KEPT - 1, 0, -1):
            older = folder / f"{name}.log.{number}"
            if older.exists():
                older.replace(folder / f"{name}.log.{number + 1}")
        path.replace(folder / f"{name}.log.1")
    file = path.open("ab")
    path.chmod(0o600)
    return file


def last_words(folder: Path, name: str) -> str:
    """Return what a dead part said last, short enough for one line; an error before anything milder."""
    try:
        tail = _tail(folder / f"{name}.log", 16_000)
    except OSError:
        return ""
    lines = [line for line in tail.splitlines() if line.strip()][-40:]
    told = [words for words in map(_error_words, lines) if words]
    if told:
        return told[-1][:300]
    return plain_line(lines[-1])[:300] if lines else ""


def plain_line(line: str) -> str:
    """Return a log line as people read it: JSON becomes time, level, event and fields; anything else stays."""
    event = _event(line)
    if event is None:
        return line
    when = str(event.pop("timestamp", ""))[11:23]
    level = str(event.pop("level", "")).upper()
    what = str(event.pop("event", ""))
    event.pop("logger", None)
    event.pop("service", None)
    fields = " ".join(f"{name}={_field(value)}" for name, value in event.items())
    return f"{when} {level:<8} {what} {fields}".rstrip()


def _error_words(line: str) -> str:
    event = _event(line)
    if event is None or event.get("level") not in {"error", "critical"}:
        return ""
    causes = event.get("causes")
    if isinstance(causes, list) and causes:
        return "; ".join(map(str, causes))
    return str(event.get("cause") or event.get("event", ""))


def _event(line: str) -> dict[str, object] | None:
    if not line.startswith("{"):
        return None
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) else None


def _field(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _tail(path: Path, size: int) -> str:
    with path.open("rb") as file:
        file.seek(0, 2)
        file.seek(max(0, file.tell() - size))
        return file.read().decode(errors="replace")


def last_lines(path: Path, count: int) -> list[str]:
    """Return the last lines of a log."""
    return _tail(path, count * 2_000).splitlines()[-count:]


def follow(path: Path, count: int) -> Iterator[str]:
    """Yield the last lines, then each that is added, until the caller stops. Rotation is followed to the new file."""
    yield from last_lines(path, count)
    file = path.open("r", errors="replace")
    file.seek(0, 2)
    half = ""
    try:
        while True:
            half += file.readline()
            if half.endswith("\n"):
                yield half.rstrip("\n")
                half = ""
                continue
            time.sleep(0.2)
            if path.exists() and path.stat().st_ino != os.fstat(file.fileno()).st_ino:
                file.close()
                file = path.open("r", errors="replace")
    finally:
        file.close()
