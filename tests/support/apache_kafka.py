"""Apache Kafka as native processes: fetched by Maven, started from its class path, one node or three.

``python -m tests.support.apache_kafka`` runs it until Ctrl-C (``make kafka``); ``-- COMMAND`` runs a command with the
cluster's address in its environment instead.
"""

import argparse
import asyncio
import contextlib
import functools
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.architecture.source import ROOT
from tests.support.broker import free_port, offered_apis

DEPLOY = ROOT / "deploy" / "kafka"
JARS = ROOT / "var" / "kafka" / "jars"
_FETCH_S = 300.0
_READY_S = 90.0
_STOP_S = 30.0
_CLUSTER_ID = "YmFja2Z1dHVyZS10ZXN0cw"
_JVM = ("-Xms96m", "-Xmx448m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Djava.awt.headless=true")
_TEST_SETTINGS = {
    "auto.create.topics.enable": "false",
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.num.partitions": "4",
    "group.initial.rebalance.delay.ms": "0",
    "log.retention.check.interval.ms": "1000",
    "log.initial.task.delay.ms": "1000",
    "log.cleaner.backoff.ms": "500",
    "log.cleaner.dedupe.buffer.size": "4194304",
    "transaction.abort.timed.out.transaction.cleanup.interval.ms": "1000",
    "broker.session.timeout.ms": "4000",
    "broker.heartbeat.interval.ms": "500",
    "controller.quorum.election.timeout.ms": "500",
    "controller.quorum.fetch.timeout.ms": "1000",
    "num.network.threads": "2",
    "num.io.threads": "4",
    "num.recovery.threads.per.data.dir": "1",
}


def why_not() -> str:
    """Return why Apache Kafka cannot be run here; empty when it can. Fetches nothing."""
    if shutil.which("java") is None:
        return "java is missing"
    if not _is_fetched():
        return "Apache Kafka is not fetched (make kafka-deps)"
    return ""


