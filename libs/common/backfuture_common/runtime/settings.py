"""Settings of a process: one frozen class per service, read from the environment once."""

import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import ClassVar, Literal, NoReturn, Self

from pydantic import AliasChoices, AliasPath, Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from backfuture_common.errors import Fatal

PREFIX = "BACKFUTURE_"
LAUNCHER_VARIABLES = frozenset({"BACKFUTURE_HOME"})
"""Set for every process by whoever starts the platform, used by some."""


class ServiceSettings(BaseSettings):
    """What every service can be told. Services subclass it and add fields of their own.

    Field ``some_name`` is environment variable ``BACKFUTURE_SOME_NAME`` unless it has an alias. Secrets are never
    values here, only ``*_file: Path`` fields that name files which their owner alone can read.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, extra="ignore", populate_by_name=True, hide_input_in_errors=True
    )
    allowed_variables: ClassVar[frozenset[str]] = LAUNCHER_VARIABLES
    """Further ``BACKFUTURE_*`` variables that may be set although no field reads them."""

    http_host: str = "127.0.0.1"
    http_port: int = Field(default=0, ge=0, le=65_535)
    log_level: str = Field(default="INFO", pattern=r"^(?i:debug|info|warning|error|critical)$")
    log_format: Literal["json", "console"] = "json"
    kafka_bootstrap_servers: str = Field(
        default="127.0.0.1:9092", validation_alias=AliasChoices("KAFKA_BOOTSTRAP_SERVERS", "kafka_bootstrap_servers")
    )
    kafka_replication_factor: int = Field(
        default=1, ge=1, validation_alias=AliasChoices("KAFKA_REPLICATION_FACTOR", "kafka_replication_factor")
    )
    kafka_username: str = Field(default="", description="Of SASL/SCRAM-SHA-512; empty: no login.")
    kafka_password_file: Path | None = None
    kafka_ca_file: Path | None = Field(default=None, description="Given: TLS, and only a broker this CA vouches for.")
    owner_partitions: int = Field(default=4, ge=1)

    @model_validator(mode="after")
    def _whole_login(self) -> Self:
        if bool(self.kafka_username) != (self.kafka_password_file is not None):
            raise ValueError("kafka_username and kafka_password_file are given together or not at all")
        return self

    @classmethod
    def load(cls) -> Self:
        """Read the environment; a wrong or unknown variable ends the process (exit 2) with one line that names it.

        Values are never shown: one of them could be a secret in the wrong place.
        """
        try:
            refuse_unknown(cls, os.environ)
            return cls()
        except ValidationError as error:
            faults = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_input=False))
            print_and_exit(f"settings.invalid: {faults}")
        except Fatal as error:
            print_and_exit(str(error))


def known_variables(settings: type[ServiceSettings]) -> frozenset[str]:
    """Return the names of all ``BACKFUTURE_*`` variables that processes of this class understand."""
    names: set[str] = set(settings.allowed_variables)
    for name, field in settings.model_fields.items():
        if field.validation_alias is None:
            names.add(f"{PREFIX}{name}".upper())
        else:
            names.update(_aliases(field.validation_alias))
    return frozenset(names)


def refuse_unknown(settings: type[ServiceSettings], environment: Mapping[str, str], also: Iterable[str] = ()) -> None:
    """Raise :class:`Fatal` (``settings.unknown``) when a ``BACKFUTURE_*`` variable is set that nothing reads.

    A misspelt setting would otherwise be a default in disguise.
    """
    known = {*known_variables(settings), *also}
    unknown = sorted(name for name in environment if name.upper().startswith(PREFIX) and name.upper() not in known)
    if unknown:
        raise Fatal("settings.unknown", f"unknown environment variable {', '.join(unknown)}", "correct or remove it")


def print_and_exit(line: str) -> NoReturn:
    """End the process with exit code 2 and one line on stderr."""
    sys.stderr.write(line + "\n")
    sys.exit(2)


def _aliases(alias: AliasChoices | AliasPath | str) -> set[str]:
    choices = alias.choices if isinstance(alias, AliasChoices) else [alias]
    return {choice.upper() for choice in choices if isinstance(choice, str)}
