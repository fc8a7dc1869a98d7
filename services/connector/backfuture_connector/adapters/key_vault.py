"""The key-vault's dispense side, over its unix socket: leases, and signatures with them.

The connector's token and the lease are secrets: they travel in headers and appear in no text.
"""

import asyncio
import base64
import contextlib
import http.client
import socket
from pathlib import Path
from typing import TypeVar

import aiohttp
import msgspec
from backfuture_common.contracts.key_vault import ErrorAnswer, LeaseAnswer, LeaseRequest, Signature, SignRequest
from backfuture_common.domain.ids import ConnectionId, ExchangeId, UserId
from backfuture_common.runtime import metrics

from backfuture_connector.core.failures import FailureKind, VenueError, local_failure
from backfuture_connector.ports import Lease

SIGN_S = 0.2
CALL_S = 10.0

_KINDS: dict[str, FailureKind] = {
    "lease_unknown": "lease_gone",
    "no_credential": "lease_gone",
    "sign.rate_limited": "rate_limited",
    "sign.refused": "signer_refused",
    "wrong_exchange": "signer_refused",
    "unauthorized": "signer_refused",
    "forbidden": "signer_refused",
}
"""What the key-vault's refusals mean here; every other one is an unavailable signer."""

T = TypeVar("T")


class KeyVault:
    """Leases keys; used seldom."""

    def __init__(self, socket_path: Path, token_file: Path) -> None:
        self._socket_path = socket_path
        self._token_file = token_file

    async def lease(self, owner: UserId, connection_id: ConnectionId) -> Lease:
        """Return a new lease of the connection's key; the older one ends."""
        request = LeaseRequest(user_id=owner, connection_id=connection_id)
        try:
            token = self._token_file.read_text().strip()
        except OSError:
            raise VenueError(local_failure("signer_unavailable", "TokenFileUnreadable")) from None
        return _lease(connection_id, await self._call("POST", "/v1/leases", token, msgspec.json.encode(request)))

    async def renew(self, lease: Lease) -> Lease:
        """Keep the lease valid; the answer's version and key differ when the user rotated the key."""
        return _lease(lease.connection_id, await self._call("POST", "/v1/leases/renew", lease.handle, b""))

    async def drop(self, lease: Lease) -> None:
        """Give the lease back; one that is gone already is as good."""
        try:
            await self._call("DELETE", "/v1/leases", lease.handle, b"")
        except VenueError as error:
            if error.failure.kind != "lease_gone":
                raise

    async def why_not_ready(self) -> str:
        """Return why keys cannot be leased at the moment, an empty text when they can."""
        status = 0
        with contextlib.suppress(aiohttp.ClientError, OSError, TimeoutError):
            async with (
                asyncio.timeout(CALL_S),
                aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(self._socket_path))) as session,
                session.get("http://key-vault/readyz") as response,
            ):
                status = response.status
        return "" if status == 200 else f"not ready ({status})" if status else "cannot be reached"

    async def _call(self, method: str, path: str, bearer: str, body: bytes) -> bytes:
        status, answer = 0, b""
        with contextlib.suppress(aiohttp.ClientError, OSError, TimeoutError):
            async with (
                asyncio.timeout(CALL_S),
                aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(self._socket_path))) as session,
                session.request(
                    method, f"http://key-vault{path}", data=body, headers={"Authorization": f"Bearer {bearer}"}
                ) as response,
            ):
                status, answer = response.status, await response.read()
        if status != 200:
            raise _refusal(status, answer)
        return answer


class BlockingSigner:
    """Signs, synchronously: ccxt makes signatures in the middle of building a request. At most ``SIGN_S`` each."""

    def __init__(self, socket_path: Path, exchange: ExchangeId) -> None:
        self._socket_path = socket_path
        self._exchange = exchange
        self._connection: _UnixConnection | None = None

    def sign(self, lease: Lease, message: bytes) -> bytes:
        """Return the HMAC-SHA256 of the message with the leased secret."""
        body = msgspec.json.encode(SignRequest(message_b64=base64.b64encode(message).decode()))
        headers = {"Authorization": f"Bearer {lease.handle}", "Content-Type": "application/json"}
        status, answer = self._exchange_bytes(body, headers)
        if status != 200:
            error = _refusal(status, answer)
            metrics.EXCHANGE_ERRORS.labels(exchange=self._exchange, code=error.failure.kind).inc()
            raise error
        signature = _decode(answer, Signature)
        if signature.version != lease.version:
            raise VenueError(local_failure("lease_gone", "KeyRotated"))  # it would be signed with another key's secret
        return base64.b64decode(signature.mac_b64)

    def _exchange_bytes(self, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        """Ask once; again on a fresh connection when the kept one was closed meanwhile (signing twice is harmless)."""
        for connection in (self._connection, None):
            fresh = connection is None
            used = connection or _UnixConnection(self._socket_path)
            self._connection = None
            try:
                used.request("POST", "/v1/sign", body, headers)
                response = used.getresponse()
                answer = response.read()
            except (OSError, http.client.HTTPException) as error:
                used.close()
                if fresh or isinstance(error, TimeoutError):
                    break
            else:
                self._connection = used
                return response.status, answer
        return 0, b""


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("key-vault", timeout=SIGN_S)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(SIGN_S)
        self.sock.connect(str(self._path))


def _lease(connection_id: ConnectionId, answer: bytes) -> Lease:
    given = _decode(answer, LeaseAnswer)
    return Lease(
        connection_id=connection_id,
        handle=given.lease,
        api_key=given.api_key,
        version=given.version,
        needs_passphrase=given.needs_passphrase,
        expires_in_s=given.expires_in_s,
    )


def _decode(answer: bytes, kind: type[T]) -> T:
    decoded: T | None = None
    with contextlib.suppress(msgspec.MsgspecError):
        decoded = msgspec.json.decode(answer, type=kind)
    if decoded is None:
        raise VenueError(local_failure("signer_unavailable", "AnswerMalformed"))
    return decoded


def _refusal(status: int, answer: bytes) -> VenueError:
    """Return the failure behind an answer that is not 200 (status 0: there was none)."""
    code = "KeyVaultUnreachable"
    if status:
        code = f"KeyVault{status}"
        with contextlib.suppress(msgspec.MsgspecError):
            code = msgspec.json.decode(answer, type=ErrorAnswer).error.code
    return VenueError(local_failure(_KINDS.get(code, "signer_unavailable"), code))
