"""A Kafka broker for tests: the one that is given, else the embedded one as a process of its own."""

import contextlib
import os
import selectors
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_READY_S = 30.0
_STOP_S = 10.0


def free_port() -> int:
    """Return a TCP port on 127.0.0.1 that nobody used a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def offered_apis(bootstrap: str) -> dict[int, tuple[int, int]]:
    """Ask for ApiVersions over a bare socket."""
    host, port = bootstrap.split(",", maxsplit=1)[0].rsplit(":", 1)
    body = struct.pack(">hhih", 18, 0, 7, 5) + b"probe"
    with socket.create_connection((host, int(port)), timeout=10) as connection, connection.makefile("rb") as stream:
        connection.sendall(struct.pack(">i", len(body)) + body)
        (size,) = struct.unpack(">i", stream.read(4))
        data = stream.read(size)
    correlation, error, count = struct.unpack_from(">ihi", data)
    assert (correlation, error) == (7, 0)
    triples = (struct.unpack_from(">hhh", data, 10 + 6 * number) for number in range(count))
    return {key: (lowest, highest) for key, lowest, highest in triples}


@dataclass(frozen=True)
class BrokerProcess:
    """A running embedded broker: its address, and the process for those who want to kill it."""

    bootstrap: str
    process: "subprocess.Popen[bytes]"


@contextlib.contextmanager
def running_broker(data_dir: Path | None = None, *, port: int = 0, options: tuple[str, ...] = ()) -> Iterator[str]:
    """Yield a bootstrap address: ``KAFKA_BOOTSTRAP_SERVERS`` when set, else that of an embedded broker of our own."""
    given = os.environ.get("KAFKA_BOOTSTRAP_SERVERS")
    if given:
        yield given
        return
    with embedded_broker(data_dir, port=port, options=options) as broker:
        yield broker.bootstrap


@contextlib.contextmanager
def own_broker() -> Iterator[str]:
    """Yield the address of a broker for the caller alone: Apache Kafka when ``TEST_BROKER=kafka``, else embedded."""
    if os.environ.get("TEST_BROKER") == "kafka":
        from tests.support.apache_kafka import running_kafka  # noqa: PLC0415  (which stands on this module)

        with running_kafka() as cluster:
            yield cluster.bootstrap
        return
    with embedded_broker() as broker:
        yield broker.bootstrap


@contextlib.contextmanager
def embedded_broker(
    data_dir: Path | None = None, *, port: int = 0, options: tuple[str, ...] = ()
) -> Iterator[BrokerProcess]:
    """Run the embedded broker, in a temporary folder unless one is given, and stop it at the end."""
    with contextlib.ExitStack() as stack:
        folder = data_dir or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bf-broker-")))
        command = [sys.executable, "-m", "backfuture_broker", "--port", str(port), "--data-dir", str(folder), *options]
        errors = stack.enter_context((folder / "broker.stderr").open("ab"))
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors)
        stack.callback(_stop, process)
        yield BrokerProcess(_wait_until_ready(process, folder), process)


def _wait_until_ready(process: "subprocess.Popen[bytes]", folder: Path) -> str:
    assert process.stdout is not None
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        until_s = time.monotonic() + _READY_S
        while time.monotonic() < until_s and selector.select(timeout=until_s - time.monotonic()):
            line = process.stdout.readline().decode()
            if line.startswith("ready "):
                return line.split()[1]
            if not line:
                break
    told = (folder / "broker.stderr").read_text()[-2_000:]
    raise RuntimeError(f"the broker did not get ready (exit code {process.poll()}): {told}")


def _stop(process: "subprocess.Popen[bytes]") -> None:
    """Stop the process by its id, wait for its end, and close its pipe."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
    process.wait(_STOP_S)
    if process.stdout is not None:
        process.stdout.close()
