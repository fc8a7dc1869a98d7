"""The language of key-vault's two unix sockets: requests, answers, and the words both sides must spell alike.

Intake (callers: the gateway) takes credentials and never gives one back. Dispense (callers: connectors) leases a
credential's use and signs with it. Every refusal is an :class:`ErrorAnswer`.
"""

from typing import Literal

import msgspec

from backfuture_common.domain.ids import ConnectionId, ExchangeId, UserId
from backfuture_common.errors import ErrorInfo

PASSPHRASE_MARK = b"backfuture:passphrase"
"""The message that stands for the stored passphrase: signing it returns the MAC of the passphrase itself."""

CredentialState = Literal["stored", "destroyed"]

Algorithm = Literal["sha256", "hmac-sha256", "hmac-sha384", "hmac-sha512", "es256", "ed25519"]
"""How to sign: HMAC with a shared secret (``sha256`` and ``hmac-sha256`` are the same), or a signature with a private
key (``es256``: ECDSA on P-256 with SHA-256, answered as r and s, 32 bytes each; ``ed25519``: 64 bytes). Which an
exchange takes is the signer's policy."""


class ErrorAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Body of every answer that is not 200."""

    error: ErrorInfo


class StoreCredential(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """``PUT /v1/users/{uid}/connections/{cid}/credential``. ``expected_version`` 0 means: there is none yet.

    Its text forms show no secret, so that it may stand in a traceback.
    """

    exchange: ExchangeId
    api_key: str
    secret: str
    expected_version: int
    passphrase: str | None = None

    def __repr__(self) -> str:
        return f"StoreCredential(exchange={self.exchange!r}, expected_version={self.expected_version})"

    def __rich_repr__(self) -> list[tuple[str, object]]:
        return [("exchange", self.exchange), ("expected_version", self.expected_version)]


class CredentialStored(msgspec.Struct, frozen=True, kw_only=True):
    """``hint``: the last four characters of the API key. ``fingerprint``: equal for equal API keys of one exchange,
    useless without the server's pepper; it lets the gateway refuse the same key twice.
    """

    version: int
    hint: str
    fingerprint: str


class CredentialStatus(msgspec.Struct, frozen=True, kw_only=True):
    """``GET`` of the same path. ``hint`` is empty when it is not known for this version."""

    version: int
    state: CredentialState
    hint: str
    updated_ms: int


class CredentialDestroyed(msgspec.Struct, frozen=True, kw_only=True):
    """``DELETE`` of the same path: no version of the credential exists any more."""

    destroyed: bool


class LeaseRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``POST /v1/leases`` with the connector's own token."""

    user_id: UserId
    connection_id: ConnectionId


class LeaseAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A lease, or its renewal (``POST /v1/leases/renew`` with the lease as bearer token).

    ``version`` and ``api_key`` may differ from the ones before after a renewal: the user rotated the key.
    ``passphrase`` is given only for exchanges that want it in clear beside each request; it signs nothing.
    ``orders_allowed`` is false when the vault could not be asked for too long: then only reading and cancelling are
    signed. A new lease ends the caller's older one for the same connection.
    """

    lease: str
    api_key: str
    version: int
    needs_passphrase: bool
    expires_in_s: int
    orders_allowed: bool = True
    passphrase: str | None = None

    def __repr__(self) -> str:
        return f"LeaseAnswer(version={self.version}, expires_in_s={self.expires_in_s})"

    def __rich_repr__(self) -> list[tuple[str, object]]:
        return [("version", self.version), ("expires_in_s", self.expires_in_s)]


class LeasesDropped(msgspec.Struct, frozen=True, kw_only=True):
    """``DELETE /v1/leases`` (one's own) and ``DELETE /v1/connections/{cid}/leases`` (intake)."""

    dropped: int


class SignRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``POST /v1/sign`` with the lease as bearer token. ``message_b64``: the bytes to sign, standard base64.

    ``body_b64``: for exchanges that sign a hash of the request's body (Gate.io), that body; it counts when its hash
    stands in the message.
    """

    message_b64: str
    algorithm: Algorithm = "sha256"
    body_b64: str | None = None


class Signature(msgspec.Struct, frozen=True, kw_only=True):
    """``mac_b64``: HMAC of the message with the connection's secret, or signature with its private key; base64."""

    mac_b64: str
    version: int
