"""Secrets in files that their owner alone can read."""

import os
import secrets
import stat
from pathlib import Path
from string import hexdigits

from backfuture_common.errors import Fatal

_KEY_BYTES = 32


def load_or_create_key(path: Path) -> bytes:
    """Return the 32 random bytes kept in ``path``, made on first use with mode 0600.

    Raises :class:`Fatal` when others may read the file or it holds something else. Two processes may start at once.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not path.exists():
        _create(path, secrets.token_bytes(_KEY_BYTES))
    text = read_secret(path)
    if len(text) != 2 * _KEY_BYTES or not all(letter in hexdigits for letter in text):
        raise Fatal("key_file.damaged", f"{path} does not hold a key of {_KEY_BYTES} bytes")
    return bytes.fromhex(text)


def read_secret(path: Path) -> str:
    """Return a secret file's text; :class:`Fatal` when it is missing or when others than its owner may read it."""
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        text = path.read_text().strip()
    except OSError as error:
        raise Fatal("secret_file.unreadable", f"{path}: {error.strerror}") from None
    if mode & 0o077:
        raise Fatal("secret_file.open", f"{path} can be read by others (mode {mode:o})", f"chmod 600 {path}")
    return text


def _create(path: Path, key: bytes) -> None:
    """Write whole, then link into place: a reader sees all of it or nothing, and only the first writer wins."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(key.hex())
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            return
    finally:
        draft.unlink()
