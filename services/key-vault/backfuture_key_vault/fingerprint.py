"""Recognises an API key that was stored before, without the key being kept anywhere it could be read."""

import hmac

from backfuture_common.domain.ids import ExchangeId

HINT_LENGTH = 4


class Fingerprints:
    """``pepper`` never leaves intake: without it a fingerprint cannot be tried against guessed keys."""

    def __init__(self, pepper: bytes) -> None:
        if len(pepper) < 32:
            raise ValueError("a pepper has at least 32 bytes")
        self._pepper = pepper

    def of(self, exchange: ExchangeId, api_key: str) -> str:
        """Return the same text for the same key of the same exchange, and another for any other."""
        return hmac.digest(self._pepper, f"{exchange}\n{api_key}".encode(), "sha256").hex()


def hint_of(api_key: str) -> str:
    """Return what users recognise a key by: its last four characters."""
    return api_key[-HINT_LENGTH:]
