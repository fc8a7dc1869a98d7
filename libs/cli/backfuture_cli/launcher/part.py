"""What the launcher knows of a part before it runs, and what it shows of it while it runs."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import msgspec

State = Literal["waiting", "starting", "ready", "not ready", "restarting", "failing", "stopping", "stopped"]


@dataclass(frozen=True, slots=True)
class Readiness:
    """The answer of a readiness check; ``detail`` says in words why not."""

    ok: bool
    detail: str = ""


Probe = Callable[[], Awaitable[Readiness]]


@dataclass(frozen=True, slots=True)
class Prepare:
    """A command run to its end before each start; left out when the file it is to make is there."""

    command: tuple[str, ...]
    makes: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One process of the platform. It is started when all ``needs`` are ready; ``probe`` tells when it is ready itself.

    ``environment`` is all the process gets to see, and its ``prepare`` commands too.
    ``probe_once``: the check costs too much to repeat; what depends on the part tells afterwards.
    """

    name: str
    title: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    probe: Probe
    needs: tuple[str, ...] = ()
    prepare: tuple[Prepare, ...] = ()
    probe_once: bool = False
    ready_within_s: float = 60.0
    stop_within_s: float = 12.0
    ports: Mapping[str, int] = field(default_factory=dict)


class PartStatus(msgspec.Struct, kw_only=True):
    """How a part is now, as shown and as written to the status file. ``since_ms`` is when ``pid`` was started."""

    name: str
    title: str
    state: State = "waiting"
    pid: int | None = None
    since_ms: int | None = None
    took_s: float | None = None
    restarts: int = 0
    memory_mb: int | None = None
    detail: str = ""


class PlatformStatus(msgspec.Struct, kw_only=True):
    """The content of the status file: the launcher and all its parts."""

    pid: int
    started_ms: int
    written_ms: int
    phase: Literal["starting", "running", "stopping"]
    addresses: dict[str, str]
    parts: list[PartStatus]

    @property
    def ready(self) -> bool:
        return all(part.state == "ready" for part in self.parts)
