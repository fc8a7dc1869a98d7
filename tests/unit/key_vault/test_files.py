"""Files with secrets are born closed, and used only while they are."""

import os
import stat
from pathlib import Path

import pytest
from backfuture_common.errors import Fatal
from backfuture_key_vault.files import (
    create_private,
    private_folder,
    read_private,
    read_private_text,
    replace_private,
)


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    return tmp_path / "secret"


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_file_is_created_once_closed_and_whole(secret: Path) -> None:
    old = os.umask(0)
    try:
        assert create_private(secret, b"first")
    finally:
        os.umask(old)

    assert not create_private(secret, b"second")
    assert read_private(secret) == b"first"
    assert mode_of(secret) == 0o600
    assert list(secret.parent.iterdir()) == [secret], "drafts are removed"


def test_replacing_is_whole_and_closed(secret: Path) -> None:
    create_private(secret, b"first")
    replace_private(secret, b"second")

    assert read_private_text(secret) == "second"
    assert mode_of(secret) == 0o600
    assert list(secret.parent.iterdir()) == [secret]


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660, 0o601])
def test_a_file_open_to_others_is_refused(secret: Path, mode: int) -> None:
    create_private(secret, b"x")
    secret.chmod(mode)

    for use in (read_private, lambda path: create_private(path, b"y")):
        with pytest.raises(Fatal, match=r"file\.open"):
            use(secret)


def test_a_missing_or_empty_file_is_refused_by_name(secret: Path) -> None:
    with pytest.raises(Fatal, match=f"file.missing.*{secret}"):
        read_private(secret)
    create_private(secret, b"\n")
    with pytest.raises(Fatal, match=r"file\.empty"):
        read_private_text(secret)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_somebody_elses_file_is_refused(secret: Path) -> None:
    create_private(secret, b"x")
    os.chown(secret, 12345, 12345)

    with pytest.raises(Fatal, match=r"file\.foreign"):
        read_private(secret)


def test_a_folder_is_created_closed_or_refused(tmp_path: Path) -> None:
    private_folder(tmp_path / "a")
    private_folder(tmp_path / "a")
    assert mode_of(tmp_path / "a") == 0o700

    (tmp_path / "b").mkdir(mode=0o755)
    with pytest.raises(Fatal, match=r"file\.open"):
        private_folder(tmp_path / "b")
