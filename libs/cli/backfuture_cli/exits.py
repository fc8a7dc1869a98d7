"""Exit codes of the ``backfuture`` command: stable, scripts may switch on them."""

from enum import IntEnum

from backfuture_common.errors import ErrorInfo


class Exit(IntEnum):
    """Documented in docs/cli.md."""

    OK = 0
    ERROR = 1
    NOT_FOUND = 2
    NOT_RUNNING = 3
    BAD_INPUT = 4
    TIMEOUT = 5
    REFUSED = 6
    KEY_PROBLEM = 7


class CliError(Exception):
    """Something that ends a command: what happened, what to do, and the exit code. Shown without a traceback."""

    def __init__(self, message: str, hint: str = "", *, exit_code: Exit = Exit.ERROR, code: str = "") -> None:
        super().__init__(message)
        self.exit_code = exit_code
        self.info = ErrorInfo(code=code or exit_code.name.lower(), message=message, hint=hint)
