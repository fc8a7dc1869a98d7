"""Dispense: leases the use of credentials to connectors, and signs with them. A secret never leaves it."""

import asyncio
import base64
import binascii
from dataclasses import dataclass

import msgspec
from backfuture_common.contracts.key_vault import (
    PASSPHRASE_MARK,
    Algorithm,
    LeaseAnswer,
    LeaseRequest,
    LeasesDropped,
    Signature,
    SignRequest,
)
from backfuture_common.domain.ids import ConnectionId
from backfuture_common.errors import Refused
from backfuture_common.runtime import metrics
from backfuture_common.runtime.clock import Clock
from backfuture_common.runtime.logging import get_logger
from backfuture_common.runtime.service import Runtime
from fastapi import FastAPI
from starlette.requests import Request

from backfuture_key_vault import policy
from backfuture_key_vault.buffers import SecretBuffer
from backfuture_key_vault.callers import Callers
from backfuture_key_vault.http import bearer, build_app, read_body, require_caller, route
from backfuture_key_vault.leases import LEASE_S, Lease, LeaseBook
from backfuture_key_vault.policy import Context, Denied
from backfuture_key_vault.signatures import sign_with_key
from backfuture_key_vault.vault.credentials import Credential, CredentialReader, require_ids

_log = get_logger("backfuture.key-vault.dispense")
_lease_decoder = msgspec.json.Decoder(LeaseRequest)
_sign_decoder = msgspec.json.Decoder(SignRequest)


@dataclass(frozen=True, slots=True)
class Dispense:
    """The calls of the dispense socket. Only leasing and renewing ask the vault, in a thread; signing never waits."""

    callers: Callers
    reader: CredentialReader
    book: LeaseBook
    clock: Clock

    async def lease(self, request: Request) -> LeaseAnswer:
        caller = require_caller(request, self.callers, "connector")
        wanted = await read_body(request, _lease_decoder)
        require_ids(wanted.user_id, wanted.connection_id)
        credential = await asyncio.to_thread(self.reader.fetch, wanted.user_id, wanted.connection_id)
        if credential.exchange != caller.exchange:
            credential.wipe()
            _log.error(
                "lease.wrong_exchange",
                alarm=True,
                caller=caller.name,
                connection=wanted.connection_id,
                stored=credential.exchange,
            )
            raise Refused("wrong_exchange", "this connection belongs to another exchange's connector")
        token = self.book.open(caller.name, wanted.user_id, wanted.connection_id, credential)
        _log.info("lease.opened", caller=caller.name, connection=wanted.connection_id, version=credential.version)
        return self._answer(token, self._held(token))

    async def renew(self, request: Request) -> LeaseAnswer:
        """Prolong. The vault is asked whether the credential still stands; when it cannot say, the lease goes on."""
        token = bearer(request)
        lease = self._held(token)
        seen = await self._follow_vault(lease)
        if not lease.live:
            raise _unknown_lease()
        self.book.renew(lease, vault_seen=seen)
        return self._answer(token, lease)

    async def drop(self, request: Request) -> LeasesDropped:
        return LeasesDropped(dropped=self.book.drop(self._held(bearer(request))))

    async def drop_connection(self, request: Request) -> LeasesDropped:
        caller = require_caller(request, self.callers, "intake")
        connection = ConnectionId(request.path_params["cid"])
        require_ids(connection)
        dropped = self.book.drop_connection(connection)
        _log.info("leases.ended", caller=caller.name, connection=connection, count=dropped)
        return LeasesDropped(dropped=dropped)

    async def sign(self, request: Request) -> Signature:
        lease = self._held(bearer(request))
        asked = await read_body(request, _sign_decoder)
        message, body = _decoded(asked.message_b64), _decoded(asked.body_b64) if asked.body_b64 else b""
        if not lease.live:  # ended while the body was on its way
            raise _unknown_lease()
        with metrics.SIGN_SECONDS.time():
            if message == PASSPHRASE_MARK:
                mac = self._mac_of_passphrase(lease)
            else:
                mac = self._sign(lease, message, asked.algorithm, body)
        return Signature(mac_b64=base64.b64encode(mac).decode(), version=lease.credential.version)

    def _sign(self, lease: Lease, message: bytes, algorithm: Algorithm, body: bytes) -> bytes:
        if not self.book.within_rate(lease.connection):
            metrics.SIGN_REFUSALS.labels(exchange=lease.exchange, code="rate").inc()
            raise Refused("sign.rate_limited", "too many signatures for this connection", retryable=True)
        context = Context(lease.credential.api_key, self.clock.now_ms(), algorithm, body)
        verdict = policy.judge(lease.exchange, message, context)
        if isinstance(verdict, Denied):
            raise _refusal(lease, verdict.reason, verdict.what)
        if verdict.places_order and not self.book.orders_allowed(lease):
            metrics.SIGN_REFUSALS.labels(exchange=lease.exchange, code="suspended").inc()
            raise Refused(
                "orders_suspended",
                "the key store has not confirmed this key for a day",
                "bring the key store back; reading and cancelling still work",
            )
        signature = _signature(lease.credential.secret, algorithm, message)
        if signature is None:
            raise _refusal(lease, "algorithm", algorithm)
        metrics.SIGNATURES.labels(exchange=lease.exchange).inc()
        return signature

    def _mac_of_passphrase(self, lease: Lease) -> bytes:
        """Constant for a credential, so it counts neither as a signature nor against the rate."""
        venue = policy.venue(lease.exchange)
        if lease.credential.passphrase is None or venue is None or not venue.macs_passphrase:
            raise _refusal(lease, "endpoint", "the MAC of a passphrase")
        return lease.credential.secret.mac(lease.credential.passphrase)

    async def _follow_vault(self, lease: Lease) -> bool:
        """Take over a newer version, end the lease of a destroyed one. False when the vault could not be asked."""
        fresh: Credential | None = None
        gone = unreachable = False
        try:
            version = await asyncio.to_thread(self.reader.current_version, lease.user, lease.connection)
            gone = version is None
            if version is not None and version != lease.credential.version:
                fresh = await asyncio.to_thread(self.reader.fetch, lease.user, lease.connection)
        except Refused as error:
            gone = error.info.code == "no_credential"
            unreachable = not gone
        if unreachable:
            return False
        if gone or (fresh and fresh.exchange != lease.exchange) or not lease.live:
            if fresh:
                fresh.wipe()
            self.book.drop(lease)
            raise _unknown_lease()
        if fresh:
            self.book.replace(lease, fresh)
        return True

    def _held(self, token: str) -> Lease:
        lease = self.book.find(token)
        if lease is None:
            raise _unknown_lease()
        return lease

    def _answer(self, token: str, lease: Lease) -> LeaseAnswer:
        return LeaseAnswer(
            lease=token,
            api_key=lease.credential.api_key,
            version=lease.credential.version,
            needs_passphrase=lease.credential.passphrase is not None,
            expires_in_s=LEASE_S,
            orders_allowed=self.book.orders_allowed(lease),
            passphrase=_passphrase_in_clear(lease),
        )


