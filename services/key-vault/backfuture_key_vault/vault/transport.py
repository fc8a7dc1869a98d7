"""One HTTP exchange with the vault server, over a unix socket or TLS, into memory that can be wiped.

A client library would leave copies of every answer in immutable objects and would follow redirects, proxies and
environment variables with the token. Here the answer is received into one ``bytearray``, nothing is followed, and an
exchange ends in one of three ways: an answer, *not sent* (certainly nothing happened), or *lost* (it may have).
Each exchange has a connection of its own; the server is asked once per lease, not once per signature.
"""

import socket
import ssl
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from backfuture_common.errors import Fatal

from backfuture_key_vault.buffers import wipe

UNIX_PATH_LIMIT = 107
"""Bytes of a unix socket's path that fit into the kernel's address."""
_ANSWER_LIMIT = 1 << 20
_CHUNK = 4_096

Failure = Literal["not_sent", "untrusted", "lost"]


@dataclass(slots=True)
class Reply:
    """An answer of the server. Wiped when the ``with`` block around it ends."""

    status: int
    body: bytearray

    def __enter__(self) -> "Reply":
        return self

    def __exit__(self, *_exc: object) -> None:
        wipe(self.body)

    def __repr__(self) -> str:
        return f"Reply(status={self.status})"


@dataclass(frozen=True, slots=True)
class Address:
    """Where the server listens: ``unix:///path`` or ``https://host:port``; with TLS, whom to trust."""

    path: Path | None
    host: str
    port: int
    tls: ssl.SSLContext | None

    @classmethod
    def parse(cls, text: str, ca_file: Path | None = None) -> "Address":
        """Raises :class:`Fatal` for anything that is neither, and for socket paths the kernel cannot take."""
        parts = urlsplit(text)
        if parts.scheme == "unix" and parts.path and not parts.netloc:
            return cls(checked_socket(Path(parts.path)), "localhost", 0, None)
        if parts.scheme == "https" and parts.hostname and parts.path in {"", "/"}:
            return cls(None, parts.hostname, parts.port or 443, _tls(ca_file))
        raise Fatal("vault.address", "the vault address is unix:///path/of/socket or https://host:port")


def checked_socket(path: Path) -> Path:
    """Return the path. Raises :class:`Fatal` when it is too long for a unix socket."""
    length = len(bytes(path))
    if length > UNIX_PATH_LIMIT:
        raise Fatal(
            "socket.path_too_long",
            f"{path} is {length} bytes long, a unix socket's path has at most {UNIX_PATH_LIMIT}",
            "use a shorter folder for sockets",
        )
    return path


def exchange(
    address: Address, method: str, path: str, *, token: str, body: bytes = b"", timeout_s: float
) -> Reply | Failure:
    """Send one request and return the answer or how it failed; never raises for the network's sake.

    ``timeout_s`` is for all of it. ``path`` is under ``/v1/`` and built of checked ids only.
    """
    deadline_s = time.monotonic() + timeout_s
    connection = _connect(address, deadline_s)
    if isinstance(connection, str):
        return connection
    with connection:
        try:
            connection.settimeout(_left(deadline_s))
            # in one piece: a server that has answered and closed would make a second, empty, piece fail
            connection.sendall(_head(address, method, path, token, len(body)) + body)
            return _receive(connection, deadline_s)
        except OSError:
            return "lost"


def _connect(address: Address, deadline_s: float) -> "socket.socket | Failure":
    connection: socket.socket | None = None
    try:
        if address.path is not None:
            connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            connection.settimeout(_left(deadline_s))
            connection.connect(str(address.path))
            return connection
        connection = socket.create_connection((address.host, address.port), _left(deadline_s))
        if address.tls is None:
            return connection
        return address.tls.wrap_socket(connection, server_hostname=address.host)
    except ssl.SSLCertVerificationError:
        failure: Failure = "untrusted"
    except OSError:
        failure = "not_sent"
    if connection is not None:
        connection.close()
    return failure


def _head(address: Address, method: str, path: str, token: str, length: int) -> bytes:
    lines = [f"{method} /v1/{path} HTTP/1.1", f"Host: {address.host}", "Connection: close", "X-Vault-Request: true"]
    if token:
        lines.append(f"Authorization: Bearer {token}")
    if length:
        lines += ["Content-Type: application/json", f"Content-Length: {length}"]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii")


def _receive(connection: socket.socket, deadline_s: float) -> Reply | Failure:
    """Read to the connection's end, into one buffer that grows by doubling; outgrown buffers are wiped."""
    data = bytearray(_CHUNK)
    filled = 0
    while True:
        received = _receive_some(connection, data, filled, deadline_s)
        if not received:
            break
        filled += received
        if filled == len(data):
            if filled >= _ANSWER_LIMIT:
                wipe(data)
                return "lost"
            larger = bytearray(2 * filled)
            larger[:filled] = data
            wipe(data)
            data = larger
    return _parse(data, filled)


def _receive_some(connection: socket.socket, data: bytearray, filled: int, deadline_s: float) -> int:
    try:
        connection.settimeout(_left(deadline_s))
        with memoryview(data) as view:
            return connection.recv_into(view[filled:])
    except OSError:
        wipe(data)
        raise


def _parse(data: bytearray, filled: int) -> Reply | Failure:
    head_end = data.find(b"\r\n\r\n", 0, filled)
    head = bytes(data[: max(head_end, 0)]).decode("latin-1").split("\r\n")
    status = head[0].split(" ")
    if head_end < 0 or len(status) < 2 or not status[0].startswith("HTTP/1.") or not status[1].isdigit():
        wipe(data)
        return "lost"
    fields = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
    start = head_end + 4
    if fields.get("transfer-encoding", "").lower() == "chunked":
        end = _join_chunks(data, start, filled)
    else:
        length = fields.get("content-length", "")
        end = start + int(length) if length.isdigit() else filled
    if end is None or end > filled:
        wipe(data)
        return "lost"
    body = data[start:end]
    wipe(data)
    return Reply(int(status[1]), body)


def _join_chunks(data: bytearray, start: int, filled: int) -> int | None:
    """Move the chunks together in place; return where the body ends, None when its end is missing."""
    read = write = start
    while True:
        line_end = data.find(b"\r\n", read, filled)
        if line_end < 0:
            return None
        try:
            size = int(bytes(data[read:line_end]).split(b";")[0], 16)
        except ValueError:
            return None
        read = line_end + 2
        if size == 0:
            return write
        if size < 0 or read + size > filled:
            return None
        with memoryview(data) as view:
            view[write : write + size] = view[read : read + size]  # in place, without a copy in between
        write += size
        read += size + 2


def _left(deadline_s: float) -> float:
    left_s = deadline_s - time.monotonic()
    if left_s <= 0:
        raise TimeoutError
    return left_s


def _tls(ca_file: Path | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=str(ca_file) if ca_file else None)
    except OSError as error:
        raise Fatal("vault.ca_file", f"cannot use {ca_file} as CA file: {error.strerror or 'no certificate'}") from None
