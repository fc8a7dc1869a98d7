"""What the paper exchange can be told."""

from decimal import Decimal
from pathlib import Path
from typing import Literal

from backfuture_common.runtime.settings import ServiceSettings
from pydantic import Field

from backfuture_paper.core.instruments import DuplicateIds
from backfuture_paper.core.path import PathSettings
from backfuture_paper.core.quotes import DepthSettings


class PaperSettings(ServiceSettings):
    """``http_port`` is the exchange's own port: both venues, ``/paper``, health and metrics.

    Every field is ``BACKFUTURE_<NAME>``. The defaults are the demo's.
    """

    paper_dir: Path = Path(".backfuture/paper")
    """Where the state is kept."""
    paper_control_port: int | None = Field(default=None, ge=0, le=65_535)
    """Port of the fault controls; not set: closed. 0: a free port, which is logged."""

    paper_source: Literal["generated", "recorded", "mirror"] = "generated"
    paper_recording_dir: Path | None = None
    paper_recording_speed_percent: int = Field(default=100, ge=1)
    paper_mirror: Literal["mexc", "kucoin"] = "mexc"
    paper_mirror_url: str | None = None
    """Instead of the venue's own address."""

    paper_tick_ms: int = Field(default=250, ge=10, le=5_000)
    paper_seed: int = 7
    paper_swing_ppm: int = Field(default=10_000, ge=0, le=200_000)
    paper_swing_ms: int = Field(default=30_000, ge=1_000)
    paper_noise_ppm: int = Field(default=400, ge=0, le=50_000)
    paper_noise_ms: int = Field(default=5_000, ge=100)
    paper_drift_ppm: int = Field(default=4_000, ge=0, le=100_000)
    paper_drift_ms: int = Field(default=900_000, ge=1_000)
    paper_spread_ppm: int = Field(default=100, ge=0, le=50_000)
    paper_levels: int = Field(default=20, ge=1, le=500)
    paper_level_cost: Decimal = Field(default=Decimal(5_000), gt=0)

    paper_kucoin_duplicate_ids: DuplicateIds = "active"
    paper_mexc_duplicate_ids: DuplicateIds = "active"
    paper_kucoin_unknown_order: Literal["null", "error"] = "null"
    """How KuCoin answers a question for an order it does not know: success with no data, or an error."""
    paper_rate_limit_percent: int = Field(default=100, ge=0)
    """Of the venues' real limits; 0: none."""

    def path(self) -> PathSettings:
        return PathSettings(
            seed=self.paper_seed,
            swing_ppm=self.paper_swing_ppm,
            swing_ms=self.paper_swing_ms,
            noise_ppm=self.paper_noise_ppm,
            noise_ms=self.paper_noise_ms,
            drift_ppm=self.paper_drift_ppm,
            drift_ms=self.paper_drift_ms,
        )

    def depth(self) -> DepthSettings:
        return DepthSettings(levels=self.paper_levels, level_cost=self.paper_level_cost, seed=self.paper_seed)
