"""Bodies of login, refresh and logout."""

from typing import Annotated

from pydantic import Field, SecretStr

from backfuture_gateway.auth.passwords import MAX_LENGTH
from backfuture_gateway.db.tables import Role
from backfuture_gateway.http.schemas import Inbound, Outbound

RefreshToken = Annotated[
    SecretStr, Field(min_length=1, max_length=200, description="As the last login or refresh gave it; works once.")
]


class LoginIn(Inbound):
    username: Annotated[str, Field(min_length=1, max_length=80, examples=["admin"])]
    password: Annotated[SecretStr, Field(min_length=1, max_length=MAX_LENGTH)]


class RefreshIn(Inbound):
    refresh_token: RefreshToken


class TokensOut(Outbound):
    """Give the access token as ``Authorization: Bearer …``; keep the refresh token as carefully as a password."""

    access_token: str
    refresh_token: str
    token_type: str = "bearer"  # noqa: S105 - the scheme's name
    expires_in_s: Annotated[int, Field(description="Life of the access token.", examples=[900])]


class MeOut(Outbound):
    id: str
    name: str
    role: Role
