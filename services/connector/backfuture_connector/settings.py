"""Settings of one connector."""

from pathlib import Path
from typing import Self

from backfuture_common.domain.ids import ExchangeId
from backfuture_common.runtime.settings import ServiceSettings
from pydantic import Field, model_validator

from backfuture_connector.core.facts import PAPER_PREFIX, venue_of


class ConnectorSettings(ServiceSettings):
    """``exchange`` names the one exchange of this process. ``exchange_url`` is where its paper twin listens
    (``http://127.0.0.1:8705/kucoin``); a live exchange has none, its address is ccxt's.
    """

    exchange: ExchangeId
    exchange_url: str | None = Field(default=None, pattern=r"^https?://[^\s?#]+$")
    dispense_socket: Path
    dispense_token_file: Path
    exchange_timeout_s: float = Field(default=8.0, gt=0, le=30)
    recheck_s: float = Field(default=6 * 3600, ge=1)
    reconcile_s: float = Field(default=60.0, ge=1)
    instruments_refresh_s: float = Field(default=3600.0, ge=1)

    @model_validator(mode="after")
    def _paper_and_live_never_mix(self) -> Self:
        venue_of(self.exchange)
        if self.exchange.startswith(PAPER_PREFIX) and self.exchange_url is None:
            raise ValueError("a paper exchange needs BACKFUTURE_EXCHANGE_URL")
        if not self.exchange.startswith(PAPER_PREFIX) and self.exchange_url is not None:
            raise ValueError("a live exchange takes no BACKFUTURE_EXCHANGE_URL")
        return self
