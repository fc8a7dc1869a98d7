"""Who may speak to a socket: known by the SHA-256 of a random token, never by the token itself.

The file is JSON: ``{"callers": [{"name", "role", "sha256", "exchange"}]}``, mode 0600. A change is noticed.
"""

import hashlib
import secrets
from pathlib import Path
from typing import Literal

import msgspec
from backfuture_common.domain.ids import ID_PATTERN, ExchangeId
from backfuture_common.errors import Fatal

from backfuture_key_vault.files import create_private, locked_folder, read_private, read_private_text, replace_private

Role = Literal["gateway", "connector", "intake"]


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """One service's identity. Only connectors have an exchange, and they have no other."""

    name: str
    role: Role
    sha256: str
    exchange: ExchangeId | None = None


class _File(msgspec.Struct, frozen=True, kw_only=True):
    callers: tuple[Caller, ...] = ()


class Callers:
    """The callers of one socket. Raises :class:`Fatal` on construction when the file is unusable."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._by_digest: dict[str, Caller] = {}
        self._seen = (0, 0)
        self._reload()

    def find(self, token: str) -> Caller | None:
        """Return whose token this is, if anybody's."""
        self._reload()
        return self._by_digest.get(digest(token))

    def _reload(self) -> None:
        try:
            found = self._path.stat()
        except FileNotFoundError:
            raise Fatal("callers.missing", f"no callers file {self._path}", "run make-caller first") from None
        stamp = (found.st_mtime_ns, found.st_ino)
        if stamp != self._seen:
            self._by_digest = {caller.sha256: caller for caller in read_callers(self._path)}
            self._seen = stamp


def read_callers(path: Path) -> tuple[Caller, ...]:
    """Return the file's callers. Raises :class:`Fatal` when it is unreadable or open to others."""
    try:
        callers = msgspec.json.decode(read_private(path), type=_File).callers
    except msgspec.DecodeError:
        raise Fatal("callers.unreadable", f"{path} is not a callers file", "remove it and run make-caller") from None
    for caller in callers:
        if (caller.role == "connector") != (caller.exchange is not None):
            raise Fatal("callers.unreadable", f"{path}: {caller.name} is a {caller.role}, check its exchange")
    return callers


def make_caller(role: Role, exchange: ExchangeId | None, token_file: Path, callers_file: Path) -> Caller:
    """See to it that ``token_file`` holds a token and that ``callers_file`` knows it, and only it, by this name.

    Doing it again changes nothing. A new token file replaces the caller's old token. Several may run at once.
    """
    if (role == "connector") != (exchange is not None):
        raise Fatal("callers.exchange", "a connector has exactly one exchange, others have none")
    name = f"{role}-{exchange}" if exchange else role
    if not ID_PATTERN.fullmatch(name):
        raise Fatal("callers.exchange", "this is not an exchange id")
    create_private(token_file, secrets.token_urlsafe(32).encode())
    caller = Caller(name=name, role=role, exchange=exchange, sha256=digest(read_private_text(token_file)))
    with locked_folder(callers_file.parent):
        old = read_callers(callers_file) if callers_file.exists() else ()
        new = (*(known for known in old if known.name != name), caller)
        if caller not in old:
            replace_private(callers_file, msgspec.json.format(msgspec.json.encode(_File(callers=new))))
    return caller


def digest(token: str) -> str:
    """Return what is stored of a token. Tokens are 256 random bits, so a plain hash is enough."""
    return hashlib.sha256(token.encode()).hexdigest()
