"""Credentials in the vault's versioned key-value store, one path per connection.

The writer (intake) may create, look at versions and destroy; its token cannot read a value. The reader (dispense) may
only read. Values are base64url, so that they can be cut out of an answer without being copied.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import msgspec
from backfuture_common.contracts.key_vault import CredentialStatus
from backfuture_common.domain.ids import ID_PATTERN, ConnectionId, ExchangeId, UserId
from backfuture_common.errors import Refused

from backfuture_key_vault.buffers import SecretBuffer, decode_text, encode_base64url
from backfuture_key_vault.vault.session import VaultSession
from backfuture_key_vault.vault.transport import Reply

MOUNT = "exch"
_FENCING_ATTEMPTS = 5
_VALUES = re.compile(rb'"data":\{"data":(\{[^{}]*\}),"metadata":\{')
_FIELD = {
    name: re.compile(rb'"%s":"([A-Za-z0-9_-]*)"' % name) for name in (b"exchange", b"api_key", b"secret", b"passphrase")
}
_VERSION = re.compile(rb'"version":([0-9]+)[,}]')


@dataclass(slots=True)
class Credential:
    """One version of a credential, in use. ``secret`` and ``passphrase`` are wiped by :meth:`wipe`."""

    exchange: ExchangeId
    api_key: str
    secret: SecretBuffer
    passphrase: SecretBuffer | None
    version: int

    def wipe(self) -> None:
        self.secret.wipe()
        if self.passphrase is not None:
            self.passphrase.wipe()

    def __repr__(self) -> str:
        return f"Credential(exchange={self.exchange!r}, version={self.version})"


class _Version(msgspec.Struct):
    created_time: str
    deletion_time: str = ""
    destroyed: bool = False

    @property
    def gone(self) -> bool:
        return self.destroyed or bool(self.deletion_time)


class _Metadata(msgspec.Struct):
    current_version: int
    updated_time: str
    versions: dict[int, _Version]
    custom_metadata: dict[str, str] | None = None

    @property
    def current_is_gone(self) -> bool:
        current = self.versions.get(self.current_version)
        return current is None or current.gone

    @property
    def all_destroyed(self) -> bool:
        return all(version.destroyed for version in self.versions.values())


class _MetadataAnswer(msgspec.Struct):
    data: _Metadata


class _WrittenVersion(msgspec.Struct):
    version: int


class _WrittenAnswer(msgspec.Struct):
    data: _WrittenVersion


def require_ids(*ids: str) -> None:
    """Raise :class:`Refused` unless each can be a part of a path. Dots and slashes would lead elsewhere."""
    if not all(ID_PATTERN.fullmatch(found) for found in ids):
        raise Refused("invalid_id", "this is not an id", "ids are letters, digits, '-' and '_', at most 63")


class CredentialWriter:
    """What intake may do. Blocking."""

    def __init__(self, session: VaultSession) -> None:
        self._session = session

    def put(
        self, user: UserId, connection: ConnectionId, values: Mapping[str, str | bytes], expected_version: int
    ) -> int:
        """Store a new version and return its number.

        Raises :class:`Refused` ``version_conflict`` when the newest version is another than the expected one,
        :class:`Unknown` when it may or may not be stored.
        """
        version = self._put(user, connection, values, expected_version)
        if version is None:
            raise Refused("version_conflict", "the stored version is another one", "ask for the status, then decide")
        return version

    def remember_hint(self, user: UserId, connection: ConnectionId, version: int, hint: str) -> None:
        """Keep the hint beside the version's number, where intake itself can read it."""
        body = msgspec.json.encode({"custom_metadata": {"hint": hint, "version": str(version)}})
        with self._session.write(_path("metadata", user, connection), body):
            pass

    def status(self, user: UserId, connection: ConnectionId) -> CredentialStatus:
        """Raises :class:`Refused` ``no_credential`` when nothing was ever stored."""
        metadata = self._metadata(user, connection)
        if metadata is None:
            raise _no_credential()
        custom = metadata.custom_metadata or {}
        known = custom.get("version") == str(metadata.current_version)
        return CredentialStatus(
            version=metadata.current_version,
            state="destroyed" if metadata.current_is_gone else "stored",
            hint=custom.get("hint", "") if known else "",
            updated_ms=round(datetime.fromisoformat(metadata.updated_time).timestamp() * 1000),
        )

    def destroy(self, user: UserId, connection: ConnectionId) -> None:
        """Destroy every version, for good; doing it again is fine.

        First an empty version is written: a store that was sent before and is still on its way then conflicts, and
        cannot bring the secret back after this has been answered.
        """
        fenced = False
        for _ in range(_FENCING_ATTEMPTS):
            metadata = self._metadata(user, connection)
            if metadata is not None and metadata.versions and metadata.all_destroyed:
                return
            if not fenced:
                current = metadata.current_version if metadata else 0
                fenced = self._put(user, connection, {}, current) is not None
                continue
            versions = sorted(metadata.versions) if metadata else []
            body = msgspec.json.encode({"versions": versions})
            with self._session.write(_path("destroy", user, connection), body):
                pass
        raise Refused("version_conflict", "the credential is being changed at the same time", retryable=True)

    def _put(self, user: UserId, connection: ConnectionId, values: Mapping[str, str | bytes], cas: int) -> int | None:
        encoded = {name: encode_base64url(value) for name, value in values.items()}
        body = msgspec.json.encode({"data": encoded, "options": {"cas": cas}})
        with self._session.write(_path("data", user, connection), body) as reply:
            if reply.status == 200:
                return msgspec.json.decode(reply.body, type=_WrittenAnswer).data.version
            conflict = b"check-and-set" in reply.body
        if conflict:
            return None
        raise Refused("vault_error", "the key store does not take it", "check the key store's mount")

    def _metadata(self, user: UserId, connection: ConnectionId) -> _Metadata | None:
        with self._session.read(_path("metadata", user, connection)) as reply:
            return _metadata(reply)


