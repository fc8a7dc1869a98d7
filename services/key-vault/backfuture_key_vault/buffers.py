"""Secrets in memory that can be wiped.

A ``str`` or ``bytes`` stays readable until its memory happens to be used again; a :class:`SecretBuffer` is zeroed when
it is told to. Values travel to and from the vault as base64url, so that they never need JSON escapes and can be
decoded without an immutable copy in between.
"""

import base64
import hmac
from collections.abc import Callable
from types import TracebackType
from typing import Self, TypeVar

T = TypeVar("T")

_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_SIX_BITS = {letter: value for value, letter in enumerate(_ALPHABET)}


class SecretBuffer:
    """Bytes that can be used as a key or a message of a MAC, or as a private key; shown never, wiped at once."""

    __slots__ = ("_data",)

    def __init__(self, data: bytearray) -> None:
        self._data = data

    @classmethod
    def from_base64url(cls, encoded: bytearray | memoryview) -> Self:
        """Decode (padding not used). Raises ``ValueError`` without saying what was wrong where."""
        return cls(_decode(encoded))

    def mac(self, message: "bytes | SecretBuffer", digest: str = "sha256") -> bytes:
        """Return the HMAC of the message with this as the key."""
        self._refuse_when_wiped()
        data = message._data if isinstance(message, SecretBuffer) else message  # noqa: SLF001  (its own class)
        return hmac.digest(self._data, data, digest)

    def use(self, function: "Callable[[bytearray], T]") -> "T":
        """Return what the function makes of the bytes; it must not keep them."""
        self._refuse_when_wiped()
        return function(self._data)

    def wipe(self) -> None:
        """Overwrite with zeros and shrink to nothing; further use raises ``ValueError``."""
        wipe(self._data)
        self._data = bytearray()

    def _refuse_when_wiped(self) -> None:
        if not self._data:
            raise ValueError("the buffer has been wiped")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.wipe()

    def __repr__(self) -> str:
        return "SecretBuffer()"

    def __reduce__(self) -> str | tuple[object, ...]:
        raise TypeError("a secret is not to be pickled or copied")


def wipe(data: bytearray) -> None:
    """Overwrite in place."""
    data[:] = bytes(len(data))


def encode_base64url(value: str | bytes) -> str:
    """Return bytes, or a text's UTF-8, as base64url without padding: letters, digits, ``-`` and ``_`` only."""
    raw = value.encode() if isinstance(value, str) else value
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decode_text(encoded: bytearray | memoryview) -> str:
    """Return the text behind base64url. For values that are no secrets: a ``str`` cannot be wiped."""
    return _decode(encoded).decode()


def _decode(encoded: bytearray | memoryview) -> bytearray:
    decoded = bytearray(len(encoded) * 3 // 4)
    bits = pending = filled = 0
    for letter in encoded:
        value = _SIX_BITS.get(letter)
        if value is None:
            wipe(decoded)
            raise ValueError("not base64url")
        pending = (pending << 6 | value) & 0xFFFF
        bits += 6
        if bits >= 8:
            bits -= 8
            decoded[filled] = pending >> bits & 0xFF
            filled += 1
    return decoded
