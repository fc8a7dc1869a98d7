"""What must be on disk before the embedded server starts, and what must never be made anew."""

import os
import socket
import stat
from pathlib import Path

import pytest
from backfuture_common.errors import Fatal
from backfuture_key_vault.openbao import Places, prepare
from backfuture_key_vault.provision import ROLES, FromFile, policy_text, steps

from tests.support.openbao import key_vault_command, short_folder

SECRETS = {"seal.key", "fingerprint.pepper", *(f"{role}.sid" for role in ROLES)}


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(tmp_path / "bao", tmp_path / "secrets", Path("/run/x/bao.sock"))


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def after_first_start(places: Places) -> None:
    """Leave things as a successful first start does."""
    prepare(places, 8703, 8704)
    (places.data / "vault.db").write_bytes(b"precious")
    places.first_start.unlink()


def test_everything_is_made_closed_and_random(places: Places) -> None:
    prepare(places, 8703, 8704)

    made = contents(places.secrets_dir)
    assert made.keys() == SECRETS
    assert len(made["seal.key"]) == 32
    assert len(set(made.values())) == len(SECRETS)
    for folder in (places.folder, places.secrets_dir, places.data):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for path in (*places.secrets_dir.iterdir(), places.config):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_configuration_names_files_and_holds_no_secret(places: Places) -> None:
    prepare(places, 8703, 8704)
    config = places.config.read_text()

    assert not any(secret.decode("latin-1") in config for secret in contents(places.secrets_dir).values())
    assert f'path = "{places.secrets_dir}/intake.sid"' in config
    assert f"file://{places.seal_key}" in config
    assert "127.0.0.1:8703" in config
    assert "127.0.0.1:8704" in config
    assert 'socket_mode  = "0600"' in config
    assert f'socket_user  = "{os.geteuid()}"' in config
    assert "metrics_only = true" in config
    assert config.count("127.0.0.1") == 4, "and no other address"


def test_repeating_it_changes_nothing(places: Places) -> None:
    after_first_start(places)
    prepare(places, 8703, 8704)
    before = contents(places.folder) | contents(places.secrets_dir)
    prepare(places, 8703, 8704)

    assert contents(places.folder) | contents(places.secrets_dir) == before
    assert (places.data / "vault.db").read_bytes() == b"precious"


def test_an_interrupted_first_start_begins_again_with_the_same_secrets_and_loses_no_file(places: Places) -> None:
    prepare(places, 8703, 8704)
    secrets = contents(places.secrets_dir)
    for number in (1, 2):
        (places.data / "vault.db").write_bytes(b"half-made %d" % number)
        prepare(places, 8703, 8704)
        assert not list(places.data.iterdir())
        assert (places.folder / f"data.incomplete-{number}" / "vault.db").read_bytes() == b"half-made %d" % number

    assert contents(places.secrets_dir) == secrets


@pytest.mark.parametrize("missing", ["seal.key", "intake.sid", "dispense.sid", "fingerprint.pepper"])
def test_a_lost_secret_is_never_replaced_by_a_new_one(places: Places, missing: str) -> None:
    after_first_start(places)
    (places.secrets_dir / missing).unlink()

    with pytest.raises(Fatal, match=f"file.missing.*{missing}"):
        prepare(places, 8703, 8704)
    assert not (places.secrets_dir / missing).exists()


def test_a_seal_key_of_another_length_is_refused(places: Places) -> None:
    after_first_start(places)
    places.seal_key.write_bytes(b"x" * 31)
    with pytest.raises(Fatal, match=r"openbao\.seal_key"):
        prepare(places, 8703, 8704)


@pytest.mark.parametrize("name", ["seal.key", "intake.sid"])
def test_a_secret_that_others_can_read_is_refused(places: Places, name: str) -> None:
    prepare(places, 8703, 8704)
    for first_start in (True, False):
        if not first_start:
            places.first_start.unlink()
        (places.secrets_dir / name).chmod(0o644)
        with pytest.raises(Fatal, match=r"file\.open"):
            prepare(places, 8703, 8704)
        (places.secrets_dir / name).chmod(0o600)


def test_a_moved_audit_log_is_a_new_audit_device(tmp_path: Path) -> None:
    """The server stores the device: the same name with another path would keep it from ever starting again."""
    names = set()
    for folder in ("a", "b"):
        place = Places(tmp_path / folder, tmp_path / "secrets", Path("/run/bao.sock"))
        prepare(place, 1, 2)
        names.add(next(line for line in place.config.read_text().splitlines() if line.startswith("audit")))
    assert len(names) == 2


@pytest.mark.parametrize("folder", ['we"ird', "new\nline", "dollar$", "{x}"])
def test_a_path_that_would_break_the_configuration_is_refused(tmp_path: Path, folder: str) -> None:
    with pytest.raises(Fatal, match=r"openbao\.path"):
        prepare(Places(tmp_path / folder, tmp_path / "s", Path("/run/bao.sock")), 1, 2)


def test_a_socket_path_that_is_too_long_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    long = tmp_path / ("x" * 110) / "bao.sock"
    with pytest.raises(Fatal, match=r"socket\.path_too_long"):
        prepare(Places(tmp_path / "bao", tmp_path / "secrets", long), 1, 2)
    assert not list(tmp_path.iterdir())


def test_a_first_start_that_is_still_running_is_not_pulled_from_under_its_server(tmp_path: Path) -> None:
    with short_folder() as short, socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(short / "bao.sock"))
        listener.listen()
        with pytest.raises(Fatal, match=r"openbao\.running"):
            prepare(Places(tmp_path / "bao", tmp_path / "secrets", short / "bao.sock"), 1, 2)


def test_the_command_says_what_is_wrong_in_one_line(tmp_path: Path) -> None:
    done = key_vault_command(
        "prepare-openbao", "--dir", tmp_path / ("x" * 120), "--secrets-dir", tmp_path / "s", "--tcp-port", "1",
        "--cluster-port", "2",
    )  # fmt: skip

    assert done.returncode == 1
    assert done.stderr.startswith("socket.path_too_long: ")
    assert done.stderr.count("\n") == 1


def test_no_service_policy_reaches_beyond_the_credentials() -> None:
    for role in ("intake", "dispense"):
        text = policy_text(role)
        paths = [line.split('"')[1] for line in text.splitlines() if line.startswith("path ")]
        assert paths
        assert all(path.startswith("exch/") and path.endswith("/users/+/connections/+") for path in paths)
        assert "sudo" not in text
        assert "list" not in text.replace("list.", "")
    data = policy_text("intake").split('path "exch/data')[1].split("}")[0]
    assert "read" not in data


def test_secret_ids_come_from_files_in_every_step(tmp_path: Path) -> None:
    ids = [step for step in steps(tmp_path) if "secret-id" in step.name]
    assert len(ids) == len(ROLES)
    assert all(isinstance(step.data["secret_id"], FromFile) for step in ids)
