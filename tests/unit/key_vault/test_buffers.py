"""Secrets in memory: usable, never shown, wiped in place."""

import base64
import copy
import hmac
import pickle

import pytest
from backfuture_key_vault.buffers import SecretBuffer, decode_text, encode_base64url
from hypothesis import given
from hypothesis import strategies as st


def test_a_mac_is_the_standard_one() -> None:
    secret = SecretBuffer(bytearray(b"key"))

    assert secret.mac(b"message") == hmac.digest(b"key", b"message", "sha256")
    assert secret.mac(SecretBuffer(bytearray(b"passphrase"))) == hmac.digest(b"key", b"passphrase", "sha256")


def test_wiping_zeroes_the_memory_itself() -> None:
    memory = bytearray(b"top-secret")
    view = memoryview(memory)

    with SecretBuffer(memory) as secret:
        secret.mac(b"used")

    assert bytes(view) == bytes(10)
    with pytest.raises(ValueError, match="wiped"):
        secret.mac(b"used again")


def test_a_secret_is_in_no_text_form_and_in_no_copy() -> None:
    secret = SecretBuffer(bytearray(b"top-secret"))

    assert "top-secret" not in f"{secret} {secret!r} {[secret]}"
    assert not hasattr(secret, "__dict__")
    for copier in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError):
            copier(secret)


@given(st.text(max_size=70))
def test_values_come_back_from_the_vaults_form(text: str) -> None:
    encoded = encode_base64url(text)

    assert encoded.encode() == base64.urlsafe_b64encode(text.encode()).rstrip(b"=")
    assert decode_text(memoryview(encoded.encode())) == text


@pytest.mark.parametrize("wrong", [b"ab=", b"ab+c", b"a b", b'a"', b"a\xff"])
def test_what_is_not_base64url_is_an_error_that_shows_nothing(wrong: bytes) -> None:
    with pytest.raises(ValueError, match=r"^not base64url$"):
        SecretBuffer.from_base64url(bytearray(wrong))