def fetch() -> str:
    """Have Maven put the class path together, once for each version; return why that failed, empty when it did not."""
    if shutil.which("java") is None or shutil.which("mvn") is None:
        return "java or mvn is missing"
    if _is_fetched():
        return ""
    draft = JARS.with_name("jars.draft")
    shutil.rmtree(draft, ignore_errors=True)
    command = ["mvn", "-q", "-B", "-f", str(DEPLOY / "pom.xml"), "dependency:copy-dependencies"]
    try:
        done = subprocess.run(
            [*command, f"-DoutputDirectory={draft}", "-DincludeScope=runtime"],
            capture_output=True, text=True, timeout=_FETCH_S, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return f"Maven did not end within {_FETCH_S:g} s"
    if done.returncode:
        return f"Maven could not fetch it (exit code {done.returncode})"
    (draft / "pom.xml").write_bytes((DEPLOY / "pom.xml").read_bytes())
    shutil.rmtree(JARS, ignore_errors=True)
    draft.rename(JARS)
    return ""


def version() -> str:
    """Return the version of the fetched server."""
    return next(jar.stem.partition("-")[2] for jar in JARS.glob("kafka_2.13-*.jar"))


def _is_fetched() -> bool:
    kept = JARS / "pom.xml"
    return kept.is_file() and kept.read_bytes() == (DEPLOY / "pom.xml").read_bytes()


@dataclass
class Node:
    """One broker and controller in one process; its folder outlives the process."""

    number: int
    port: int
    controller_port: int
    folder: Path
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        return self.folder / "kafka.log"

    def start(self) -> None:
        """Start the process; it is ready when it answers."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                _java("kafka.Kafka", str(self.folder / "server.properties")),
                cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip

    def wait_ready(self, within_s: float = _READY_S) -> None:
        until_s = time.monotonic() + within_s
        while True:
            code = self.process.poll() if self.process else None
            assert code is None, f"Kafka node {self.number} ended with {code}: {self.said()}"
            with contextlib.suppress(OSError, AssertionError):
                if offered_apis(self.address):
                    return
            assert time.monotonic() < until_s, f"Kafka node {self.number} is not ready: {self.said()}"
            time.sleep(0.1)

    def kill(self) -> None:
        """End it as a power cut does."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def said(self) -> str:
        return self.log.read_text(errors="replace")[-4_000:] if self.log.exists() else ""

    def _end(self, signum: signal.Signals) -> None:
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.send_signal(signum)
        try:
            self.process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(_STOP_S)
        self.process = None


@dataclass
class Cluster:
    """Some nodes that are one cluster."""

    folder: Path
    nodes: list[Node]
    overrides: dict[str, str] = field(default_factory=dict)
    format_options: Sequence[str] = ()

    @property
    def bootstrap(self) -> str:
        return ",".join(node.address for node in self.nodes)

    @property
    def replication(self) -> int:
        return min(3, len(self.nodes))

    def start(self) -> None:
        """Format what is new and start all nodes."""
        for node in self.nodes:
            if not (node.folder / "server.properties").exists():
                self._format(node)
            node.start()
        for node in self.nodes:
            node.wait_ready()

    def stop(self, *, kept: bool) -> None:
        """Stop all nodes at once: the last two of three would wait for each other's vote. Unless the data is kept,
        nothing is worth waiting for.
        """
        for node in self.nodes:
            if node.process is not None and node.process.poll() is None:
                node.process.send_signal(signal.SIGTERM if kept else signal.SIGKILL)
        for node in self.nodes:
            node.stop()

    def properties(self, node: Node) -> dict[str, str]:
        """Return the settings of one node."""
        voters = ",".join(f"{one.number}@127.0.0.1:{one.controller_port}" for one in self.nodes)
        safe = str(min(2, self.replication))
        return {
            "process.roles": "broker,controller",
            "node.id": str(node.number),
            "controller.quorum.voters": voters,
            "controller.listener.names": "CONTROLLER",
            "listeners": f"PLAINTEXT://{node.address},CONTROLLER://127.0.0.1:{node.controller_port}",
            "advertised.listeners": f"PLAINTEXT://{node.address}",
            "log.dirs": str(node.folder / "data"),
            "default.replication.factor": str(self.replication),
            "offsets.topic.replication.factor": str(self.replication),
            "transaction.state.log.replication.factor": str(self.replication),
            "transaction.state.log.min.isr": safe,
            **_TEST_SETTINGS,
            **{name: _filled(text, node) for name, text in self.overrides.items()},
        }

    def _format(self, node: Node) -> None:
        node.folder.mkdir(parents=True)
        settings = node.folder / "server.properties"
        settings.write_text("".join(f"{name}={value}\n" for name, value in self.properties(node).items()))
        settings.chmod(0o600)
        command = _java("kafka.tools.StorageTool", "format", "-t", _CLUSTER_ID, "-c", str(settings))
        done = subprocess.run(
            [*command, *self.format_options], capture_output=True, text=True, timeout=_READY_S, check=False
        )
        assert done.returncode == 0, f"formatting failed: {done.stdout} {done.stderr}"


@contextlib.contextmanager
def running_kafka(
    nodes: int = 1,
    folder: Path | None = None,
    *,
    overrides: dict[str, str] | None = None,
    format_options: Sequence[str] = (),
    port: int = 0,
) -> Iterator[Cluster]:
    """Run a cluster on free ports (or from ``port`` on), in a folder of its own that is removed unless given."""
    reason = why_not()
    assert not reason, reason
    with contextlib.ExitStack() as stack:
        place = folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bf-kafka-")))
        cluster = Cluster(
            place,
            [
                Node(
                    number,
                    port + 2 * (number - 1) if port else free_port(),
                    port + 2 * number - 1 if port else free_port(),
                    place / f"node-{number}",
                )
                for number in range(1, nodes + 1)
            ],
            overrides or {},
            format_options,
        )
        stack.callback(cluster.stop, kept=folder is not None)
        cluster.start()
        yield cluster


def _filled(text: str, node: Node) -> str:
    return text.replace("{port}", str(node.port)).replace("{controller_port}", str(node.controller_port))


def _java(main: str, *arguments: str) -> list[str]:
    logging = f"-Dlog4j2.configurationFile={DEPLOY / 'log4j2.properties'}"
    return ["java", *_JVM, logging, "-cp", f"{JARS}/*", main, *arguments]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return its exit code, or that of the command run inside."""
    parser = argparse.ArgumentParser(prog="make kafka", description="Apache Kafka on this machine, for development.")
    parser.add_argument("--nodes", type=int, choices=(1, 3), default=1)
    parser.add_argument("--port", type=int, default=9092, help="of the first node; 0 for free ones")
    parser.add_argument("--data-dir", type=Path, help="kept; without it the data is removed at the end")
    parser.add_argument("--fetch-only", action="store_true", help="get it, start nothing")
    parser.add_argument("command", nargs="*", help="run this with KAFKA_BOOTSTRAP_SERVERS set, then stop")
    given = parser.parse_args(arguments)
    reason = fetch()
    if reason or given.fetch_only:
        sys.stdout.write(f"Apache Kafka: {reason or version()}\n")
        return 1 if reason else 0
    with running_kafka(given.nodes, given.data_dir, port=given.port) as cluster:
        environment = {
            "KAFKA_BOOTSTRAP_SERVERS": cluster.bootstrap,
            "KAFKA_REPLICATION_FACTOR": str(cluster.replication),
        }
        sys.stdout.write(f"Apache Kafka {version()} runs:\n")
        sys.stdout.writelines(f"  export {name}={value}\n" for name, value in environment.items())
        sys.stdout.flush()
        if given.command:
            return subprocess.run(given.command, env=os.environ | environment, check=False).returncode
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(_until_terminated())
    return 0


async def _until_terminated() -> None:
    stopping = asyncio.Event()
    for signum in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(signum, functools.partial(stopping.set))
    await stopping.wait()


if __name__ == "__main__":
    sys.exit(main())
