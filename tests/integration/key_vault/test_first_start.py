"""The embedded server's first start, whole and interrupted; later starts with something wrong."""

import stat
import time
from collections.abc import Iterator

import pytest
from backfuture_common.errors import Fatal

from tests.support.openbao import OpenBao, free_port, key_vault_command, short_folder

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
def bao() -> Iterator[OpenBao]:
    with short_folder() as folder:
        server = OpenBao(folder)
        yield server
        server.stop()


def has_role(bao: OpenBao) -> bool:
    return bao.login("dispense").startswith("s.")


def test_the_commands_alone_bring_a_server_up(bao: OpenBao) -> None:
    prepared = key_vault_command(
        "prepare-openbao", "--dir", bao.folder, "--secrets-dir", bao.secrets_dir, "--socket", bao.socket,
        "--tcp-port", str(free_port()), "--cluster-port", str(free_port()),
    )  # fmt: skip
    assert prepared.returncode == 0, prepared.stderr
    assert prepared.stdout == f'{{"addr":"{bao.address}","config":"{bao.folder}/openbao.hcl"}}\n'
    assert (bao.folder / "first-start").exists()

    bao.spawn()
    ready = key_vault_command(
        "wait-ready", "--addr", bao.address, "--secrets-dir", bao.secrets_dir, "--dir", bao.folder
    )

    assert (ready.returncode, ready.stdout, ready.stderr) == (0, "", "")
    assert not (bao.folder / "first-start").exists()
    assert stat.S_IMODE(bao.socket.stat().st_mode) == 0o600
    assert stat.S_IMODE((bao.folder / "audit.log").stat().st_mode) == 0o600


@pytest.mark.parametrize("after_s", [0.2, 1.1])
def test_a_first_start_that_was_killed_begins_again(bao: OpenBao, after_s: float) -> None:
    bao.prepare()
    bao.spawn()
    time.sleep(after_s)
    bao.kill()

    bao.start()

    assert has_role(bao)
    bao.stop()
    bao.start()
    assert has_role(bao)


def test_a_first_start_whose_end_nobody_saw_begins_again(bao: OpenBao) -> None:
    """The launcher was killed between the server's first start and its proof: nothing can be stored yet."""
    bao.start()
    (bao.folder / "first-start").touch(mode=0o600)
    bao.stop()

    bao.start()

    assert has_role(bao)
    assert [path.name for path in bao.folder.glob("data.*")] == ["data.incomplete-1"]


def test_data_ports_and_place_may_change_between_starts(bao: OpenBao) -> None:
    bao.start()
    token = bao.login("intake")
    path = "exch/data/users/u1/connections/c1"
    stored = bao.call("POST", path, {"data": {"secret": "eA"}, "options": {"cas": 0}}, token=token)
    assert stored.status_code == 200
    bao.stop()
    moved = bao.folder.rename(bao.folder.with_name("moved"))
    bao.folder = moved

    bao.start()

    answer = bao.call("GET", path, token=bao.login("dispense"))
    assert answer.json()["data"]["data"] == {"secret": "eA"}


def test_a_wrong_seal_key_is_reported_and_the_right_one_heals(bao: OpenBao) -> None:
    bao.start()
    bao.stop()
    seal_key = bao.secrets_dir / "seal.key"
    right = seal_key.read_bytes()
    seal_key.write_bytes(b"x" * 32)
    bao.prepare()
    bao.spawn()
    with pytest.raises(Fatal, match=r"openbao\.not_ready.*vault_(sealed|unreachable|error)"):
        bao.wait_ready(timeout_s=3)
    bao.kill()

    seal_key.write_bytes(right)
    bao.start()
    assert has_role(bao)


def test_nobody_there_is_reported_in_one_line(bao: OpenBao) -> None:
    bao.prepare()
    done = key_vault_command(
        "wait-ready", "--addr", bao.address, "--secrets-dir", bao.secrets_dir, "--timeout-s", "0.3"
    )

    assert done.returncode == 1
    assert done.stderr.startswith("openbao.not_ready: intake cannot use the vault: vault_unreachable")
    assert done.stderr.count("\n") == 1


def test_the_first_start_leaves_no_root_token_and_no_recovery_key(bao: OpenBao) -> None:
    bao.start()
    log = bao.log.read_text()
    for path in bao.secrets_dir.iterdir():
        assert path.read_bytes().decode("latin-1") not in log
    assert "root" not in bao.call("GET", "auth/token/lookup-self", token=bao.login("ops")).text.replace("root_id", "")
    assert "Root Token" not in log
    assert "s." not in [word[:2] for word in log.split() if len(word) > 20]
