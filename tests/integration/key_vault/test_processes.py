"""The two processes as the machine sees them: closed to neighbours, silent about themselves, strict with settings."""

import os
import socket
import subprocess
import sys
from importlib import resources
from pathlib import Path

import pytest

from tests.support.key_vault import KeyVault, Name

OWN_GROUP = 12345


@pytest.mark.parametrize("name", ["intake", "dispense"])
def test_a_process_is_closed_to_neighbours_of_the_same_user(key_vault: KeyVault, name: Name) -> None:
    """The kernel gives the memory and environment of a process that closed itself to root alone. For root itself the
    difference shows in the group, so there the process gets one of its own.
    """
    own = {f"BACKFUTURE_{name.upper()}_SOCKET": str(key_vault.folder / f"closed-{name}.sock")}
    process = subprocess.Popen(
        [sys.executable, "-m", "backfuture_key_vault", name],
        env={**key_vault.environment(name), **own},
        stderr=subprocess.PIPE,
        group=OWN_GROUP if os.geteuid() == 0 else None,
    )
    try:
        assert process.stderr is not None
        assert b"service.starting" in process.stderr.readline()
        memory = Path(f"/proc/{process.pid}/mem").stat()
        assert (memory.st_uid, memory.st_gid) == (0, 0)
        limits = Path(f"/proc/{process.pid}/limits").read_text().splitlines()
        assert next(line for line in limits if "core file" in line).split()[4:6] == ["0", "0"]
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("name", ["intake", "dispense"])
def test_no_secret_stands_in_arguments_or_environment(key_vault: KeyVault, name: Name) -> None:
    pid = key_vault.processes[name].pid
    arguments = Path(f"/proc/{pid}/cmdline").read_bytes().decode()
    environment = str(key_vault.environment(name))
    for path in key_vault.bao.secrets_dir.iterdir():
        content = path.read_bytes().decode("latin-1").strip()
        assert content not in arguments + environment, path.name


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"BACKFUTURE_VAULT_ADDR": "http://127.0.0.1:8200"}, "vault.address"),
        ({"BACKFUTURE_VAULT_SECRET_ID_FILE": "/nonexistent"}, "file.missing"),
        ({"BACKFUTURE_DISPENSE_CALLERS_FILE": "/nonexistent"}, "callers.missing"),
        ({"BACKFUTURE_DISPENSE_SOCKET": "/tmp/" + "x" * 120}, "socket.path_too_long"),
        ({"BACKFUTURE_VAULT_TOKEN": "s.x"}, "BACKFUTURE_VAULT_TOKEN"),
        ({"BACKFUTURE_VAULT_TIMEOUT_S": "0"}, "vault_timeout_s"),
    ],
)
def test_a_wrong_setting_ends_the_start_with_its_name(key_vault: KeyVault, wrong: dict[str, str], told: str) -> None:
    own = {"BACKFUTURE_DISPENSE_SOCKET": str(key_vault.folder / "other.sock")}
    done = subprocess.run(
        [sys.executable, "-m", "backfuture_key_vault", "dispense"],
        env={**key_vault.environment("dispense"), **own, **wrong},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode != 0
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert "s.x" not in done.stderr.replace("dispense.sid", "")


def test_a_second_process_on_the_same_socket_gives_up(key_vault: KeyVault) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "backfuture_key_vault", "dispense"],
        env=key_vault.environment("dispense"),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "http.address_taken" in done.stderr
    with socket.socket(socket.AF_UNIX) as still_there:
        still_there.connect(str(key_vault.sockets["dispense"]))


def test_the_package_carries_policies_and_template() -> None:
    deploy = resources.files("backfuture_key_vault") / "deploy"
    assert (deploy / "openbao.hcl.tmpl").is_file()
    assert {path.name for path in (deploy / "policies").iterdir()} == {
        "intake.hcl", "dispense.hcl", "ops.hcl", "backup.hcl",
    }  # fmt: skip
