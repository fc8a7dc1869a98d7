"""Whether a process can do its work, part by part."""

from backfuture_common.messages.codec import Part
from backfuture_common.runtime import metrics
from backfuture_common.runtime.logging import get_logger

_log = get_logger("backfuture.health")


class PartHealth(Part):
    """One part of a process: ``ok``, and in words why not."""

    name: str
    ok: bool
    detail: str = ""


class Health:
    """The parts of a process. Ready when there are any and all are ok; a service names its parts at start-up."""

    def __init__(self) -> None:
        self._parts: dict[str, PartHealth] = {}

    def set(self, part: str, ok: bool, detail: str = "") -> None:
        """Record how a part is. Part names are few and fixed; details carry no secrets. Changes are logged."""
        old = self._parts.get(part)
        self._parts[part] = PartHealth(name=part, ok=ok, detail=detail)
        metrics.PART_UP.labels(part=part).set(1 if ok else 0)
        if old is None or old.ok != ok:
            (_log.info if ok else _log.warning)("health.changed", part=part, ok=ok, detail=detail)

    @property
    def ready(self) -> bool:
        return bool(self._parts) and all(part.ok for part in self._parts.values())

    @property
    def parts(self) -> tuple[PartHealth, ...]:
        return tuple(self._parts[name] for name in sorted(self._parts))
