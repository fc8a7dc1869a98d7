"""Bodies of the connections' endpoints."""

from typing import Annotated, Literal

from backfuture_common.messages.connections import ConnectionStatus, StepStatus, TestCode, TestStepName
from pydantic import AfterValidator, Field, SecretStr
from pydantic_core import PydanticCustomError

from backfuture_gateway.http.schemas import Inbound, Outbound
from backfuture_gateway.http.texts import Name


def _in_one_piece(value: SecretStr) -> SecretStr:
    if not all("!" <= letter <= "~" for letter in value.get_secret_value()):
        raise PydanticCustomError("secret_form", "not in one piece")
    return value


def _optional_in_one_piece(value: SecretStr | None) -> SecretStr | None:
    return value if value is None else _in_one_piece(value)


KeyPart = Annotated[SecretStr, Field(min_length=8, max_length=512), AfterValidator(_in_one_piece)]


class ConnectionCreate(Inbound):
    """An API key with its secret. Both go to the key store at once and are never shown again."""

    name: Annotated[Name, Field(examples=["MEXC Spot Main"], description="Clear and unique among yours.")]
    exchange: Annotated[str, Field(min_length=1, max_length=64, examples=["paper-kucoin"])]
    api_key: KeyPart
    secret: KeyPart
    passphrase: Annotated[
        SecretStr | None,
        Field(min_length=1, max_length=128, description="Only for exchanges that ask for one."),
        AfterValidator(_optional_in_one_piece),
    ] = None


class StepOut(Outbound):
    name: TestStepName
    status: StepStatus
    detail: str
    took_ms: int | None


SecretState = Literal["storing", "stored", "destroying", "destroyed"]


class ConnectionOut(Outbound):
    """A connection and the last word of its exchange."""

    id: str
    name: str
    exchange: str
    status: Annotated[
        ConnectionStatus,
        Field(description="`online`: proven trade-only. `attention`: see code and hint. `refused`: may never be used."),
    ]
    trade_allowed: bool
    code: Annotated[TestCode | None, Field(description="What the last test ended in; null while one runs.")]
    message: str
    hint: str
    steps: list[StepOut]
    rights: list[str]
    ip_restricted: bool | None
    key_expires_ms: int | None
    key_hint: Annotated[str, Field(description="The end of the API key; never any of the secret.")]
    secret_state: SecretState
    credential_version: int
    test_id: str
    created_ms: int
    updated_ms: int
