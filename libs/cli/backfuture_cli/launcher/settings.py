"""What ``backfuture up`` can be told: by environment, and by flags that stand above it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from backfuture_cli.exits import CliError, Exit

LiveExchange = Literal["kucoin", "mexc"]
LIVE_EXCHANGES: tuple[LiveExchange, ...] = ("kucoin", "mexc")


class Ports:
    """The ports of the parts, counted from a base."""

    def __init__(self, base: int) -> None:
        self.gateway = base
        self.dashboard = base + 1
        self.broker = base + 2
        self.bao = base + 3
        self.bao_cluster = base + 4
        self.paper = base + 5
        self.intake = base + 10
        self.dispense = base + 11
        self.engine = base + 14
        self.prometheus = base + 90
        self._connectors = {
            "paper-kucoin": base + 12,
            "paper-mexc": base + 13,
            "kucoin": base + 15,
            "mexc": base + 16,
        }

    def connector(self, exchange: str) -> int:
        """Return the health port of one exchange's connector."""
        return self._connectors[exchange]


class LauncherSettings(BaseSettings):
    """Addresses that are given are used; what is not given is started here."""

    model_config = SettingsConfigDict(
        env_prefix="BACKFUTURE_", frozen=True, extra="ignore", populate_by_name=True, hide_input_in_errors=True
    )

    home: Path = Path(".backfuture")
    base_port: int = Field(default=8700, ge=1024, le=65_000)
    min_free_mb: int = Field(default=500, ge=0)
    demo: bool = Field(default=True, validation_alias="DEMO")
    kafka_bootstrap_servers: str = Field(default="", validation_alias="KAFKA_BOOTSTRAP_SERVERS")
    kafka_replication_factor: int = Field(default=1, ge=1, validation_alias="KAFKA_REPLICATION_FACTOR")
    vault_addr: str = ""
    vault_ca_file: Path | None = None
    vault_secrets_dir: Path | None = None
    """Of a given vault: what ``bootstrap-vault`` made. Default: ``secrets`` in the state folder."""
    database_url: str = ""
    database_password_file: Path | None = None
    openbao_binary: Path | None = None
    log_level: str = "INFO"
    log_format: Literal["json", "console"] = "json"
    live: tuple[LiveExchange, ...] = ()
    prometheus: bool = Field(default=False, validation_alias="PROMETHEUS")
    prometheus_binary: Path | None = None
    kafka_username: str = ""
    kafka_password_file: Path | None = None
    kafka_ca_file: Path | None = None

    @field_validator("home")
    @classmethod
    def _absolute(cls, home: Path) -> Path:
        return home.expanduser().absolute()

    @property
    def ports(self) -> Ports:
        return Ports(self.base_port)


_OF_COMMANDS = frozenset({
    "BACKFUTURE_GATEWAY_URL", "BACKFUTURE_PAPER_URL", "BACKFUTURE_API_KEY", "BACKFUTURE_API_SECRET",
    "BACKFUTURE_API_PASSPHRASE",
})  # fmt: skip
_OF_PARTS = ("BACKFUTURE_PAPER_",)


def refuse_unknown(environment: Mapping[str, str]) -> None:
    """Raise :class:`CliError` for a ``BACKFUTURE_*`` variable that nothing reads: a misspelt setting is a default in
    disguise.
    """
    known = {f"BACKFUTURE_{name}".upper() for name in LauncherSettings.model_fields} | _OF_COMMANDS
    unknown = sorted(
        name
        for name in environment
        if name.startswith("BACKFUTURE_") and name not in known and not name.startswith(_OF_PARTS)
    )
    if unknown:
        raise CliError(
            f"nothing reads the environment variable {', '.join(unknown)}",
            "correct its name or remove it; docs/cli.md lists all",
            exit_code=Exit.BAD_INPUT,
        )


def load(**flags: object) -> LauncherSettings:
    """Read environment and flags (those that are not None); :class:`CliError` that names the wrong one."""
    given = {name: value for name, value in flags.items() if value is not None}
    try:
        return LauncherSettings.model_validate({**LauncherSettings().model_dump(), **given})
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_input=False))
        raise CliError(f"a setting is wrong: {faults}", exit_code=Exit.BAD_INPUT) from None
