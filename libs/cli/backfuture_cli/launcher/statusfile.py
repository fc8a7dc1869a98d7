"""The status file as other commands read it."""

import msgspec

from backfuture_cli.exits import CliError, Exit
from backfuture_cli.launcher import lock
from backfuture_cli.launcher.home import Home
from backfuture_cli.launcher.part import PlatformStatus


def read_status(home: Home) -> PlatformStatus:
    """Return how the platform is; :class:`CliError` (not running) when none runs from this state folder."""
    if lock.holder(home) is None:
        raise CliError(f"nothing runs from {home.root}", "start it with `backfuture up`", exit_code=Exit.NOT_RUNNING)
    try:
        return msgspec.json.decode(home.status_file.read_bytes(), type=PlatformStatus)
    except FileNotFoundError:
        raise CliError("the platform is only just starting, or stopping", "try again in a second") from None
    except msgspec.DecodeError as error:
        raise CliError(f"{home.status_file} cannot be read: {error}") from None
