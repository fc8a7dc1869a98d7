"""Intake: takes credentials in, says that they are there, destroys them. It has no way to show one."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import msgspec
from backfuture_common.contracts.key_vault import (
    CredentialDestroyed,
    CredentialStatus,
    CredentialStored,
    StoreCredential,
)
from backfuture_common.domain.ids import ConnectionId, UserId
from backfuture_common.errors import PlatformError, Refused
from backfuture_common.runtime.logging import get_logger
from backfuture_common.runtime.service import Runtime
from fastapi import FastAPI
from starlette.requests import Request

from backfuture_key_vault import policy
from backfuture_key_vault.callers import Callers
from backfuture_key_vault.fingerprint import Fingerprints, hint_of
from backfuture_key_vault.http import build_app, read_body, require_caller, route
from backfuture_key_vault.signatures import normalized_key
from backfuture_key_vault.vault.credentials import CredentialWriter, require_ids

PATH = "/v1/users/{uid}/connections/{cid}/credential"
_LONGEST = 512
_SHORTEST = 8
"""A key shorter than this is a typing mistake, and its hint would show most of it."""

_log = get_logger("backfuture.key-vault.intake")
_decoder = msgspec.json.Decoder(StoreCredential)


class Leases(Protocol):
    """The dispense process, as far as intake needs it."""

    def drop(self, connection: ConnectionId) -> bool:
        """End all leases of the connection now; False when dispense could not be told. Blocking."""
        ...


@dataclass(frozen=True, slots=True)
class Intake:
    """The three calls of the intake socket. Each blocks on the vault, in a thread of its own."""

    callers: Callers
    writer: CredentialWriter
    fingerprints: Fingerprints
    leases: Leases

    async def put(self, request: Request) -> CredentialStored:
        user, connection = self._admit(request)
        credential = await read_body(request, _decoder)
        values = _checked(credential)
        return await asyncio.to_thread(self._store, user, connection, credential, values)

    async def status(self, request: Request) -> CredentialStatus:
        user, connection = self._admit(request)
        return await asyncio.to_thread(self.writer.status, user, connection)

    async def destroy(self, request: Request) -> CredentialDestroyed:
        """End the leases first, which works without the vault; and again after, for one that came in between."""
        user, connection = self._admit(request)
        await asyncio.to_thread(self._drop_leases, connection)
        await asyncio.to_thread(self.writer.destroy, user, connection)
        await asyncio.to_thread(self._drop_leases, connection)
        _log.info("credential.destroyed", user=user, connection=connection)
        return CredentialDestroyed(destroyed=True)

    def _admit(self, request: Request) -> tuple[UserId, ConnectionId]:
        require_caller(request, self.callers, "gateway")
        user, connection = UserId(request.path_params["uid"]), ConnectionId(request.path_params["cid"])
        require_ids(user, connection)
        return user, connection

    def _store(
        self, user: UserId, connection: ConnectionId, credential: StoreCredential, values: Mapping[str, str | bytes]
    ) -> CredentialStored:
        version = self.writer.put(user, connection, values, credential.expected_version)
        hint = hint_of(credential.api_key)
        try:
            self.writer.remember_hint(user, connection, version, hint)
        except PlatformError as error:  # it is stored all the same; the caller has the hint from this answer
            _log.warning("credential.hint_not_kept", connection=connection, code=error.info.code)
        _log.info("credential.stored", user=user, connection=connection, version=version)
        fingerprint = self.fingerprints.of(credential.exchange, credential.api_key)
        return CredentialStored(version=version, hint=hint, fingerprint=fingerprint)

    def _drop_leases(self, connection: ConnectionId) -> None:
        if not self.leases.drop(connection):
            _log.warning("leases.not_dropped", connection=connection, hint="they end at their next renewal")


def build_intake(runtime: Runtime, intake: Intake) -> FastAPI:
    """Return the app of the intake socket."""
    calls: tuple[tuple[str, Callable[[Request], Awaitable[msgspec.Struct]]], ...] = (
        ("PUT", intake.put),
        ("GET", intake.status),
        ("DELETE", intake.destroy),
    )
    return build_app(runtime, [route(PATH, method, call) for method, call in calls])


def _checked(credential: StoreCredential) -> Mapping[str, str | bytes]:
    """Return the values to store. Raises :class:`Refused` for what can never work, without showing it."""
    if credential.expected_version < 0:
        raise Refused("invalid_request", "expected_version is 0 or the version that is stored now")
    venue = policy.venue(credential.exchange)
    if venue is None:
        raise Refused("exchange_unsupported", "keys of this exchange cannot be used here")
    texts = {"api_key": credential.api_key}
    if not venue.private_key:
        texts["secret"] = credential.secret
    if venue.passphrase:
        texts["passphrase"] = credential.passphrase or ""
    for name, value in texts.items():
        if not _is_plausible(value, 1 if name == "passphrase" else _SHORTEST):
            raise Refused(
                "credential_malformed",
                f"the {name.replace('_', ' ')} is missing, too short, too long, or has spaces or foreign letters in it",
                "copy it again from the exchange's page, without spaces or line ends",
            )
    key = {"secret": normalized_key(credential.secret)} if venue.private_key else {}
    return {"exchange": str(credential.exchange), **texts, **key}


def _is_plausible(value: str, shortest: int) -> bool:
    return shortest <= len(value) <= _LONGEST and value.isascii() and value.isprintable() and " " not in value
