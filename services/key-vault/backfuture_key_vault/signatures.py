"""Signatures with private keys (ECDSA on P-256, Ed25519), of secrets that can be wiped.

Intake turns what the user pasted into one letter for the kind and the key's 32 raw bytes; that is what is stored. For a
signature the key goes from the wipeable buffer straight into the library's own memory, which clears it when freed:
no Python object holds the key in between (tested by looking for it in the process's memory).
"""

import base64
import binascii
import re
from collections.abc import Mapping

from backfuture_common.errors import Refused
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
    load_pem_private_key,
)

from backfuture_key_vault.buffers import wipe

KEY_BYTES = 32
_MARKS: Mapping[str, int] = {"es256": ord("p"), "ed25519": ord("e")}
_SEC1_HEAD, _SEC1_TAIL = bytes.fromhex("30310201010420"), bytes.fromhex("a00a06082a8648ce3d030107")
_PEM = re.compile(r"-----BEGIN (?:EC )?PRIVATE KEY-----.{40,1024}-----END (?:EC )?PRIVATE KEY-----", re.DOTALL)


def normalized_key(text: str) -> bytes:
    """Return the private key as it is stored: its kind and 32 bytes.

    Takes PEM (with real or written-out line ends) of a P-256 or Ed25519 key, and the base64 of an Ed25519 key as
    Coinbase shows it. Raises :class:`Refused` ``credential_malformed``, without showing anything of it.
    """
    text = text.replace("\\n", "\n").strip()
    found = _from_pem(text) if _PEM.fullmatch(text) else _from_base64(text)
    if found is None:
        raise Refused(
            "credential_malformed",
            "the secret is no private key of a kind that this exchange takes",
            "paste the whole private key, from the first dash to the last; choose ECDSA when you make it",
        )
    return found


def sign_with_key(algorithm: str, stored: bytearray, message: bytes) -> bytes:
    """Return the signature, 64 bytes. ``ValueError`` when the stored key is of another kind."""
    if len(stored) != KEY_BYTES + 1 or stored[0] != _MARKS.get(algorithm):
        raise ValueError("the key is of another kind")
    with memoryview(stored) as view:
        if algorithm == "ed25519":
            return Ed25519PrivateKey.from_private_bytes(view[1:]).sign(message)
        return _sign_p256(view[1:], message)


def _sign_p256(scalar: memoryview, message: bytes) -> bytes:
    der = bytearray(len(_SEC1_HEAD) + KEY_BYTES + len(_SEC1_TAIL))
    der[: len(_SEC1_HEAD)] = _SEC1_HEAD
    der[len(_SEC1_HEAD) : -len(_SEC1_TAIL)] = scalar
    der[-len(_SEC1_TAIL) :] = _SEC1_TAIL
    try:
        key = load_der_private_key(der, password=None)
    finally:
        wipe(der)
    if not isinstance(key, EllipticCurvePrivateKey):
        raise ValueError("the key is of another kind")  # noqa: TRY004  (one failure, one type)
    r, s = decode_dss_signature(key.sign(message, ECDSA(hashes.SHA256())))
    return r.to_bytes(KEY_BYTES, "big") + s.to_bytes(KEY_BYTES, "big")


def _from_pem(text: str) -> bytes | None:
    key: object = None
    try:
        key = load_pem_private_key(text.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None
    if isinstance(key, Ed25519PrivateKey):
        return _stored("ed25519", key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption()))
    if isinstance(key, EllipticCurvePrivateKey) and isinstance(key.curve, SECP256R1):
        return _stored("es256", key.private_numbers().private_value.to_bytes(KEY_BYTES, "big"))
    return None


def _from_base64(text: str) -> bytes | None:
    """An Ed25519 key as Coinbase shows it: the seed, and behind it the public key."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return _stored("ed25519", raw[:KEY_BYTES]) if len(raw) == 2 * KEY_BYTES else None


def _stored(kind: str, key: bytes) -> bytes:
    return bytes([_MARKS[kind]]) + key