class CredentialReader:
    """What dispense may do. Blocking."""

    def __init__(self, session: VaultSession) -> None:
        self._session = session

    def fetch(self, user: UserId, connection: ConnectionId) -> Credential:
        """Return the newest version. Raises :class:`Refused` ``no_credential`` when there is none any more."""
        with self._session.read(_path("data", user, connection)) as reply:
            credential = _cut_out(reply.body) if reply.status == 200 else None
        if credential is None:
            raise _no_credential()
        return credential

    def current_version(self, user: UserId, connection: ConnectionId) -> int | None:
        """Return the newest version's number, None when it is destroyed or was never there."""
        with self._session.read(_path("metadata", user, connection)) as reply:
            metadata = _metadata(reply)
        return None if metadata is None or metadata.current_is_gone else metadata.current_version


def probe(session: VaultSession) -> None:
    """Make a real call, with this service's rights, on the mount itself. Raises what the session raises."""
    with session.read(_path("metadata", UserId("probe"), ConnectionId("probe"))):
        pass


def _path(kind: str, user: UserId, connection: ConnectionId) -> str:
    require_ids(user, connection)
    return f"{MOUNT}/{kind}/users/{user}/connections/{connection}"


def _metadata(reply: Reply) -> _Metadata | None:
    return msgspec.json.decode(reply.body, type=_MetadataAnswer).data if reply.status == 200 else None


def _cut_out(body: bytearray) -> Credential | None:
    """Build the credential from the answer without copying a secret. None when it is a destroyed one's empty shell."""
    values = _VALUES.search(body)
    if values is None:
        return None
    found = {name: pattern.search(body, *values.span(1)) for name, pattern in _FIELD.items()}
    exchange, api_key, secret, passphrase = found.values()
    version = _VERSION.search(body, values.end())
    if exchange is None or api_key is None or secret is None or version is None:
        return None
    with memoryview(body) as view:
        return Credential(
            exchange=ExchangeId(decode_text(view[slice(*exchange.span(1))])),
            api_key=decode_text(view[slice(*api_key.span(1))]),
            secret=SecretBuffer.from_base64url(view[slice(*secret.span(1))]),
            passphrase=SecretBuffer.from_base64url(view[slice(*passphrase.span(1))]) if passphrase else None,
            version=int(version[1]),
        )


def _no_credential() -> Refused:
    return Refused("no_credential", "no credential is stored for this connection", "enter the key again")
