"""Who is logged in, remembered between commands: tokens in a file that its owner alone can read, never a password."""

import os
import stat
from pathlib import Path

import msgspec

from backfuture_cli.exits import CliError
from backfuture_cli.launcher.home import write_atomically


class Session(msgspec.Struct, frozen=True):
    """Tokens of one login at one gateway."""

    gateway: str
    user: str
    access_token: str
    refresh_token: str

    def __repr__(self) -> str:
        return f"Session({self.user} at {self.gateway})"


class SessionFile:
    """Where the session is kept."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self) -> Session | None:
        """Return the session, None when nobody is logged in; :class:`CliError` when others could have read it."""
        try:
            mode = stat.S_IMODE(self._path.stat().st_mode)
            if mode & 0o077:
                raise CliError(
                    f"{self._path} can be read by others (mode {mode:o})",
                    f"remove it, and log in again: rm {self._path} && backfuture login",
                )
            return msgspec.json.decode(self._path.read_bytes(), type=Session)
        except FileNotFoundError:
            return None
        except msgspec.DecodeError:
            raise CliError(f"{self._path} is damaged", f"remove it, and log in again: rm {self._path}") from None

    def save(self, session: Session) -> None:
        """Keep the session."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_atomically(self._path, msgspec.json.encode(session).decode())

    def forget(self) -> None:
        """Remove the session."""
        self._path.unlink(missing_ok=True)


def own_session_file() -> SessionFile:
    """Return the session file of the person at this terminal (XDG state folder)."""
    state = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return SessionFile(Path(state) / "backfuture" / "session.json")
