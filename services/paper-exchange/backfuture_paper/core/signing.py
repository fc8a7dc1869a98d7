"""The two venues' request signatures. Every comparison takes the same time whether right or wrong."""

import base64
import hashlib
import hmac


def mexc_signature(secret: str, payload: str) -> str:
    """Return the lower-case hex MAC of a query string."""
    return hmac.new(secret.encode(), payload.encode(), hashlib.sha256).hexdigest()


def kucoin_signature(secret: str, message: bytes) -> str:
    """Return the base64 MAC of ``timestamp + METHOD + path with query + body``."""
    return base64.b64encode(hmac.new(secret.encode(), message, hashlib.sha256).digest()).decode()


def kucoin_passphrase(secret: str, passphrase: str, key_version: str) -> str:
    """Return what the passphrase header must contain: plain in version 1, its MAC since."""
    return passphrase if key_version == "1" else kucoin_signature(secret, passphrase.encode())


def equal(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode(), expected.encode())
