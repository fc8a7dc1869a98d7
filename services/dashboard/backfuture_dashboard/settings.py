"""Settings of the dashboard."""

from pathlib import Path

from backfuture_common.runtime.settings import ServiceSettings
from pydantic import Field


class DashboardSettings(ServiceSettings):
    """``gateway_url`` is all the dashboard talks to. ``storage_secret_file`` signs its session cookies; it is made on
    the first start.
    """

    http_port: int = Field(default=8701, ge=0, le=65_535)
    gateway_url: str = "http://127.0.0.1:8700"
    storage_secret_file: Path = Path("dashboard-storage.key")
