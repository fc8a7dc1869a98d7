"""Recognises what was seen before without keeping it: keyed hashes, worthless without the key."""

import hashlib
import hmac

from backfuture_common.domain.ids import ExchangeId


class Fingerprints:
    """Keyed hashes of API keys and of requests."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def of_api_key(self, exchange: ExchangeId, api_key: str) -> str:
        return self._mac("api-key", exchange, api_key)

    def of_request(self, method: str, path: str, query: str, body: bytes) -> str:
        return self._mac("request", method, path, query, hashlib.sha256(body).hexdigest())

    def _mac(self, *parts: str) -> str:
        text = "\x1f".join(parts).encode()
        return hmac.new(self._key, text, hashlib.sha256).hexdigest()
