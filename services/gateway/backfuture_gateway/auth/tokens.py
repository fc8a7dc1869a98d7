"""Access tokens (signed, short-lived) and refresh tokens (random, known only by hash)."""

import hashlib
import secrets
from dataclasses import dataclass

import jwt
from backfuture_common.domain.ids import UserId
from backfuture_common.runtime.clock import Clock

from backfuture_gateway.http.errors import Unauthorised

_ALGORITHM = "HS256"
_ISSUER = "backfuture-gateway"


@dataclass(frozen=True, slots=True)
class Claims:
    """What an access token says: whose session it belongs to and until when it holds."""

    user_id: UserId
    session_id: str
    expires_ms: int


class AccessTokens:
    """Signs and reads access tokens with one key."""

    def __init__(self, key: bytes, ttl_s: int, clock: Clock) -> None:
        self._key = key
        self.ttl_s = ttl_s
        self._clock = clock

    def issue(self, user_id: UserId, session_id: str) -> str:
        now_s = self._clock.now_ms() // 1000
        claims = {"iss": _ISSUER, "sub": user_id, "sid": session_id, "iat": now_s, "exp": now_s + self.ttl_s}
        return jwt.encode(claims, self._key, algorithm=_ALGORITHM)

    def read(self, token: str) -> Claims:
        """Return the claims; :class:`Unauthorised` when the token is not ours, damaged or over."""
        try:
            claims = jwt.decode(
                token,
                self._key,
                algorithms=[_ALGORITHM],
                issuer=_ISSUER,
                options={"require": ["exp", "sub", "sid", "iss"], "verify_exp": False, "verify_iat": False},
            )
            expires_ms = int(claims["exp"]) * 1000
        except (jwt.InvalidTokenError, ValueError, TypeError):
            raise Unauthorised("auth.token_invalid", "The access token is not valid.", "Log in again.") from None
        if expires_ms <= self._clock.now_ms():
            raise Unauthorised(
                "auth.token_expired",
                "The access token has expired.",
                "Refresh it with the refresh token.",
                retryable=True,
            )
        return Claims(user_id=UserId(str(claims["sub"])), session_id=str(claims["sid"]), expires_ms=expires_ms)


def new_refresh_token() -> str:
    return secrets.token_urlsafe(32)


def hash_of(refresh_token: str) -> str:
    """Return what is stored of a refresh token. It is random, so a plain hash suffices."""
    return hashlib.sha256(refresh_token.encode()).hexdigest()
