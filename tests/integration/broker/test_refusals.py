"""When a broker must not start, it says why in one line and ends with exit code 2."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.contract.broker.kit import Kafka
from tests.support.broker import embedded_broker

pytestmark = pytest.mark.embedded

REFUSED = 2


def refusal(*arguments: str | Path, shell_prefix: str = "") -> str:
    """Start a broker that has to refuse; return what it says."""
    command = [sys.executable, "-m", "backfuture_broker", *map(str, arguments)]
    if shell_prefix:
        command = ["sh", "-c", f'{shell_prefix}; exec "$@"', "sh", *command]
    ended = subprocess.run(command, capture_output=True, timeout=30, check=False)
    assert ended.returncode == REFUSED, ended
    assert ended.stdout == b"", "it never said that it is ready"
    (line,) = ended.stderr.decode().splitlines()
    return line


def holds_records(folder: Path) -> bool:
    return any(log.stat().st_size for log in folder.glob("topics/*/*.log"))


def test_a_folder_that_another_broker_holds(tmp_path: Path) -> None:
    with embedded_broker(tmp_path):
        assert "in use by another broker" in refusal("--port", "0", "--data-dir", tmp_path)


def test_a_port_that_is_taken(tmp_path: Path) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]

        assert f"cannot listen on 127.0.0.1:{port}" in refusal("--port", str(port), "--data-dir", tmp_path)


def test_a_port_that_is_none(tmp_path: Path) -> None:
    assert "not a port" in refusal("--port", "70000", "--data-dir", tmp_path)


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")

    assert "cannot write to" in refusal("--port", "0", "--data-dir", tmp_path / "file" / "data")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_is_not_ours_to_write(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        assert "cannot write to" in refusal("--port", "0", "--data-dir", tmp_path / "data")
    finally:
        tmp_path.chmod(0o700)


def test_a_disk_that_is_full(tmp_path: Path) -> None:
    line = refusal("--port", "0", "--data-dir", tmp_path / "data", shell_prefix="ulimit -f 0")

    assert "no room left" in line


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org"])  # noqa: S104 - it is refused
def test_an_address_that_others_can_reach(tmp_path: Path, host: str) -> None:
    assert "not an address of this machine alone" in refusal("--host", host, "--port", "0", "--data-dir", tmp_path)


async def test_records_without_their_journal(tmp_path: Path) -> None:
    with embedded_broker(tmp_path) as broker:
        kafka = Kafka(broker.bootstrap)
        await kafka.fill(await kafka.topic(), [b"precious"])
    (tmp_path / "journal").unlink()

    assert "no journal" in refusal("--port", "0", "--data-dir", tmp_path)

    (tmp_path / "broker.json").unlink()
    assert "no broker.json" in refusal("--port", "0", "--data-dir", tmp_path)
    assert holds_records(tmp_path), "nothing was touched"


def test_a_folder_of_another_version(tmp_path: Path) -> None:
    (tmp_path / "broker.json").write_text('{"format": 99, "cluster_id": "x"}')

    assert "another version" in refusal("--port", "0", "--data-dir", tmp_path)


def test_a_folder_whose_description_is_garbage(tmp_path: Path) -> None:
    for garbage in ("", "[]", '{"format": 1}', "\x00" * 50):
        (tmp_path / "broker.json").write_text(garbage)

        assert "broker.json" in refusal("--port", "0", "--data-dir", tmp_path)


def test_a_folder_can_be_used_again_after_the_other_broker_has_ended(tmp_path: Path) -> None:
    with embedded_broker(tmp_path) as broker:
        broker.process.kill()
        broker.process.wait(10)
    with embedded_broker(tmp_path) as broker:
        assert Kafka(broker.bootstrap).apis
