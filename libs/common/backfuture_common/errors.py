"""The three kinds of failure, and the shape in which a refusal reaches a user.

A vendor's exception is translated once, in the adapter, into one of these.
"""

import msgspec


class ErrorInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What a user or an operator is told: a stable ``code``, a plain ``message``, and a ``hint`` what to do."""

    code: str
    message: str
    hint: str = ""
    retryable: bool = False


class PlatformError(Exception):
    """Base of the platform's own failures; carries an :class:`ErrorInfo` and never a secret."""

    def __init__(self, code: str, message: str, hint: str = "", *, retryable: bool = False) -> None:
        super().__init__(f"{code}: {message}")
        self.info = ErrorInfo(code=code, message=message, hint=hint, retryable=retryable)


class Refused(PlatformError):  # noqa: N818  (a kind of outcome, not a kind of bug)
    """Definitely did not happen. Tell the user; nothing has to be found out."""


class Unknown(PlatformError):  # noqa: N818  (a kind of outcome, not a kind of bug)
    """May have happened. To be resolved by asking, never by doing it again blindly."""


class Fatal(PlatformError):  # noqa: N818  (a kind of outcome, not a kind of bug)
    """An invariant is broken or this process was fenced: end it, start-up is the recovery."""
