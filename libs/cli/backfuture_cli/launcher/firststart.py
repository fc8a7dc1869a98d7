"""The very first start: users with generated passwords, shown once. Resumable: what is noted is not repeated."""

import secrets
from collections.abc import Callable, Mapping
from typing import Literal

import msgspec

from backfuture_cli.exits import CliError
from backfuture_cli.launcher.home import Home, write_atomically
from backfuture_cli.launcher.readiness import run_to_end

Role = Literal["admin", "user"]
ADMIN, DEMO = "admin", "demo"
_WITHIN_S = 60.0
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
"""No letters that are mistaken for each other."""


class Notes(msgspec.Struct):
    """What of the first start is done. ``shown`` are the users whose password a person has seen."""

    shown: list[str] = []
    demo_done: bool = False


class NewUser(msgspec.Struct, frozen=True):
    """A user just made. The password exists here and on the screen, and nowhere else in clear."""

    name: str
    role: Role
    password: str

    def __repr__(self) -> str:
        return f"NewUser({self.name}, {self.role})"


def read_notes(home: Home) -> Notes:
    """Return what is noted; nothing when this is the first start."""
    try:
        return msgspec.json.decode(home.first_start_file.read_bytes(), type=Notes)
    except FileNotFoundError:
        return Notes()
    except (msgspec.DecodeError, OSError) as error:
        raise CliError(
            f"{home.first_start_file} cannot be read: {error}", "remove it; users are then made anew at the next start"
        ) from None


def write_notes(home: Home, notes: Notes) -> None:
    """Note what is done."""
    write_atomically(home.first_start_file, msgspec.json.encode(notes).decode())


def wanted_users(notes: Notes, *, demo: bool) -> list[tuple[str, Role]]:
    """Return the users to be made: those whose password nobody has seen yet."""
    users: list[tuple[str, Role]] = [(ADMIN, "admin")]
    if demo and not notes.demo_done:
        users.append((DEMO, "user"))
    return [user for user in users if user[0] not in notes.shown]


def new_password() -> str:
    """Return 79 random bits in four groups that can be read out loud."""
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(4)) for _ in range(4))


async def make_users(
    home: Home,
    command: tuple[str, ...],
    environment: Mapping[str, str],
    show: Callable[[list[NewUser]], None],
    *,
    demo: bool,
) -> list[NewUser]:
    """Make the users whose passwords nobody has seen. Each password is shown before its user is made: whenever this is
    interrupted, a user that exists is one whose password was shown. Raises :class:`CliError` when the gateway's command
    fails.
    """
    notes = read_notes(home)
    users = [NewUser(name, role, new_password()) for name, role in wanted_users(notes, demo=demo)]
    if not users:
        return []
    show(users)
    made = [user for user in users if await _make(user, command, environment)]
    notes.shown.extend(user.name for user in users)
    write_notes(home, notes)
    return made


async def _make(user: NewUser, command: tuple[str, ...], environment: Mapping[str, str]) -> bool:
    """Make one user; False when an interrupted first start had made it already."""
    code, said = await run_to_end(
        (*command, "--name", user.name, "--role", user.role),
        environment,
        _WITHIN_S,
        stdin=user.password.encode() + b"\n",
    )
    if code != 0:
        raise CliError(f"the user {user.name} could not be made: {said}", "look at: backfuture logs gateway")
    return said == "created"
