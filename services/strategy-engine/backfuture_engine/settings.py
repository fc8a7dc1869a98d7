"""What the engine can be told."""

from backfuture_common.runtime.settings import ServiceSettings
from pydantic import Field


class EngineSettings(ServiceSettings):
    """``instance`` is this process' stable name among the engines: a restart under it gets its partitions back at once.

    ``crash_at`` (``name`` or ``name:n``, the n-th time) ends the process by SIGKILL at a named point, for chaos tests;
    only with ``chaos``.
    """

    instance: str = Field(default="0", pattern=r"^[A-Za-z0-9_-]{1,40}$")
    chaos: bool = False
    crash_at: str = ""
