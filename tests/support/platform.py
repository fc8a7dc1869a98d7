"""The whole platform for tests: started as a newcomer starts it, in a folder and on ports of its own."""

import contextlib
import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx

_START_S = 120.0
_STOP_S = 60.0
_PORTS = 30
_PASSWORD_LINE = re.compile(r"(admin|user)\s+(\S+)\s+([a-z0-9]{4}(?:-[a-z0-9]{4}){3})")


def free_port_block(count: int = _PORTS) -> int:
    """Return the first of ``count`` neighbouring ports that nobody used a moment ago."""
    for _ in range(200):
        base = random.randrange(20_000, 30_000, 100)  # noqa: S311  (a port, not a secret)
        if all(_is_free(base + offset) for offset in range(count)):
            return base
    raise AssertionError("no block of free ports found")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


class Platform:
    """One ``backfuture up`` and the folder it keeps. ``users`` are those whose passwords it has shown."""

    def __init__(self, folder: Path, **variables: str) -> None:
        self.home = folder / "home"
        self.base_port = free_port_block()
        self.users: dict[str, str] = {}
        self.output = folder / "output.txt"
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("BACKFUTURE_")},
            "BACKFUTURE_HOME": str(self.home),
            "BACKFUTURE_BASE_PORT": str(self.base_port),
            "XDG_CONFIG_HOME": str(folder / "config"),
            "XDG_STATE_HOME": str(folder / "config"),
            "DEMO": "0",
            **variables,
        }
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def api_url(self) -> str:
        return f"http://127.0.0.1:{self.base_port}/api/v1"

    @property
    def dashboard_url(self) -> str:
        return f"http://127.0.0.1:{self.base_port + 1}"

    @property
    def paper_url(self) -> str:
        return f"http://127.0.0.1:{self.base_port + 5}"

    @property
    def control_url(self) -> str:
        return f"http://127.0.0.1:{self.base_port + 6}"

    def start(self, within_s: float = _START_S) -> None:
        """Start and wait until every part is ready."""
        begun = self.output.stat().st_size if self.output.exists() else 0
        with self.output.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "backfuture_cli", "up", "--plain"],
                env=self.environment, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
            )  # fmt: skip
        self.wait(lambda: self.phase() == "running", within_s, "the platform to start")
        for role, name, password in _PASSWORD_LINE.findall(self.output.read_bytes()[begun:].decode()):
            assert role
            self.users[name] = password
        self.wait(self.is_ready, within_s, "every part to be ready")

    def stop(self) -> int:
        """Stop in order, as Ctrl-C does, and return the exit code."""
        if self._process is None:
            return 0
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
        try:
            return self._process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            raise
        finally:
            self._process = None

    def kill_everything(self) -> None:
        """End launcher and parts at one stroke, as a power cut does to processes."""
        victims = [self._process.pid] if self._process else []
        victims += [part["pid"] for part in self.status()["parts"] if part["pid"]]
        for pid in victims:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if self._process:
            self._process.wait(10)
            self._process = None

    def kill(self, part: str) -> int:
        """kill -9 one part and return the pid it had."""
        pid = int(self.part(part)["pid"])
        os.kill(pid, signal.SIGKILL)
        return pid

    def status(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.home / "run" / "status.json").read_text())
        return found

    def part(self, name: str) -> dict[str, Any]:
        return next(part for part in self.status()["parts"] if part["name"] == name)

    def phase(self) -> str:
        self.assert_alive()
        with contextlib.suppress(FileNotFoundError, json.JSONDecodeError):
            status = self.status()
            if self._process is not None and status["pid"] == self._process.pid:  # not what a killed one left
                return str(status["phase"])
        return "unknown"

    def is_ready(self) -> bool:
        self.assert_alive()
        return all(part["state"] == "ready" for part in self.status()["parts"])

    def assert_alive(self) -> None:
        assert self._process is not None, "the platform was not started"
        assert self._process.poll() is None, f"the launcher ended: {self.said()}"

    def said(self) -> str:
        """Return the end of what the launcher printed."""
        return self.output.read_text()[-4_000:]

    def wait(self, condition: Callable[[], bool], within_s: float, what: str) -> None:
        """Wait for the condition; fail with the launcher's words when it does not come true in time."""
        until_s = time.monotonic() + within_s
        while not condition():
            assert time.monotonic() < until_s, f"waited {within_s:g} s for {what}\n{self._report()}"
            time.sleep(0.1)

    def cli(self, *arguments: str, stdin: str = "", code: int = 0) -> Any:
        """Run one ``backfuture`` command with ``--json`` and return what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", "backfuture_cli", *arguments, "--json"],
            env=self.environment, input=stdin.encode(), capture_output=True, timeout=90, check=False,
        )  # fmt: skip
        said = f"{' '.join(arguments[:3])}: {done.stdout.decode()[-800:]} {done.stderr.decode()[-800:]}"
        assert done.returncode == code, f"exit code {done.returncode}, wanted {code}: {said}"
        return json.loads(done.stdout) if done.stdout.strip() else None

    @contextlib.contextmanager
    def api(self, user: str = "admin") -> "Iterator[Api]":
        """Yield the API as this user."""
        with httpx.Client(base_url=self.api_url, timeout=15, trust_env=False) as http:
            api = Api(http, user, self.users[user])
            api.login()
            yield api

    def _report(self) -> str:
        logs = sorted((self.home / "logs").glob("*.log"))
        ends = [f"--- {log.name}\n" + "\n".join(log.read_text(errors="replace").splitlines()[-6:]) for log in logs]
        return "\n".join([self.said(), *ends])[-12_000:]


class Api:
    """The gateway's API with one user's token. Asks again while the gateway restarts, never repeats a change blindly:
    changes carry an idempotency key.
    """

    def __init__(self, http: httpx.Client, user: str, password: str) -> None:
        self.http = http
        self._user = user
        self._password = password
        self._keys = 0

    def login(self) -> None:
        answer = self.http.post("/auth/login", json={"username": self._user, "password": self._password})
        assert answer.status_code == 200, answer.text
        self.http.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    def get(self, path: str, **query: str | int) -> Any:
        return self._answer("GET", path, params=query)

    def items(self, path: str, **query: str | int) -> list[dict[str, Any]]:
        answer = self.get(path, **query)
        found: list[dict[str, Any]] = answer["items"] if isinstance(answer, dict) else answer
        return found

    def post(self, path: str, body: dict[str, Any] | None = None) -> Any:
        self._keys += 1
        headers = {"Idempotency-Key": f"test-{id(self)}-{time.time_ns()}-{self._keys}"}
        return self._answer("POST", path, json=body or {}, headers=headers)

    def delete(self, path: str) -> Any:
        return self._answer("DELETE", path)

    def _answer(self, method: str, path: str, **request: Any) -> Any:
        until_s = time.monotonic() + 60
        while True:
            try:
                answer = self.http.request(method, path, **request)
                if answer.status_code not in {502, 503}:
                    break
            except httpx.TransportError:
                pass
            assert time.monotonic() < until_s, f"{method} {path}: the gateway does not answer"
            time.sleep(0.3)
        assert answer.status_code < 400, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None


@contextlib.contextmanager
def running_platform(folder: Path, **variables: str) -> Iterator[Platform]:
    """Yield a started platform and stop it at the end."""
    platform = Platform(folder, **variables)
    try:
        platform.start()
        yield platform
    finally:
        platform.stop()
