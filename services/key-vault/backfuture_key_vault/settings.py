"""Settings of the two processes. Secrets are files that only their owner can read."""

from pathlib import Path

from backfuture_common.runtime.settings import ServiceSettings
from pydantic import Field


class VaultSettings(ServiceSettings):
    """Which vault, and as whom. ``vault_addr`` is ``unix:///path/of/socket`` or ``https://host:port``."""

    vault_addr: str
    vault_role_id: str
    vault_ca_file: Path | None = None
    vault_secret_id_file: Path
    vault_timeout_s: float = Field(default=3.0, gt=0, le=30)


class IntakeSettings(VaultSettings):
    """``intake``: the write-only side. ``dispense_*``: where to end leases of a destroyed credential."""

    vault_role_id: str = "intake"
    intake_socket: Path
    intake_callers_file: Path
    fingerprint_pepper_file: Path
    dispense_socket: Path
    dispense_token_file: Path


class DispenseSettings(VaultSettings):
    """``dispense``: leases and signatures."""

    vault_role_id: str = "dispense"
    dispense_socket: Path
    dispense_callers_file: Path
