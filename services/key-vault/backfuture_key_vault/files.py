"""Files that hold secrets: born with mode 0600, read only when nobody else could have."""

import fcntl
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from backfuture_common.errors import Fatal

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def read_private(path: Path) -> bytes:
    """Return the content. Raises :class:`Fatal` when it is missing, not ours, or readable by others."""
    require_private(path)
    return path.read_bytes()


def read_private_text(path: Path) -> str:
    """Return the content of a one-line secret file, without the line's end. An empty one is :class:`Fatal` too."""
    text = read_private(path).decode().strip()
    if not text:
        raise Fatal("file.empty", f"{path} is empty", "remove it and let it be made again")
    return text


def require_private(path: Path) -> None:
    """Raise :class:`Fatal` unless the path exists, belongs to this user and is closed to all others."""
    try:
        found = path.stat()
    except OSError as error:
        raise Fatal(
            "file.missing", f"cannot read {path}: {error.strerror}", "run prepare-openbao or create it"
        ) from None
    if found.st_uid != os.geteuid():
        raise Fatal("file.foreign", f"{path} belongs to user {found.st_uid}", "let the service's own user own it")
    if found.st_mode & _OTHERS:
        mode = stat.S_IMODE(found.st_mode)
        raise Fatal("file.open", f"{path} has mode {mode:04o}", f"chmod go-rwx {path}; replace the secret in it")


def create_private(path: Path, content: bytes) -> bool:
    """Create the file whole and on disk before this returns; False when it exists already (it is then only checked)."""
    draft = _draft(path, content)
    try:
        os.link(draft, path)
    except FileExistsError:
        require_private(path)
        return False
    finally:
        draft.unlink()
    sync_folder(path.parent)
    return True


def replace_private(path: Path, content: bytes) -> None:
    """Put new content in the file's place, at once or not at all."""
    _draft(path, content).replace(path)
    sync_folder(path.parent)


def private_folder(path: Path) -> None:
    """Create the folder with mode 0700, or check that it is ours and closed."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    require_private(path)


@contextmanager
def locked_folder(path: Path) -> Iterator[None]:
    """Let one process at a time change what is in the folder. Waits."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def sync_folder(path: Path) -> None:
    """Make renames and new names in the folder durable."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _draft(path: Path, content: bytes) -> Path:
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return draft
