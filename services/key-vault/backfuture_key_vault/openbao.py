"""Everything an embedded OpenBao needs before it is started, and the proof afterwards that it can be used.

``prepare`` may be repeated at every start. It makes secrets only before the very first one: later a missing seal key or
secret id is a loss that a new one would only hide.
"""

import contextlib
import hashlib
import os
import secrets
import socket
import string
import time
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from backfuture_common.errors import Fatal, Refused

from backfuture_key_vault.files import create_private, private_folder, replace_private, require_private, sync_folder
from backfuture_key_vault.provision import ROLES, as_hcl, secret_id_file
from backfuture_key_vault.vault.credentials import probe
from backfuture_key_vault.vault.session import VaultSession
from backfuture_key_vault.vault.transport import Address, checked_socket

SERVICES = ("intake", "dispense")
PEPPER = "fingerprint.pepper"
_FORBIDDEN_IN_PATHS = set('"$\\\n{}')
_PAUSE_S = 0.1


@dataclass(frozen=True, slots=True)
class Places:
    """Where the embedded server keeps what."""

    folder: Path
    secrets_dir: Path
    socket: Path

    @property
    def config(self) -> Path:
        return self.folder / "openbao.hcl"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def first_start(self) -> Path:
        """Exists from before the first start until the server has proved to be usable."""
        return self.folder / "first-start"

    @property
    def seal_key(self) -> Path:
        return self.secrets_dir / "seal.key"

    @property
    def pepper(self) -> Path:
        return self.secrets_dir / PEPPER

    @property
    def address(self) -> str:
        return f"unix://{self.socket}"


def prepare(places: Places, tcp_port: int, cluster_port: int) -> None:
    """Write configuration and, before the first start, the secrets.

    A first start that was interrupted leaves a server that never unseals again; as nobody could store anything in it,
    its data is moved aside and the next start is the first. Raises :class:`Fatal` for socket paths that are too long,
    secrets that are missing or open to others, and a server that is still running on a half-made first start.
    """
    checked_socket(places.socket)
    for path in (places.folder, places.secrets_dir, places.socket):
        if not path.is_absolute() or _FORBIDDEN_IN_PATHS & set(str(path)):
            raise Fatal("openbao.path", f"{path} cannot stand in the configuration", "use plain absolute paths")
    private_folder(places.folder)
    private_folder(places.secrets_dir)
    if places.first_start.exists() or not places.data.exists():
        _begin_first_start(places)
    else:
        _require_secrets(places)
    content = _config(places, tcp_port, cluster_port).encode()
    if not places.config.exists() or places.config.read_bytes() != content:
        replace_private(places.config, content)


def wait_ready(address: Address, secrets_dir: Path, folder: Path | None, timeout_s: float) -> None:
    """Return when both services can log in and reach the store; ends a first start (``folder`` given).

    Raises :class:`Fatal` (``openbao.not_ready``) with the last reason when that does not happen in time.
    """
    deadline_s = time.monotonic() + timeout_s
    for role in SERVICES:
        session = VaultSession(address, role, secret_id_file(secrets_dir, role), timeout_s=3.0)
        while (reason := _why_not(session)) is not None:
            if time.monotonic() > deadline_s:
                raise Fatal("openbao.not_ready", f"{role} cannot use the vault: {reason}", "see the server's log")
            time.sleep(_PAUSE_S)
    if folder is not None:
        (folder / "first-start").unlink(missing_ok=True)
        sync_folder(folder)


def create_service_secrets(secrets_dir: Path) -> None:
    """Create what is missing of each role's secret id and the pepper of intake's fingerprints."""
    for role in ROLES:
        create_private(secret_id_file(secrets_dir, role), secrets.token_urlsafe(32).encode())
    create_private(secrets_dir / PEPPER, secrets.token_bytes(32))


def _begin_first_start(places: Places) -> None:
    if _is_served(places.socket):
        raise Fatal("openbao.running", f"a server answers on {places.socket}", "stop it first")
    create_private(places.first_start, b"")
    create_private(places.seal_key, secrets.token_bytes(32))
    create_service_secrets(places.secrets_dir)
    if places.data.exists() and any(places.data.iterdir()):
        places.data.rename(_free_name(places.folder, "data.incomplete"))
    places.data.mkdir(mode=0o700, exist_ok=True)
    sync_folder(places.folder)


def _require_secrets(places: Places) -> None:
    for path in (places.seal_key, places.pepper, *(secret_id_file(places.secrets_dir, role) for role in SERVICES)):
        require_private(path)
    if places.seal_key.stat().st_size != 32:
        raise Fatal("openbao.seal_key", f"{places.seal_key} is not 32 bytes long", "restore it from your copy")


def _config(places: Places, tcp_port: int, cluster_port: int) -> str:
    template = (resources.files("backfuture_key_vault") / "deploy" / "openbao.hcl.tmpl").read_text()
    audit_log = places.folder / "audit.log"
    return string.Template(template).substitute(
        DATA_DIR=places.data,
        SOCKET=places.socket,
        SEAL_KEY=places.seal_key,
        AUDIT_LOG=audit_log,
        AUDIT_NAME=f"main-{hashlib.sha256(bytes(audit_log)).hexdigest()[:8]}",
        TCP_PORT=tcp_port,
        CLUSTER_PORT=cluster_port,
        UID=os.geteuid(),
        GID=os.getegid(),
        REQUESTS=as_hcl(places.secrets_dir),
    )


def _why_not(session: VaultSession) -> str | None:
    try:
        probe(session)
    except Refused as error:
        return error.info.code
    return None


def _is_served(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection, contextlib.suppress(OSError):
        connection.settimeout(1)
        connection.connect(str(path))
        return True
    return False


def _free_name(folder: Path, stem: str) -> Path:
    number = 1
    while (folder / f"{stem}-{number}").exists():
        number += 1
    return folder / f"{stem}-{number}"
