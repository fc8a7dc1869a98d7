"""Private keys of the exchanges that sign tokens: taken as users paste them, used, and gone from memory afterwards."""

import base64
import ctypes
import gc
import os
import re
from pathlib import Path

import pytest
from backfuture_common.errors import Refused
from backfuture_key_vault.buffers import SecretBuffer
from backfuture_key_vault.signatures import normalized_key, sign_with_key
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

MESSAGE = b"head.claims"


def pem(key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey, form: PrivateFormat) -> str:
    return key.private_bytes(Encoding.PEM, form, NoEncryption()).decode()


@pytest.mark.parametrize("form", [PrivateFormat.TraditionalOpenSSL, PrivateFormat.PKCS8])
@pytest.mark.parametrize("written", ["real line ends", "written-out line ends"])
def test_a_p256_key_signs_as_the_exchange_verifies(form: PrivateFormat, written: str) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    text = pem(key, form) if written == "real line ends" else pem(key, form).replace("\n", "\\n")

    signature = sign_with_key("es256", bytearray(normalized_key(text)), MESSAGE)

    r, s = (int.from_bytes(half, "big") for half in (signature[:32], signature[32:]))
    key.public_key().verify(encode_dss_signature(r, s), MESSAGE, ec.ECDSA(hashes.SHA256()))


def test_an_ed25519_key_signs_whether_pasted_as_pem_or_as_base64() -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    seed = key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    for text in (pem(key, PrivateFormat.PKCS8), base64.b64encode(seed + public).decode()):
        key.public_key().verify(sign_with_key("ed25519", bytearray(normalized_key(text)), MESSAGE), MESSAGE)


@pytest.mark.parametrize(
    "text",
    [
        "", "abc", "a" * 88, "-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----",
        pem(ec.generate_private_key(ec.SECP384R1()), PrivateFormat.PKCS8),
    ],
)  # fmt: skip
def test_what_is_no_such_key_is_refused_without_being_shown(text: str) -> None:
    with pytest.raises(Refused) as refused:
        normalized_key(text)
    assert refused.value.info.code == "credential_malformed"
    assert not text or text not in str(refused.value)


def test_a_key_of_one_kind_does_not_sign_in_the_other() -> None:
    stored = bytearray(normalized_key(pem(ec.generate_private_key(ec.SECP256R1()), PrivateFormat.PKCS8)))
    with pytest.raises(ValueError, match="kind"):
        sign_with_key("ed25519", stored, MESSAGE)
    with pytest.raises(ValueError, match="kind"):
        sign_with_key("es256", bytearray(b"a-shared-secret"), MESSAGE)


@pytest.mark.parametrize(("algorithm", "mark"), [("es256", b"p"), ("ed25519", b"e")])
def test_no_copy_of_the_key_is_left_after_the_buffer_was_wiped(algorithm: str, mark: bytes) -> None:
    masked = bytes([0x11, *os.urandom(31)])
    buffer = SecretBuffer(bytearray(mark) + unmasked(masked))
    assert copies(masked) == 1, "the search finds what is there"

    for _ in range(20):
        buffer.use(lambda stored: sign_with_key(algorithm, stored, MESSAGE))
    buffer.wipe()
    gc.collect()

    assert copies(masked) == 0
    assert copies(masked[::-1]) == 0, "big numbers are stored backwards"


def unmasked(masked: bytes) -> bytearray:
    """The key itself, in one buffer only."""
    key = bytearray(len(masked))
    for position, byte in enumerate(masked):
        key[position] = byte ^ 0x5A
    return key


def copies(masked: bytes) -> int:
    """Count the places in this process's memory where the key stands, but for the pattern searched with."""
    needle = unmasked(masked)
    window = bytearray(1 << 20)
    own = [_address(needle), _address(window)]
    found = 0
    with Path("/proc/self/mem").open("rb", buffering=0) as memory:
        for line in Path("/proc/self/maps").read_text().splitlines():
            start, end = (int(part, 16) for part in line.split()[0].split("-"))
            if not re.search(r" r..p ", line) or "[v" in line:
                continue
            for position in range(start, end, len(window) - len(needle)):
                size = min(end - position, len(window))
                try:
                    count = os.preadv(memory.fileno(), [memoryview(window)[:size]], position)
                except OSError:
                    break
                hit = window.find(needle, 0, count)
                while hit >= 0:
                    inside_window = own[1] <= position + hit < own[1] + len(window)
                    found += not inside_window and position + hit != own[0]
                    hit = window.find(needle, hit + 1, count)
    for buffer in (needle, window):
        buffer[:] = bytes(len(buffer))
    return found


def _address(buffer: bytearray) -> int:
    return ctypes.addressof((ctypes.c_char * len(buffer)).from_buffer(buffer))
