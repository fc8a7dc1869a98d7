"""What the gateway can be told, read once at start."""

from pathlib import Path
from typing import Self

from backfuture_common.domain.ids import ExchangeId
from backfuture_common.runtime.settings import ServiceSettings
from pydantic import Field, field_validator, model_validator
from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from backfuture_gateway.secret_files import read_secret

_STATE = Path(".backfuture")


class GatewaySettings(ServiceSettings):
    """Every setting has a safe default for one machine; addresses of parts are the launcher's."""

    http_port: int = Field(default=8700, ge=0, le=65_535)
    database_url: str = Field(
        default=f"sqlite+aiosqlite:///{_STATE}/db/gateway.db",
        description="Without a password; that stands in database_password_file.",
    )
    database_password_file: Path | None = None
    access_key_file: Path = Field(
        default=_STATE / "secrets/gateway-access.key", description="Signs access tokens; made on first start."
    )
    fingerprint_key_file: Path = Field(
        default=_STATE / "secrets/gateway-fingerprint.key",
        description="Recognises an API key or a request seen before without storing it; made on first start.",
    )
    access_ttl_s: int = Field(default=900, ge=60, le=3_600)
    refresh_ttl_s: int = Field(default=30 * 86_400, ge=3_600, le=90 * 86_400)
    intake_socket: Path = _STATE / "run/intake.sock"
    intake_token_file: Path = _STATE / "secrets/intake.token"
    exchanges: str = Field(default="paper-kucoin,paper-mexc", description="Where connections may be made.")
    parts: str = Field(default="", description="name=http://host:port of each process whose health is shown.")

    @field_validator("database_url")
    @classmethod
    def _without_password(cls, value: str) -> str:
        try:
            url = make_url(value)
        except ArgumentError:
            raise ValueError("is not a database URL") from None
        if url.password:
            raise ValueError("must not contain a password; use BACKFUTURE_DATABASE_PASSWORD_FILE")
        if url.get_backend_name() not in {"sqlite", "postgresql"}:
            raise ValueError("must begin with sqlite+aiosqlite or postgresql+asyncpg")
        return value

    @model_validator(mode="after")
    def _readable_lists(self) -> Self:
        if not self.exchange_ids:
            raise ValueError("exchanges names none")
        _ = self.part_addresses
        return self

    @property
    def exchange_ids(self) -> tuple[ExchangeId, ...]:
        return tuple(ExchangeId(name) for name in _listed(self.exchanges))

    @property
    def part_addresses(self) -> tuple[tuple[str, str], ...]:
        """Name and base address of each part; ValueError when one is not written as ``name=http://host:port``."""
        pairs = [entry.partition("=") for entry in _listed(self.parts)]
        if any(not name or not address.startswith(("http://", "https://")) for name, _, address in pairs):
            raise ValueError("parts are written name=http://host:port, separated by commas")
        return tuple((name, address.rstrip("/")) for name, _, address in pairs)

    def database_address(self) -> URL:
        """Return the database's URL with its password, read from the file now. Its text form hides the password."""
        url = make_url(self.database_url)
        if self.database_password_file is None:
            return url
        return url.set(password=read_secret(self.database_password_file))


def _listed(text: str) -> list[str]:
    return [entry.strip() for entry in text.split(",") if entry.strip()]