def build_dispense(runtime: Runtime, dispense: Dispense) -> FastAPI:
    """Return the app of the dispense socket."""
    return build_app(
        runtime,
        [
            route("/v1/leases", "POST", dispense.lease),
            route("/v1/leases", "DELETE", dispense.drop),
            route("/v1/leases/renew", "POST", dispense.renew),
            route("/v1/sign", "POST", dispense.sign),
            route("/v1/connections/{cid}/leases", "DELETE", dispense.drop_connection),
        ],
    )


def _decoded(text: str) -> bytes:
    message: bytes | None = None
    try:
        message = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        message = None
    if not message:
        raise Refused("invalid_request", "message_b64 and body_b64 are base64 of something")
    return message


def _signature(secret: SecretBuffer, algorithm: Algorithm, message: bytes) -> bytes | None:
    """Return MAC or signature, None when the stored secret is no key for this algorithm."""
    if algorithm not in {"es256", "ed25519"}:
        return secret.mac(message, algorithm.removeprefix("hmac-"))
    try:
        return secret.use(lambda key: sign_with_key(algorithm, key, message))
    except ValueError:
        return None


def _passphrase_in_clear(lease: Lease) -> str | None:
    """Return the passphrase where the exchange wants it beside each request; it is no key to anything."""
    passphrase, venue = lease.credential.passphrase, policy.venue(lease.exchange)
    if passphrase is None or venue is None or venue.macs_passphrase:
        return None
    return passphrase.use(lambda data: data.decode())


def _refusal(lease: Lease, reason: str, what: str) -> Refused:
    """Return the refusal, after the alarm: an honest connector asks for nothing that is refused."""
    metrics.SIGN_REFUSALS.labels(exchange=lease.exchange, code=reason).inc()
    _log.error(
        "sign.refused",
        alarm=True,
        connection=lease.connection,
        exchange=lease.exchange,
        caller=lease.caller,
        reason=reason,
        what=what,
    )
    return Refused("sign.refused", f"this is not signed here ({reason}: {what})", "see the signer's policy")


def _unknown_lease() -> Refused:
    return Refused("lease_unknown", "this lease is not valid", "lease again", retryable=True)
