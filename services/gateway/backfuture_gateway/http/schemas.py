"""Bases of what travels over HTTP."""

from pydantic import BaseModel, ConfigDict


class Inbound(BaseModel):
    """A request body: fields we do not know are refused, types are not guessed."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)


class Outbound(BaseModel):
    """An answer's body, made of rows and messages."""

    model_config = ConfigDict(from_attributes=True, frozen=True)
