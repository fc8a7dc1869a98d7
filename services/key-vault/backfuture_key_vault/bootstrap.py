"""Puts the two processes together: the one place where their parts meet."""

import asyncio
from typing import Literal, NoReturn

from backfuture_common.errors import Refused
from backfuture_common.runtime.http import serve_app
from backfuture_common.runtime.service import Runtime, run

from backfuture_key_vault.callers import Callers
from backfuture_key_vault.dispense import Dispense, build_dispense
from backfuture_key_vault.dispense_client import DispenseClient
from backfuture_key_vault.files import read_private, read_private_text
from backfuture_key_vault.fingerprint import Fingerprints
from backfuture_key_vault.intake import Intake, build_intake
from backfuture_key_vault.leases import LeaseBook
from backfuture_key_vault.settings import DispenseSettings, IntakeSettings, VaultSettings
from backfuture_key_vault.vault.credentials import CredentialReader, CredentialWriter, probe
from backfuture_key_vault.vault.session import VaultSession
from backfuture_key_vault.vault.transport import Address, checked_socket

_PROBE_S = 30.0
_PROBE_WHILE_DOWN_S = 2.0
_SWEEP_S = 5.0


def run_service(name: Literal["intake", "dispense"]) -> NoReturn:
    """Be this process, with the settings of the environment."""
    if name == "intake":
        run("key-vault-intake", IntakeSettings.load(), run_intake)
    run("key-vault-dispense", DispenseSettings.load(), run_dispense)


async def run_intake(runtime: Runtime[IntakeSettings]) -> None:
    """Live as intake until told to stop."""
    settings = runtime.settings
    session = open_session(settings)
    intake = Intake(
        callers=Callers(settings.intake_callers_file),
        writer=CredentialWriter(session),
        fingerprints=Fingerprints(read_private(settings.fingerprint_pepper_file)),
        leases=DispenseClient(settings.dispense_socket, settings.dispense_token_file),
    )
    app = build_intake(runtime, intake)
    await runtime.until_stopped(
        serve_app(runtime, app, uds=checked_socket(settings.intake_socket)),
        _watch_vault(runtime, session),
    )


async def run_dispense(runtime: Runtime[DispenseSettings]) -> None:
    """Live as dispense until told to stop; at the end every secret is wiped."""
    settings = runtime.settings
    session = open_session(settings)
    book = LeaseBook(runtime.clock.monotonic_s)
    dispense = Dispense(Callers(settings.dispense_callers_file), CredentialReader(session), book, runtime.clock)
    app = build_dispense(runtime, dispense)
    try:
        await runtime.until_stopped(
            serve_app(runtime, app, uds=checked_socket(settings.dispense_socket)),
            _watch_vault(runtime, session),
            _sweep(book),
        )
    finally:
        book.drop_all()


def open_session(settings: VaultSettings) -> VaultSession:
    """Return the session; nothing is asked yet. Raises :class:`Fatal` for a wrong address or secret id file."""
    read_private_text(settings.vault_secret_id_file)
    address = Address.parse(settings.vault_addr, settings.vault_ca_file)
    return VaultSession(address, settings.vault_role_id, settings.vault_secret_id_file, settings.vault_timeout_s)


async def _watch_vault(runtime: Runtime, session: VaultSession) -> None:
    """Tell health by a real call. A vault that is away ends nothing: it is asked again."""
    runtime.health.set("vault", ok=False, detail="not asked yet")
    while True:
        try:
            await asyncio.to_thread(probe, session)
            runtime.health.set("vault", ok=True)
            pause_s = _PROBE_S
        except Refused as error:
            runtime.health.set("vault", ok=False, detail=error.info.code)
            pause_s = _PROBE_WHILE_DOWN_S
        await asyncio.sleep(pause_s)


async def _sweep(book: LeaseBook) -> None:
    while True:
        await asyncio.sleep(_SWEEP_S)
        book.drop_expired()
