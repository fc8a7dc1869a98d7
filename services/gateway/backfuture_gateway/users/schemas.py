"""Bodies of the user administration."""

from typing import Annotated

from pydantic import Field, SecretStr, StringConstraints

from backfuture_gateway.auth.passwords import MAX_LENGTH, MIN_LENGTH
from backfuture_gateway.db.tables import Role
from backfuture_gateway.http.schemas import Inbound, Outbound

USER_NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$"


class UserCreate(Inbound):
    name: Annotated[str, StringConstraints(pattern=USER_NAME_PATTERN), Field(examples=["ana"])]
    password: Annotated[SecretStr, Field(min_length=MIN_LENGTH, max_length=MAX_LENGTH)]
    role: Role = "user"


class UserOut(Outbound):
    id: str
    name: str
    role: Role
    created_ms: int
