"""Refusals with an HTTP status, and the one shape in which every error leaves."""

from typing import Annotated, Any

from backfuture_common.errors import ErrorInfo, Refused
from pydantic import BaseModel, ConfigDict, Field


class ErrorDetail(BaseModel):
    """What went wrong and what to do about it."""

    model_config = ConfigDict(frozen=True)

    code: Annotated[str, Field(description="Stable; clients may switch on it.", examples=["bot.symbol_unknown"])]
    message: Annotated[str, Field(description="What happened, in one sentence.")]
    hint: Annotated[str, Field(description="What to do about it; may be empty.")] = ""
    retryable: Annotated[bool, Field(description="Whether the same request may succeed later.")] = False


class ErrorBody(BaseModel):
    """Body of every answer with a status of 400 or more."""

    model_config = ConfigDict(frozen=True)

    error: ErrorDetail


class ApiError(Refused):
    """A refusal that knows its HTTP status."""

    status = 422

    def __init__(
        self, code: str, message: str, hint: str = "", *, retryable: bool = False, retry_after_s: int | None = None
    ) -> None:
        super().__init__(code, message, hint, retryable=retryable)
        self.retry_after_s = retry_after_s


class Invalid(ApiError):  # noqa: N818 - reads as a sentence where it is raised
    """Readable, but not acceptable as it stands."""

    status = 422


class Malformed(ApiError):  # noqa: N818 - reads as a sentence where it is raised
    """Not readable at all."""

    status = 400


class Unauthorised(ApiError):  # noqa: N818 - reads as a sentence where it is raised
    """Nobody we know."""

    status = 401


class Forbidden(ApiError):  # noqa: N818 - reads as a sentence where it is raised
    """Known, but not allowed."""

    status = 403


class NotFound(ApiError):  # noqa: N818 - reads as a sentence where it is raised
    """Does not exist, or belongs to somebody else: the same answer for both."""

    status = 404


class Conflict(ApiError):  # noqa: N818 - reads as a sentence where it is raised
    """Does not fit the state that things are in."""

    status = 409


class TooMany(ApiError):  # noqa: N818 - reads as a sentence where it is raised
    """Asked too often."""

    status = 429


class Unavailable(ApiError):  # noqa: N818 - reads as a sentence where it is raised
    """A part that is needed cannot be reached; nothing was done."""

    status = 503


class OutcomeUnknown(ApiError):  # noqa: N818 - reads as a sentence where it is raised
    """A part that is needed did not answer in time; the platform finds out what happened."""

    status = 504


def body_of(info: ErrorInfo) -> dict[str, object]:
    """Return the JSON body that tells ``info``."""
    return ErrorBody(
        error=ErrorDetail(code=info.code, message=info.message, hint=info.hint, retryable=info.retryable)
    ).model_dump()


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the OpenAPI ``responses`` of a route that may answer with these statuses, and those all routes may."""
    texts = {
        400: "The body is not readable.",
        401: "No valid access token.",
        403: "Not allowed for this role.",
        404: "No such thing among yours.",
        409: "Does not fit the present state.",
        413: "The body is larger than 64 kB.",
        422: "A value is not acceptable; the hint says which and why.",
        429: "Too many requests; see Retry-After.",
        503: "A part that is needed cannot be reached; nothing was done.",
        504: "The outcome is being found out.",
    }
    return {status: {"model": ErrorBody, "description": texts[status]} for status in sorted({*statuses, 413, 422})}
